"""Audio as Python objects: clips, recordings, files, plots. Import the names from `rtc_widget`."""
