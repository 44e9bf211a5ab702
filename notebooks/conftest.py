"""`pytest --nbval-lax notebooks` runs the notebooks without a browser, unless `RTC_WIDGET_PAGE` names another page."""

from __future__ import annotations

import os

# The kernels that nbval starts inherit it.
os.environ.setdefault("RTC_WIDGET_PAGE", "headless")
