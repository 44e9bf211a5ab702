"""The built-in responder: explains WebRTC terms and calls tools without a language model. Internal."""
