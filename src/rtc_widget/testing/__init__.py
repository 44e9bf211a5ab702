"""For the tests of voice apps: a page without a browser, a network or a server.

>>> from rtc_widget import VoiceChat
>>> from rtc_widget.testing import ScriptedPage
>>> page = ScriptedPage()
>>> page.will_say("ICE finds a way.")
>>> chat = VoiceChat(page=page)
>>> page.connect()
>>> page.person_says("What is ICE?")
>>> print(chat.transcript)
user: What is ICE?
assistant: ICE finds a way.
"""

from __future__ import annotations

from rtc_widget.testing.scripted_page import ScriptedPage

__all__ = ["ScriptedPage"]
