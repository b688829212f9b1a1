"""How a picture of any size and number of channels meets a generator that draws one size only.

A framing is a rule, such as `cropped`; what it decides for one picture is a `Frame`, a value that
leads there and back and goes into files.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from priorfit.errors import ProblemError
from priorfit.images import MAX_PIXELS
from priorfit.networks.sizes import Size
from priorfit.priors.channels import Channels
from priorfit.types import Image, Shape

_CHANNELS = 64
_BOXES = 1 << 16
_NARROW = 64  # how many times longer than the picture a box may be
_TWICE = 16  # how often the boxes may cover the picture, in all


class Box(NamedTuple):
    """A rectangle on a picture, in its pixels; it may reach beyond the edges."""

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True)
class Frame:
    """Where on a picture a generator draws, and which channels become which.

    On the way in a box is cut out, reflected where it reaches beyond the edge, and brought to the
    size of the drawing. On the way back the drawing is brought to the size of its box and laid on
    the picture; what it does not cover keeps every bit, channels included. Boxes that overlap fade
    into each other.

    A grey picture is drawn as its luma; a grey drawing gives a colour picture its luma; channels
    beyond those of the drawing are left alone.

    Args:
        picture: (C, H, W) of the picture.
        drawn: (c, h, w) of what the generator draws.
        boxes: where it is drawn, at least one.
        fade: pixels over which a box fades out at each edge, where there are several.

    Raises:
        ProblemError: an empty box, one beside the picture, or other numbers that make no sense.
    """

    picture: Shape
    drawn: Shape
    boxes: tuple[Box, ...]
    fade: int = 0

    def __post_init__(self) -> None:
        for channels, height, width in (self.picture, self.drawn):
            few = 1 <= channels <= _CHANNELS and height > 0 and width > 0
            if not few or height * width > MAX_PIXELS:
                raise ProblemError(
                    f"expected a picture, got (C, H, W) of {channels, height, width}"
                )
        longest = max((max(box[2:]) for box in self.boxes), default=0)
        if not 1 <= len(self.boxes) <= _BOXES or not 0 <= self.fade <= longest:
            raise ProblemError(f"expected 1 to {_BOXES} boxes that fade, got {len(self.boxes)}")
        for box in self.boxes:
            self._check_box(box)
        covered = sum(len(rows) * len(columns) for rows, columns in self._all)
        if covered > _TWICE * self.picture[1] * self.picture[2]:
            raise ProblemError(f"expected boxes that overlap little, got {len(self.boxes)}")

    def _check_box(self, box: Box) -> None:
        _, height, width = self.picture
        if min(box.height, box.width) < 1 or not all(map(len, self._inside(box))):
            raise ProblemError(f"expected a box on {height}×{width} pixels, got {box}")
        if box.height > _NARROW * height or box.width > _NARROW * width:
            raise ProblemError(
                f"a picture of {height}×{width} pixels is too long for a drawing of "
                f"{self.drawn[1]}×{self.drawn[2]}: crop it"
            )

    @classmethod
    def from_json(cls, value: Any) -> "Frame":
        """The frame that `to_json` wrote.

        Raises:
            ProblemError: it is none.
        """
        try:
            names = ("picture", "drawn", "boxes", "fade")
            if not isinstance(value, Mapping) or value.keys() != set(names):
                raise ValueError(f"expected {', '.join(names)}")
            picture, drawn = (_numbers(value[name], 3) for name in names[:2])
            boxes = tuple(Box(*_numbers(box, 4)) for box in value["boxes"])
            (fade,) = _numbers([value["fade"]], 1)
        except (TypeError, ValueError) as error:
            raise ProblemError(f"these numbers are no frame: {error}") from error
        return cls(
            (picture[0], picture[1], picture[2]), (drawn[0], drawn[1], drawn[2]), boxes, fade
        )

    def to_json(self) -> dict[str, Any]:
        """The frame in JSON's types."""
        return {
            "picture": [*self.picture],
            "drawn": [*self.drawn],
            "boxes": [[*box] for box in self.boxes],
            "fade": self.fade,
        }

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def is_identity(self) -> bool:
        """Whether the drawing is the picture."""
        return self.picture == self.drawn and self.boxes == (Box(0, 0, *self.picture[1:]),)

    @property
    def is_whole(self) -> bool:
        """Whether every value of the picture is drawn, so that nothing of it is left."""
        return self._channels.is_whole and self._is_covered()

    def inward(self, picture: Image) -> Image:
        """What is in the boxes, (B, C, H, W) -> (B·N, c, h, w), the boxes of an image in a row.

        Raises:
            ProblemError: the picture has another shape than the frame is for.
        """
        self._check(picture, self.picture)
        size, mixed = self.drawn[1:], self._channels.inward(picture)
        parts = [_cut(mixed, box, size) for box in self.boxes]
        return parts[0] if len(parts) == 1 else torch.stack(parts, 1).flatten(0, 1)

    def outward(self, drawn: Image, picture: Image | None = None) -> Image:
        """Lay drawings on a picture, differentiably, (B·N, c, h, w) -> (B, C, H, W).

        Args:
            drawn: one for each box.
            picture: (B, C, H, W), of which the rest is taken; may be left out where `is_whole`.

        Raises:
            ProblemError: a shape that the frame is not for, or a rest that is missing.
        """
        self._check(drawn, self.drawn, len(self))
        if self.is_identity:
            return drawn
        if picture is not None:
            self._check(picture, self.picture)
        elif not self.is_whole:
            raise ProblemError("the drawing does not cover the picture: it is needed too")
        parts = drawn.unflatten(0, (-1, len(self)))
        laid, where = self._laid(parts)
        drawing = self._channels.outward(laid, picture)
        return drawing if where is None or picture is None else torch.where(where, drawing, picture)

    @property
    def _channels(self) -> Channels:
        return Channels(self.picture[0], self.drawn[0])

    def _laid(self, parts: Tensor) -> tuple[Image, Tensor | None]:
        """Drawings, (B, N, c, h, w), on an empty picture, and where; None for everywhere."""
        _, height, width = self.picture
        if len(self) == 1:
            rows, columns = self._all[0]
            laid = self._enlarged(parts[:, 0], self.boxes[0])
            if laid.shape[-2:] == (height, width):
                return laid, None
            margins = [columns.start, width - columns.stop, rows.start, height - rows.stop]
            where = torch.zeros(height, width, dtype=torch.bool, device=parts.device)
            where[rows.start : rows.stop, columns.start : columns.stop] = True
            return F.pad(laid, margins), where
        laid = parts.new_zeros(len(parts), self.drawn[0], height, width)
        weights = parts.new_zeros(height, width)
        for part, box, (rows, columns) in zip(parts.unbind(1), self.boxes, self._all, strict=True):
            weight = self._weight(box).to(parts)
            place = (..., slice(rows.start, rows.stop), slice(columns.start, columns.stop))
            laid[place] += weight * self._enlarged(part, box)
            weights[place] += weight
        where = weights > 0
        laid = laid / torch.where(where, weights, 1)
        return laid, None if bool(where.all()) else where

    def _enlarged(self, part: Image, box: Box) -> Image:
        """A drawing at the size of its box, without what is beyond the picture."""
        rows, columns = self._inside(box)
        above, before = rows.start - box.top, columns.start - box.left
        # Two products, whose gradients are the same bits every time, on every device.
        if part.shape[-2] != box.height:
            part = _matrix(part.shape[-2], box.height)[above:][: len(rows)].to(part) @ part
        else:
            part = part[..., above : above + len(rows), :]
        if part.shape[-1] != box.width:
            return part @ _matrix(part.shape[-1], box.width)[before:][: len(columns)].to(part).mT
        return part[..., before : before + len(columns)]

    def _weight(self, box: Box) -> Tensor:
        rows, columns = self._inside(box)
        down = _ramps(box.height, self.fade)[rows.start - box.top :][: len(rows)]
        along = _ramps(box.width, self.fade)[columns.start - box.left :][: len(columns)]
        return torch.outer(down, along)

    def _inside(self, box: Box) -> tuple[range, range]:
        """Rows and columns of the picture that a box covers."""
        _, height, width = self.picture
        rows = range(max(0, box.top), min(height, box.top + box.height))
        return rows, range(max(0, box.left), min(width, box.left + box.width))

    @property
    def _all(self) -> list[tuple[range, range]]:
        return [self._inside(box) for box in self.boxes]

    def _is_covered(self) -> bool:
        _, height, width = self.picture
        if len(self) == 1:
            rows, columns = self._all[0]
            return (len(rows), len(columns)) == (height, width)
        covered = torch.zeros(height, width, dtype=torch.bool)
        for rows, columns in self._all:
            covered[rows.start : rows.stop, columns.start : columns.stop] = True
        return bool(covered.all())

    def _check(self, image: Image, shape: Shape, times: int = 1) -> None:
        if image.ndim != 4 or tuple(image.shape[1:]) != shape or len(image) % times:
            batch = "" if times == 1 else f" in batches of {times}"
            raise ProblemError(f"expected pictures of {shape}{batch}, got {tuple(image.shape)}")


Framing = Callable[[Shape, Shape], Frame]
"""(C, H, W) of a picture and (c, h, w) of a generator's drawing to a frame."""


def cropped(picture: Shape, drawn: Shape) -> Frame:
    """Draw the middle of a picture, as much as has the proportions of the drawing [pan2020]_."""
    (_, height, width), (_, high, wide) = picture, drawn
    rows = max(1, min(height, width * high // wide))
    columns = max(1, min(width, height * wide // high))
    return Frame(picture, drawn, (_centred(picture, rows, columns),))


def padded(picture: Shape, drawn: Shape) -> Frame:
    """Draw the whole picture in the middle of a drawing, reflected around it."""
    (_, height, width), (_, high, wide) = picture, drawn
    rows = max(height, -(-width * high // wide))
    columns = max(width, -(-height * wide // high))
    return Frame(picture, drawn, (_centred(picture, rows, columns),))


def stretched(picture: Shape, drawn: Shape) -> Frame:
    """Draw the whole picture, out of proportion if need be [zhu2020]_."""
    return Frame(picture, drawn, (Box(0, 0, *picture[1:]),))


@dataclass(frozen=True)
class Tiled:
    """Draw a picture in overlapping tiles, each a drawing of its own.

    Args:
        side: longer side of a tile in pixels of the picture; that of the drawing by default.
        overlap: of neighbours, at least, as a share of a tile, below a half.
    """

    side: int | None = None
    overlap: float = 0.25

    def __call__(self, picture: Shape, drawn: Shape) -> Frame:
        longest = max(drawn[1:])
        side = self.side or longest
        sides = [max(1, round(side * each / longest)) for each in drawn[1:]]
        shared = [round(self.overlap * each) for each in sides]
        rows, columns = (
            _spread(whole, side, overlap)
            for whole, side, overlap in zip(picture[1:], sides, shared, strict=True)
        )
        boxes = tuple(Box(top, left, *sides) for top in rows for left in columns)
        return Frame(picture, drawn, boxes, min(shared))


FRAMINGS: dict[str, Framing] = {
    "crop": cropped,
    "pad": padded,
    "stretch": stretched,
    "tile": Tiled(),
}
"""The framings by name."""


def _centred(picture: Shape, rows: int, columns: int) -> Box:
    _, height, width = picture
    return Box((height - rows) // 2, (width - columns) // 2, rows, columns)


def _spread(whole: int, side: int, overlap: int) -> list[int]:
    """Where tiles begin along a side: as few as will do, evenly; one alone is in the middle."""
    if whole <= side:
        return [(whole - side) // 2]
    count = math.ceil((whole - overlap) / (side - overlap))
    return [round(i * (whole - side) / (count - 1)) for i in range(count)]


def _ramps(length: int, fade: int) -> Tensor:
    """Weights of a row of pixels that rise at its beginning and fall at its end, never to 0."""
    places = torch.arange(length, dtype=torch.float64) + 0.5
    edge = torch.minimum(places, length - places) / max(fade, 1)
    return (1 - torch.cos(math.pi * edge.clamp(max=1))) / 2


def _cut(picture: Image, box: Box, size: Size) -> Image:
    """The pixels of a box at another size, reflected at the edges as often as it takes."""
    # What is inside comes first: reflections of a long and narrow picture take less memory then.
    axes = (-1, -2) if box.width <= picture.shape[-1] else (-2, -1)
    for axis in axes:
        places = _reflected(box[axis + 2], box[axis + 4], picture.shape[axis])
        picture = picture.index_select(axis, places.to(picture.device))
        picture = _shrunk(picture, axis, size[axis])
    return picture


def _shrunk(picture: Image, axis: int, length: int) -> Image:
    """Another length along an axis, linearly: values stay between those that were there."""
    if picture.shape[axis] == length:
        return picture
    wanted = [*picture.shape[-2:]]
    wanted[axis] = length
    single = picture.shape[-3 - axis] == 1
    if single:  # a picture of a single row or column is resized wrongly by torch 2.13
        picture = torch.cat([picture, picture], -3 - axis)
        wanted[-3 - axis] = 2
    picture = F.interpolate(picture, wanted, mode="bilinear", antialias=True)
    return picture.narrow(-3 - axis, 0, 1) if single else picture


def _reflected(first: int, length: int, side: int) -> Tensor:
    """Indices of so many pixels in a row of `side`, which goes on mirrored, its end not doubled."""
    period = max(1, 2 * (side - 1))
    places = torch.arange(first, first + length) % period
    return torch.minimum(places, (period - places) % period) if side > 1 else places * 0


def _matrix(before: int, after: int) -> Tensor:
    """What brings a row of pixels to another length, by cubics: (after, before) in float64."""
    rows = torch.eye(before, dtype=torch.float64)[None, None]
    if before == 1:
        return rows[0, 0].expand(after, 1)
    return F.interpolate(rows, (after, before), mode="bicubic", antialias=True)[0, 0]


def _numbers(values: Any, count: int) -> list[int]:
    """So many whole numbers out of JSON.

    Raises:
        ValueError: they are none.
    """
    if not isinstance(values, list | tuple) or len(values) != count:
        raise ValueError(f"expected {count} whole numbers")
    if not all(type(value) is int and abs(value) <= MAX_PIXELS for value in values):
        raise ValueError(f"expected {count} whole numbers")
    return list(values)
