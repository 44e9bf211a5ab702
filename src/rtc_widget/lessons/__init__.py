"""What the notebooks of the course use: exercises that check themselves, and captured session descriptions."""

from rtc_widget.lessons.captured import capture_names, captured
from rtc_widget.lessons.exercises import CheckResult, check
from rtc_widget.lessons.waiting import until

__all__ = ["CheckResult", "capture_names", "captured", "check", "until"]
