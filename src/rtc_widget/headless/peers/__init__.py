"""The peers of a headless page: ``RTCPeerConnection`` objects that Python drives step by step.

The operations, objects and events are those of the page in the browser, ``tests/contract/peer.json``.

=================  ==================================================================
``session``        handles the kernel's requests on the page's thread
``peer``           one peer: runs its operations, records its events
``record``         numbered events, each with the attributes that have changed
``handles``        the names of objects in messages
``engine``         the table of operations, which both engines implement
``pairs``          the candidate pairs while ICE tries them
``sources``        the audio that a peer sends: a tone, a clip, silence
``errors``         W3C errors
``wrtc_engine``    libwebrtc, the engine of Chromium, by the package ``wrtc``
``aiortc_engine``  aiortc, whose network can be broken on purpose
=================  ==================================================================
"""
