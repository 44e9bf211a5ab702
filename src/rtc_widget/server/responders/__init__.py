"""What decides what the embedded server says: a Python function, a chat model, the tutor. Internal."""
