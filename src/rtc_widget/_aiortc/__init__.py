"""What client and server share of aiortc."""
