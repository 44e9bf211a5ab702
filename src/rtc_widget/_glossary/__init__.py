"""The terms of WebRTC: for `rtc_widget.glossary`, the explanations of session descriptions, the docs and the tutor."""
