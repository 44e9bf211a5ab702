"""The embedded voice server: WebRTC, speech recognition and speech synthesis without a key or a network.

Any client of the GA Realtime protocol can call it; it is independent of the widget. Each layer imports only layers
below it:

=================  ==================================================================================
``process``        the server in a process of its own, as the parent process sees it
``serve``          the socket, the HTTP server, and the loading of the engines
``http``           routes, authentication, client secrets, SDP offers, the choice of the responder
``transport``      WebRTC calls and WebSockets, and the registry of all calls
``protocols``      the wire protocols: client events in, server events out
``tutor``          the built-in responder, which explains WebRTC
``responders``     the interface of responders, and those that ask a chat model or a Python function
``audio_outputs``  where the audio of responses goes: a WebRTC track or events
``speech``         the interfaces and engines for recognition, synthesis and voice detection
``conversation``   the items of a session; ``audio_formats`` and ``strict_json``: input from clients
``errors``         errors of the API; ``tasks``: groups of asyncio tasks
``network``        STUN and TURN servers for lessons, independent of the voice server
=================  ==================================================================================

Importing this package loads only the standard library.
"""
