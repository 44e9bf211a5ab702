"""What any voice conversation has: events, turns, transcript, usage, latency. Import the names from `rtc_widget`."""
