"""The old name of `rtc_widget.server`, for one release; `rtc_widget.local.speech` works with a warning."""
