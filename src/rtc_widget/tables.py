"""What the tables of this package have in common."""

from __future__ import annotations

from typing import Any


def require_pandas() -> Any:
    """Return pandas, or raise an `ImportError` that says how to install it."""
    try:
        import pandas as pd
    except ImportError:
        raise ImportError("Tables need pandas: pip install 'rtc-widget[data]'") from None
    return pd
