"""The one loop, its state, and what watches it."""
