"""The wire protocols that the embedded server speaks. Internal."""
