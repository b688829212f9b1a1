"""Fit an image prior to what the camera saw: restore, invert and edit images."""

__version__ = "0.1.0"
