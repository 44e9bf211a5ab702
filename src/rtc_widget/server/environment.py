"""The environment of the server's processes: each gets only the secrets that it needs."""

from __future__ import annotations

import os

OF_THE_SERVER = frozenset({"RTC_WIDGET_TOKEN", "RTC_WIDGET_CHAT_KEY"})
"""The variables that `rtc-widget serve` reads; no other process needs them."""
OF_OPENAI = frozenset({"OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "AZURE_OPENAI_API_KEY"})
"""The keys that only the kernel needs, and possibly a custom engine."""


def environment_without(names: frozenset[str]) -> dict[str, str]:
    """Return the environment of this process without some variables; upper and lower case are the same on Windows."""
    return {name: value for name, value in os.environ.items() if name.upper() not in names}
