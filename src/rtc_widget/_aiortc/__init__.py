"""The aiortc and PyAV code that the client and the server share. Internal."""
