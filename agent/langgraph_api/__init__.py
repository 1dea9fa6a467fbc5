"""LangGraph's own protocol over our rows: threads are conversations, interrupts are what a run asks."""
