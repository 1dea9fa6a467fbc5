"""A conversation about a run: in the page, in the terminal (``bms chat``), and over LangGraph's protocol."""
