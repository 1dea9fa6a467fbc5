"""The page: HTML from templates, a little script, nothing from elsewhere."""
