"""Pages without a browser: the kernel makes the call itself, with aiortc (extra ``local``).

The page exchanges the messages of `js/src` through the same `rtc_widget.comm.bridge`. It runs on its own thread, so
that a busy cell does not delay the call.

================  ===================================================================
``page``          the page of one widget; loads the rest on its thread
``session``       handles the kernel's requests and reports what happens
``bridge``        messages: requests with time limits, replies
``call_machine``  the states of a call (twin: ``call_machine.ts``)
``call``          runs the machine and keeps the state of the call
``attempt``       one attempt at a call, and everything it opens
``peer``          the ``RTCPeerConnection`` and its data channel
``microphone``    the audio that is sent: silence or clips
``outbox``        events and media on their way to the kernel
``push_to_talk``  turns that begin and end by hand
``recorder``      the audio of both sides for the kernel
``resumption``    the conversation that a new call resumes
``stats``         W3C statistics of the connection
``diagnosis``     which step of the last call failed
``settings``      the widget's settings as the page reads them
``errors``        the errors, with the texts of the browser's page
``clip``          the clips of the kernel
``peer_page``     the page of one `PeerConnection`; ``peers`` is what it is made of
================  ===================================================================

Importing this package loads no heavy dependency.
"""

from __future__ import annotations

from rtc_widget.headless.page import HeadlessPage
from rtc_widget.headless.peer_page import HeadlessPeerPage

__all__ = ["HeadlessPage", "HeadlessPeerPage"]
