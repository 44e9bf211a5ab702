"""Voice in a notebook."""
