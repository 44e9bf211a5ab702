"""Messages between page and kernel (Jupyter comm). Internal."""
