"""The OpenAI GPT-Live protocol, the client's side. Internal."""
