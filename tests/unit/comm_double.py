"""A comm without a front end: it keeps what the kernel publishes."""

from __future__ import annotations

import json
from typing import Any

from comm.base_comm import BaseComm


class RecordingComm(BaseComm):
    """Keeps every message that the kernel publishes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.published: list[dict[str, Any]] = []
        super().__init__(*args, **kwargs)

    def publish_msg(self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any):
        # What cannot be JSON must fail here as it would on the wire.
        self.published.append(json.loads(json.dumps({"msg_type": msg_type, "data": data}, default=str)))
