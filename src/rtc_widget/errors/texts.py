"""The texts of the errors, read from ``texts.json``, which the page imports as well.

``page`` has message and hint of each error of a page; ``kernel_hint`` replaces the hint if Python raises the error.
``kernel`` has the hints of the errors that only Python raises. ``causes`` orders the codes that end a call, the deepest
cause first; ``*`` stands for all others, which are the page's own. ``server`` has the texts about errors of the server,
``templates`` the texts with values (those of peer connections and those that only Python needs are apart, so that the
page does not load them), ``diagnosis`` the names of the steps of a call.
"""

from __future__ import annotations

import json
from pathlib import Path

_TEXTS = json.loads(Path(__file__).with_name("texts.json").read_text(encoding="utf-8"))

PAGE_MESSAGES: dict[str, str] = {code: text["message"] for code, text in _TEXTS["page"].items()}
PAGE_HINTS: dict[str, str] = {code: text["hint"] for code, text in _TEXTS["page"].items()}
KERNEL_HINTS: dict[str, str] = {
    code: text.get("kernel_hint", text["hint"]) for code, text in (_TEXTS["page"] | _TEXTS["kernel"]).items()
}
DIAGNOSIS: dict[str, str] = _TEXTS["diagnosis"]
SERVER_TEXTS: dict[str, str] = _TEXTS["server"]
NO_MESSAGE: str = SERVER_TEXTS["no_message"]
# Transient errors; retrying may succeed.
TRANSIENT: frozenset[str] = frozenset(_TEXTS["transient"])

_TEMPLATES: dict[str, str] = _TEXTS["templates"] | _TEXTS["peer_templates"] | _TEXTS["kernel_templates"]
_DEPTHS: dict[str, int] = {code: -index for index, codes in enumerate(_TEXTS["causes"]) for code in codes}


def is_deeper(code: str, other: str) -> bool:
    """Whether an error is a deeper cause of the end of a call than another, so that only it is shown.

    Examples
    --------
    >>> is_deeper("kernel_died", "server_hung_up"), is_deeper("connection_failed", "server_hung_up")
    (True, False)
    """
    return _DEPTHS.get(code, _DEPTHS["*"]) > _DEPTHS.get(other, _DEPTHS["*"])


def text(template: str, **values: object) -> str:
    """Return the text of a template with these values."""
    return _TEMPLATES[template].format(**values)
