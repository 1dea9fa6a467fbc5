"""The journey as LangGraph machines, and the runner that starts, resumes and cancels a run."""
