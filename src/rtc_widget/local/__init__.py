"""The embedded realtime server: real WebRTC, real hearing, real speech, no key and no network.

A server of its own that any client of the GA Realtime protocol can call; it knows nothing of widgets.

====================  ==================================================================
``app``               HTTP: who may call, offers in, answers out
``call``              one WebRTC call: connection, data channel, sound in and out
``dialogue``          one conversation over a call: client events, turns, responses
``turn_detection``    when a person begins and stops speaking
``speech``            the engines that hear and speak, behind small interfaces
``tutor``             the mind that answers when no other is given
``process``           the server in a process of its own, as its parent sees it
====================  ==================================================================

Importing this package loads nothing heavy.
"""
