"""How long a test waits for what must come about."""

HANGS = 300
"""Seconds after which a test gives up: only what never ends takes as long, on a machine however busy."""
