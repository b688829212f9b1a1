"""Families of images: x = render(code)."""
