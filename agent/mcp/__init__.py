"""The Model Context Protocol: a run as tools, resources and a prompt, for agents that work for a person."""
