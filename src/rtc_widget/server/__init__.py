"""The embedded realtime server: real WebRTC, real hearing, real speech, no key and no network.

A server of its own that any client of the GA Realtime protocol can call; it knows nothing of widgets.

=====================  ==================================================================
``app``, ``guard``     HTTP and WebSocket: who may call, offers in, answers out
``calls``              all calls, and how many and how long they may be
``call``               one WebRTC call: connection, data channel, sound in and out
``websocket_session``  one session over a WebSocket; ``sideband``: one beside a call
``engine``           one conversation over a connection: client events, responses
``input_audio``            sound becomes turns, turns become items, items get their words
``response``           from the question to the last word; ``drafts``: its items
``sinks``            where the sound of answers goes
``turn_detection``     when a person begins and stops speaking
``speech``             the engines that hear and speak, behind small interfaces
``responder``               what thinks; ``tutor``, ``chat_mind`` and ``parent`` are responders
``process``            the server in a process of its own, as its parent sees it
=====================  ==================================================================

Importing this package loads nothing heavy.
"""
