"""Events only: what a data channel carries is recorded, and nothing in it is understood."""
