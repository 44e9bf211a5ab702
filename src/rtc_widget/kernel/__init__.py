"""Loops, threads and IPython: where the code of this package runs. Internal."""
