"""A whole session in a file. Import the names from `rtc_widget`."""
