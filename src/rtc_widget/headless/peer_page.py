"""The page of one `PeerConnection` without a browser."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, Literal

from rtc_widget._aiortc.nat import NatKind
from rtc_widget._aiortc.network import Direction, NetworkReport
from rtc_widget.comm.protocol import Message
from rtc_widget.errors import HeadlessNotInstalled
from rtc_widget.headless.page import ThreadPage

_NEEDED = {"wrtc": ("webrtc", "wrtc", "numpy"), "aiortc": ("aiortc", "av", "numpy")}

_HINTS = {
    "auto": "Run: pip install 'rtc-widget[teach]', or use a browser's page.",
    "wrtc": "Run: pip install 'rtc-widget[teach]', or use page='aiortc'; wrtc has no wheel for some systems.",
    "aiortc": "Run: pip install 'rtc-widget[local]', or use a browser's page.",
}


def _missing(engine: str) -> list[str]:
    return [name for name in _NEEDED[engine] if find_spec(name) is None]


class HeadlessPeerPage(ThreadPage):
    """The page of one widget in the kernel's own process: ``PeerConnection(page="headless")``.

    Parameters
    ----------
    engine : {"auto", "wrtc", "aiortc"}
        What its peers are made of: ``"wrtc"`` is libwebrtc, the engine of Chromium (extra ``teach``). ``"aiortc"``
        is written in Python (extra ``local``): it lacks some operations, and its network can be broken on purpose.
        ``"auto"`` is wrtc if it is installed, else aiortc.

    Attributes
    ----------
    engine : str
        ``"wrtc"`` or ``"aiortc"``.

    Raises
    ------
    HeadlessNotInstalled
        If the extra is missing.
    ValueError
        If the engine is unknown.
    """

    makes_calls = False

    def __init__(self, *, engine: Literal["auto", "wrtc", "aiortc"] = "auto") -> None:
        if engine not in ("auto", *_NEEDED):
            raise ValueError(f"engine must be 'auto', 'wrtc' or 'aiortc', got {engine!r}")
        self.engine: Literal["wrtc", "aiortc"]
        if engine == "auto":
            self.engine = "aiortc" if _missing("wrtc") else "wrtc"
        else:
            self.engine = engine
        missing = _missing(self.engine)
        if missing:
            raise HeadlessNotInstalled(
                f"A headless peer on {self.engine} needs {', '.join(missing)}.", hint=_HINTS[engine]
            )
        super().__init__()

    @property
    def name(self) -> str:
        """``"headless"`` for wrtc, ``"aiortc"`` for aiortc."""
        return "headless" if self.engine == "wrtc" else "aiortc"

    def take_settings(self, settings: Mapping[str, Any]) -> None:
        """Do nothing: the configuration of a peer comes with its ``create`` operation."""

    async def network(
        self, *, nat: NatKind | None = None, direction: Direction = "both", **conditions: Any
    ) -> NetworkReport:
        """Impair the network of the page's peers, on aiortc only, and return what happened to their packets.

        The conditions hold for the open peers and for later ones, until they are replaced; what is not given is
        perfect. Without any condition nothing changes.

        Parameters
        ----------
        nat : {"open", "full cone", "restricted", "port-restricted", "symmetric"}
            The NAT in front of a peer. It must be set before the peer's first ``set_local_description``.
        direction : {"both", "sent", "received"}
            Which packets the conditions concern.
        **conditions
            The fields of `rtc_widget._aiortc.network.NetworkConditions`.

        Returns
        -------
        NetworkReport
            For the peer that was created last; all zero without one.

        Raises
        ------
        NetworkUnsupported
            If the engine is wrtc, or if a peer has gathered its candidates without this NAT.
        TypeError, ValueError
            If a condition has a wrong type or is out of range.
        """
        settings = {"nat": nat, "direction": direction, **conditions}
        report: NetworkReport = await asyncio.wrap_future(self._thread.run(self._change_network(settings)))
        return report

    # On the page's thread

    async def _change_network(self, settings: Mapping[str, Any]) -> Any:
        if self._session is None:
            raise RuntimeError("the page is not open")
        return await self._session.network(settings)

    def _make_session(self, page: str, send: Callable[[Message], None]) -> Any:
        from rtc_widget.headless.peers.session import PeerSession

        return PeerSession(page, send, self.engine)
