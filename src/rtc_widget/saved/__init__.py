"""Session files. Import the names from `rtc_widget`."""
