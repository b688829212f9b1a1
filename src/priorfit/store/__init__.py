"""Folders of checkpoints, and the files in them."""
