"""A small voice agent with a tool, to be tested without a browser: see ``test_weather_agent.py``."""

from __future__ import annotations

from typing import Any

from rtc_widget import VoiceChat

WEATHER = {"Paris": "sunny, 24 degrees", "Oslo": "rain, 9 degrees"}


class WeatherAgent:
    """Knows the weather of two cities, and says so aloud."""

    def __init__(self, **settings: Any) -> None:
        self.chat = VoiceChat(
            instructions="You tell the weather in one sentence.", tools=[self.get_weather], **settings
        )

    def get_weather(self, city: str) -> str:
        """Tell the weather in a city, now.

        Parameters
        ----------
        city : str
            Its name in English.
        """
        return WEATHER.get(city, f"I know nothing of {city}.")
