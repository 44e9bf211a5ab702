"""How events and audio reach the embedded server: WebRTC calls and WebSockets. Internal."""
