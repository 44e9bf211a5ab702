"""A page without a browser: the kernel itself makes the call, with aiortc in the browser's stead (extra ``local``).

It speaks the same messages as `js/src`, through the same `rtc_widget.comm.bridge`, on a thread of its own, so that a
busy cell does not hold up the call.

===============  ====================================================================
``page``         one widget's page: what it does when the kernel speaks
``link``         the messages: requests with time limits, replies
``phases``       the life of a call as a machine (twin: ``call_machine.ts``)
``call``         the controller of the calls: runs the machine, keeps the state
``attempt``      one try at a call, and everything it has opened
``peer``         the ``RTCPeerConnection`` and its data channel
``microphone``   what is said: silence, or what a clip holds
``outbox``       the events on their way to the kernel
``resumption``   what a new call is told, so that it goes on with a lost one
``diagnosis``    what was tried and where it stopped
``direct_exchange`` the exchange made by the page itself, with a short-lived secret
===============  ====================================================================

Importing this package loads nothing heavy.
"""

from __future__ import annotations

from rtc_widget.headless.page import HeadlessPage

__all__ = ["HeadlessPage"]
