"""What the browser measured: statistics, devices, diagnosis. Import the names from `rtc_widget`."""
