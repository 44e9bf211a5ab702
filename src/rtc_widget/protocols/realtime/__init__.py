"""The OpenAI Realtime protocol, the client's side. Internal."""
