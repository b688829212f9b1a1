"""Rectangles of a picture."""

from typing import NamedTuple

from torch import Tensor


class Window(NamedTuple):
    """A rectangle of pixels."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, picture: Tensor) -> Tensor:
        """The part of (..., H, W) inside; a view."""
        rows = slice(self.top, self.top + self.height)
        return picture[..., rows, self.left : self.left + self.width]

    def times(self, factor: int) -> "Window":
        """The same rectangle where every pixel has become `factor`×`factor`."""
        return Window(*(factor * number for number in self))
