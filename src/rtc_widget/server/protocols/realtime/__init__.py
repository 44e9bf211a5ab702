"""The OpenAI Realtime protocol, the server's side. Internal."""
