"""Responders, which decide what the embedded server says: the interface, chat models, Python functions. Internal."""
