"""Python functions that the model may call. Import the names from `rtc_widget`."""
