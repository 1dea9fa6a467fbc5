"""Knowledge that people will want to correct, as YAML, validated when it is loaded."""
