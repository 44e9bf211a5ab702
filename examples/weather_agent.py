"""A small voice agent with a tool, to be tested without a browser: see ``test_weather_agent.py``."""

from __future__ import annotations

import json
from typing import Any

from rtc_widget import VoiceChat

WEATHER = {"Paris": "sunny, 24 degrees", "Oslo": "rain, 9 degrees"}
TOOL = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city, now.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


class WeatherAgent:
    """Knows the weather of two cities, and says so aloud."""

    def __init__(self, **settings: Any) -> None:
        self.asked: list[str] = []
        self.chat = VoiceChat(instructions="You tell the weather in one sentence.", tools=[TOOL], **settings)
        self.chat.on("response.done", self._answer_calls)

    def _answer_calls(self, event: Any) -> None:
        calls = [item for item in event.response.output if item.type == "function_call"]
        for call in calls:
            city = json.loads(call.arguments)["city"]
            self.asked.append(city)
            output = WEATHER.get(city, f"I know nothing of {city}.")
            item = {"type": "function_call_output", "call_id": call.call_id, "output": json.dumps(output)}
            self.chat.send({"type": "conversation.item.create", "item": item})
        if calls:
            self.chat.send({"type": "response.create"})
