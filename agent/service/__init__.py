"""``bms serve``: the page, the API, LangGraph's protocol and MCP in one process."""
