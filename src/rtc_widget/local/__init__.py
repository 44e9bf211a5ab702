"""The embedded realtime server."""
