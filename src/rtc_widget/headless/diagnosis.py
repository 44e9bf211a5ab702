"""The steps of the last call in order, and the step that failed."""

from __future__ import annotations

import re
from collections import Counter

from rtc_widget.comm.messages import PageState
from rtc_widget.errors.texts import DIAGNOSIS
from rtc_widget.headless.attempt import Attempt


def diagnose(state: PageState, attempt: Attempt | None) -> dict[str, object]:
    """Return ``{steps, pairs, cause, hint}``, as the browser's page does."""
    steps = [{"name": "Page without a browser", "outcome": "ok", "detail": "aiortc"}]
    if attempt is not None:
        steps += _steps(state, attempt)
    stopped = next((step for step in steps if step["outcome"] == "failed"), None)
    cause = f"{stopped['name']}: {stopped['detail']}" if stopped else ""
    error = state.error or {"message": cause, "hint": ""}
    pairs = attempt.peer.tried_pairs if attempt is not None and attempt.peer is not None else []
    return {"steps": steps, "pairs": pairs, "cause": error["message"], "hint": error["hint"]}


def _steps(state: PageState, attempt: Attempt) -> list[dict[str, str]]:
    peer = attempt.peer
    here, there = (_kinds(peer.local_sdp), _kinds(peer.remote_sdp)) if peer else ("none", "none")
    steps = [
        (DIAGNOSIS["prepared"], attempt.is_prepared, ""),
        (DIAGNOSIS["gathered"], here != "none", here),
        (DIAGNOSIS["answered"], attempt.is_answered, ""),
        (DIAGNOSIS["ice"], peer is not None and peer.has_connected, f"candidates: {here} here, {there} there"),
        (DIAGNOSIS["channel"], peer is not None and peer.has_opened, state.data_channel_state),
    ]
    failed = next((at for at, (_, is_reached, _) in enumerate(steps) if not is_reached), len(steps))
    return [
        {
            "name": name,
            "outcome": "ok" if is_reached else "failed" if at == failed else "not reached",
            "detail": detail,
        }
        for at, (name, is_reached, detail) in enumerate(steps)
    ]


def _kinds(sdp: str) -> str:
    kinds = Counter(re.findall(r"^a=candidate:.* typ (\w+)", sdp, re.MULTILINE))
    return ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "none"
