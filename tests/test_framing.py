"""Framings: there and back, nothing lost that is not drawn, for pictures of every shape."""

import json
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from priorfit.errors import ProblemError
from priorfit.priors.framing import FRAMINGS, Box, Frame, Tiled, cropped, padded, stretched
from tests.pictures import uniform

sides = st.integers(1, 24)
channels = st.integers(1, 5)
pictures = st.tuples(channels, sides, sides)
drawings = st.tuples(st.sampled_from([1, 3]), st.integers(5, 12), st.integers(5, 12))
framings = st.sampled_from([*FRAMINGS.values(), Tiled(5, 0.0), Tiled(7, 0.4)])
fast = settings(max_examples=60, deadline=None)


def covered(frame: Frame) -> torch.Tensor:
    """True where a box lies, counted by hand."""
    _, height, width = frame.picture
    where = torch.zeros(height, width, dtype=torch.bool)
    for box in frame.boxes:
        for row in range(max(0, box.top), min(height, box.top + box.height)):
            left, right = max(0, box.left), max(0, box.left + box.width)
            where[row, left:right] = True
    return where


@fast
@given(picture=pictures, drawn=drawings, framing=framings)
def test_every_picture_meets_every_drawing(picture, drawn, framing):
    frame = framing(picture, drawn)
    x = uniform(2, *picture)
    inside = frame.inward(x)
    assert inside.shape == (2 * len(frame), *drawn)
    assert x.min() - 1e-12 <= inside.min() and inside.max() <= x.max() + 1e-12
    assert frame.outward(inside, x).shape == x.shape
    alone = frame.inward(x[1:])
    torch.testing.assert_close(inside[len(frame) :], alone, rtol=0, atol=0)


@fast
@given(picture=pictures, drawn=drawings, framing=framings)
def test_what_is_not_drawn_keeps_every_bit(picture, drawn, framing):
    frame = framing(picture, drawn)
    x = uniform(1, *picture)
    outside = ~covered(frame)
    x[..., outside] = torch.tensor([math.nan, math.inf, -0.0, 1e-300]).double()[
        torch.arange(int(outside.sum())) % 4
    ]
    back = frame.outward(uniform(len(frame), *drawn), x)
    kept = torch.zeros(picture, dtype=torch.bool) | outside
    if drawn[0] == 3:
        kept[3:] = True
    assert torch.equal(back[0][kept].view(torch.int64), x[0][kept].view(torch.int64)), (
        "a pixel or a channel changed that no box covers"
    )


@fast
@given(picture=pictures, drawn=drawings, framing=framings, value=st.floats(0, 1))
def test_a_flat_picture_comes_back_as_it_was(picture, drawn, framing, value):
    frame = framing(picture, drawn)
    x = torch.full((1, *picture), value, dtype=torch.float64)
    back = frame.outward(frame.inward(x), x)
    torch.testing.assert_close(back, x, rtol=0, atol=1e-9)


@fast
@given(picture=pictures, drawn=drawings, axis=st.sampled_from([-2, -1]))
def test_what_grows_along_a_picture_grows_along_its_drawing_and_back(picture, drawn, axis):
    frame, x = stretched(picture, drawn), torch.ones(1, *picture, dtype=torch.float64).cumsum(axis)
    inside = frame.inward(x)
    assert (inside.diff(dim=axis) >= 0).all()
    pixel = max(1, picture[axis] / drawn[axis])
    for image in (inside, frame.outward(inside, x)):
        assert abs(image.min() - 1) <= pixel
        assert abs(image.max() - picture[axis]) <= pixel
    assert (frame.outward(inside, x) - x).abs().max() <= pixel


@fast
@given(picture=pictures, drawn=drawings, framing=framings)
def test_whole_frames_need_no_picture_and_the_others_ask_for_it(picture, drawn, framing):
    frame = framing(picture, drawn)
    drawing = uniform(len(frame), *drawn)
    if frame.is_whole:
        assert bool(covered(frame).all())
        assert torch.equal(frame.outward(drawing), frame.outward(drawing, uniform(1, *picture)))
    else:
        with pytest.raises(ProblemError, match="does not cover the picture"):
            frame.outward(drawing)


@fast
@given(count=channels, drawn=st.sampled_from([1, 3]), top=st.integers(0, 5), left=st.integers(0, 4))
def test_at_one_scale_there_and_back_changes_nothing(count, drawn, top, left):
    frame = Frame((count, 9, 8), (drawn, 4, 4), (Box(top, left, 4, 4),))
    x, drawing = uniform(2, count, 9, 8), uniform(2, drawn, 4, 4)
    torch.testing.assert_close(frame.outward(frame.inward(x), x), x, rtol=0, atol=1e-12)
    if count == drawn:
        assert torch.equal(frame.outward(frame.inward(x), x), x)
        assert torch.equal(frame.inward(frame.outward(drawing, x)), drawing)
    elif count > drawn:
        again = frame.inward(frame.outward(drawing, x))
        torch.testing.assert_close(again, drawing, rtol=0, atol=1e-12)


@fast
@given(picture=pictures, drawn=drawings, framing=framings)
def test_a_frame_is_the_same_after_a_file(picture, drawn, framing):
    frame = framing(picture, drawn)
    assert Frame.from_json(json.loads(json.dumps(frame.to_json()))) == frame


@fast
@given(picture=pictures, drawn=drawings)
def test_padding_and_stretching_draw_all_and_cropping_the_middle(picture, drawn):
    _, height, width = picture
    (box,) = padded(picture, drawn).boxes
    assert box.height >= height and box.width >= width
    assert box.height == height or box.width == width
    assert stretched(picture, drawn).boxes == (Box(0, 0, height, width),)
    (box,) = cropped(picture, drawn).boxes
    assert 0 <= box.top <= box.top + box.height <= height
    assert 0 <= box.left <= box.left + box.width <= width
    assert box.height == height or box.width == width
    assert abs((height - box.height) - 2 * box.top) <= 1


@fast
@given(picture=pictures, drawn=drawings, side=st.integers(1, 30), overlap=st.floats(0, 0.49))
def test_tiles_cover_a_picture_and_lie_on_it(picture, drawn, side, overlap):
    frame = Tiled(side, overlap)(picture, drawn)
    assert bool(covered(frame).all())
    weights = frame.outward(torch.ones(len(frame), *drawn, dtype=torch.float64),
                            torch.ones(1, *picture, dtype=torch.float64))  # fmt: skip
    torch.testing.assert_close(weights, torch.ones_like(weights), rtol=0, atol=1e-9)


@pytest.mark.parametrize("framing", [cropped, padded, stretched, Tiled(5)])
def test_the_gradient_reaches_every_value_of_a_drawing_and_no_rest(framing):
    frame = framing((3, 11, 17), (3, 6, 6))
    drawing = uniform(len(frame), 3, 6, 6).requires_grad_()
    rest = uniform(1, 3, 11, 17)
    weights = uniform(1, 3, 11, 17, seed=1)
    (weights * frame.outward(drawing, rest)).sum().backward()
    # The way out is affine: its gradient foretells every step, however long.
    step = uniform(len(frame), 3, 6, 6, seed=2)
    change = frame.outward(drawing.detach() + step, rest) - frame.outward(drawing.detach(), rest)
    torch.testing.assert_close((drawing.grad * step).sum(), (weights * change).sum())
    assert (drawing.grad.abs().flatten(1).sum(1) > 0).all()


def test_a_grey_picture_is_drawn_in_equal_colours_and_comes_back_as_luma():
    frame = Frame((1, 4, 4), (3, 4, 4), (Box(0, 0, 4, 4),))
    grey = uniform(1, 1, 4, 4)
    assert torch.equal(frame.inward(grey), grey.expand(1, 3, 4, 4))
    colour = uniform(1, 3, 4, 4)
    luma = 0.299 * colour[:, :1] + 0.587 * colour[:, 1:2] + 0.114 * colour[:, 2:]
    torch.testing.assert_close(frame.outward(colour), luma, rtol=0, atol=1e-12)


def test_a_grey_drawing_gives_a_colour_picture_its_luma_and_leaves_its_colours():
    frame = Frame((3, 4, 4), (1, 4, 4), (Box(0, 0, 4, 4),))
    x, drawing = uniform(1, 3, 4, 4), uniform(1, 1, 4, 4)
    back = frame.outward(drawing, x)
    torch.testing.assert_close(frame.inward(back), drawing, rtol=0, atol=1e-12)
    torch.testing.assert_close(back[:, :1] - back[:, 1:2], x[:, :1] - x[:, 1:2])


def test_reflection_goes_on_as_often_as_it_takes():
    x = torch.arange(3.0).expand(1, 1, 3, 3)
    frame = Frame((1, 3, 3), (1, 3, 11), (Box(0, -4, 3, 11),))
    assert frame.inward(x)[0, 0, 0].tolist() == [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]


@pytest.mark.parametrize(
    "change",
    [
        {"picture": [3, 0, 4]},
        {"picture": [3, 1 << 20, 1 << 20]},
        {"picture": [65, 4, 4]},
        {"picture": [3, 4]},
        {"picture": "344"},
        {"picture": None},
        {"picture": [3.0, 4, 4]},
        {"picture": [True, 4, 4]},
        {"drawn": [3, -4, 4]},
        {"drawn": [3, 4, 1e400]},
        {"boxes": []},
        {"boxes": [[0, 0, 0, 4]]},
        {"boxes": [[9, 0, 4, 4]]},
        {"boxes": [[0, -4, 4, 4]]},
        {"boxes": [[0, 0, 4]]},
        {"boxes": [[0, 0, 300, 4]]},
        {"boxes": [[-(1 << 40), 0, 4, 4]]},
        {"boxes": [[0, 0, 4, 4]] * 17},
        {"boxes": [[0, 0, 4, 4]] * 70_000},
        {"boxes": 3},
        {"fade": -1},
        {"fade": 5},
        {"fade": "2"},
        {"more": 1},
    ],
)
def test_numbers_of_a_strangers_file_are_checked(change):
    value = Frame((3, 4, 4), (3, 4, 4), (Box(0, 0, 4, 4),)).to_json() | change
    with pytest.raises(ProblemError):
        Frame.from_json(value)


@pytest.mark.parametrize("value", [None, 3, [], {}, {"picture": [3, 4, 4]}])
def test_what_is_no_frame_is_refused(value):
    with pytest.raises(ProblemError, match="no frame"):
        Frame.from_json(value)


def test_shapes_that_a_frame_is_not_for_are_refused():
    frame = padded((3, 8, 9), (3, 4, 4))
    with pytest.raises(ProblemError, match=r"expected pictures of \(3, 8, 9\)"):
        frame.inward(uniform(1, 3, 9, 8))
    with pytest.raises(ProblemError, match=r"expected pictures of \(3, 4, 4\)"):
        frame.outward(uniform(1, 3, 5, 4))
    with pytest.raises(ProblemError, match="too long for a drawing of 4×4: crop it"):
        padded((3, 2, 300), (3, 4, 4))
