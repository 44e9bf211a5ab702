"""GPT-Live: a session on a clock of input audio, with delegated work instead of responses and turns."""
