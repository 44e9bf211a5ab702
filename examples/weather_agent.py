"""A small voice agent with a tool; ``test_weather_agent.py`` tests it without a browser."""

from __future__ import annotations

from typing import Any

from rtc_widget import VoiceChat

WEATHER = {"Paris": "sunny, 24 degrees", "Oslo": "rain, 9 degrees"}


class WeatherAgent:
    """Says the weather of two cities."""

    def __init__(self, **settings: Any) -> None:
        self.chat = VoiceChat(
            instructions="You tell the weather in one sentence.", tools=[self.get_weather], **settings
        )

    def get_weather(self, city: str) -> str:
        """Return the current weather in a city.

        Parameters
        ----------
        city : str
            The English name of the city.
        """
        return WEATHER.get(city, f"I know nothing of {city}.")
