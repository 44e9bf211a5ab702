"""References to standards, and their addresses on the web."""

from __future__ import annotations

import re
from html import escape

_RFC = re.compile(r"RFC (\d+)(?: §([\d.]+))?")
_DRAFT = re.compile(r"(draft-[a-z0-9-]+)(?: §([\d.]+))?")
_PAGES = {
    "webrtc-pc": "https://www.w3.org/TR/webrtc/",
    "webrtc-stats": "https://www.w3.org/TR/webrtc-stats/",
    "mediacapture-streams": "https://www.w3.org/TR/mediacapture-streams/",
    "secure-contexts": "https://www.w3.org/TR/secure-contexts/",
    "libwebrtc": "https://webrtc.googlesource.com/src/",
    "AOM AV1 RTP": "https://aomediacodec.github.io/av1-rtp-spec/",
    "ITU-T G.114": "https://www.itu.int/rec/T-REC-G.114",
    "3GPP TS 26.114": "https://www.3gpp.org/dynareport/26114.htm",
}


def web_address(reference: str) -> str | None:
    """Return the address of a reference on the web; None if it has none.

    Examples
    --------
    >>> web_address("RFC 8866 §5.14")
    'https://www.rfc-editor.org/rfc/rfc8866#section-5.14'
    """
    rfc = _RFC.fullmatch(reference)
    if rfc is not None:
        section = f"#section-{rfc[2]}" if rfc[2] else ""
        return f"https://www.rfc-editor.org/rfc/rfc{rfc[1]}{section}"
    draft = _DRAFT.fullmatch(reference)
    if draft is not None:
        section = f"#section-{draft[2]}" if draft[2] else ""
        return f"https://datatracker.ietf.org/doc/html/{draft[1]}{section}"
    return _PAGES.get(reference.partition(" §")[0])


def reference_html(reference: str) -> str:
    """Return a reference as a link."""
    address = web_address(reference)
    text = escape(reference.replace(" §", " § "))
    return f'<a href="{escape(address)}" target="_blank" rel="noopener">{text}</a>' if address else text
