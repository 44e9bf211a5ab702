"""Wire protocols: the events on the data channel. Internal."""
