"""Masks: what they keep, and the pictures they are made from."""

import numpy as np
import pytest
import torch

from priorfit.degradations import Mask, mask
from priorfit.errors import ProblemError
from tests.pictures import dropouts, uniform


@pytest.mark.parametrize("fill", [0.0, 0.5, -2.0])
def test_masking_twice_is_masking_once(fill):
    once = dropouts(fill=fill)(uniform(1, 3, 8, 6))
    assert torch.equal(dropouts(fill=fill)(once), once)


def test_a_mask_keeps_known_pixels_bit_for_bit_and_fills_the_others():
    image, m = uniform(1, 3, 8, 6), dropouts(fill=0.25)
    known = m.known.bool().expand(1, 3, 8, 6)
    assert torch.equal(m(image)[known], image[known])
    assert (m(image)[~known] == 0.25).all()


@pytest.mark.parametrize("reach", [1, 2, 5])
def test_what_is_near_lies_in_a_square_around_a_pixel_that_is_wholly_known(reach):
    known = torch.zeros(1, 2, 9, 12)
    known[0, :, 3, 7] = 1
    known[0, 0, 8, 0] = 1
    near = mask.near(known, reach)
    rows, columns = torch.arange(9)[:, None], torch.arange(12)
    expected = ((rows - 3).abs() <= reach) & ((columns - 7).abs() <= reach)
    assert torch.equal(near, expected[None, None].float())


def test_masks_are_equal_by_content():
    assert dropouts() == dropouts() != dropouts(seed=1)
    assert hash(dropouts()) == hash(dropouts())
    assert dropouts() != dropouts(fill=0.5)


@pytest.mark.parametrize("known", [torch.ones(4, 4), torch.full((1, 1, 4, 4), 0.5)])
def test_a_mask_is_binary_and_has_four_axes(known):
    with pytest.raises(ProblemError, match="expected a mask"):
        Mask(known)


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(ProblemError, match="1 channel of 5×6 pixels, got one for 1 channel of 8×6"):
        dropouts().image_shape((1, 5, 6))
    with pytest.raises(ProblemError, match="3 channels"):
        dropouts(channels=2)(uniform(1, 3, 8, 6))


def test_what_is_covered_in_part_is_a_hole_whichever_way_round_the_mask_is():
    hole = torch.tensor([[0.0, 1 / 255, 3 / 255, 0.5, 254 / 255, 1.0]])
    assert mask.from_hole(hole).known.tolist() == [[[[1, 1, 0, 0, 0, 0]]]]
    assert mask.partly(hole) == 2
    assert mask.from_hole(hole > 0.01) == mask.from_hole(hole)
    assert mask.from_hole(hole.expand(3, 1, 6)) == mask.from_hole(hole)
    assert mask.from_known(1 - hole) == mask.from_hole(hole)
    assert mask.from_alpha(1 - hole) == mask.from_hole(hole)


@pytest.mark.parametrize("dtype", ["bool", "u1", "u2", "i4", "i8", "f2", "f4", "f8"])
@pytest.mark.parametrize("top", [1, 255])
def test_an_array_of_any_numbers_is_a_hole_where_it_is_not_zero(dtype, top):
    numbers = np.array([[0, 0.2 * top, top]])
    array = np.ceil(numbers) if dtype == "bool" or dtype[0] in "ui" else numbers
    assert mask.hole_in(array.astype(dtype), (1, 3)).tolist() == [[False, True, True]]
    assert not mask.hole_in(np.zeros((2, 3), dtype), (2, 3)).any()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_mask_with_colours_is_a_hole_where_any_of_them_is(channels):
    array = np.zeros((2, 3, channels), np.uint8)
    array[0, 1, -1] = 9
    assert mask.hole_in(array, (2, 3)).tolist() == [[False, True, False], [False] * 3]


@pytest.mark.parametrize("shape", [(3, 2), (2,), (1, 2, 3), (2, 3, 1, 1), ()])
def test_a_mask_of_another_size_names_both_sizes(shape):
    with pytest.raises(ProblemError, match=r"a mask of 2×3 pixels \(height×width\), got an array"):
        mask.hole_in(np.ones(shape), (2, 3))


@pytest.mark.parametrize("wrong", [np.array([[np.nan, 1.0]]), np.array([["a", "b"]])])
def test_an_array_that_is_no_mask_is_refused(wrong):
    with pytest.raises(ProblemError, match="expected a mask of"):
        mask.hole_in(wrong, (1, 2))


def test_rounding_errors_of_a_mask_are_no_hole():
    array = np.array([[-1e-9, 1e-6, 1.0]], np.float32)
    assert mask.hole_in(array, (1, 3)).tolist() == [[False, False, True]]


@pytest.mark.parametrize("pixels", [0, 1, 3])
def test_a_hole_grows_to_all_sides_and_not_around_the_edge(pixels):
    hole = torch.zeros(9, 12, dtype=torch.bool)
    hole[4, 6] = hole[0, 0] = True
    rows, columns = torch.arange(9)[:, None], torch.arange(12)
    expected = torch.zeros_like(hole)
    for row, column in ((4, 6), (0, 0)):
        expected |= ((rows - row).abs() <= pixels) & ((columns - column).abs() <= pixels)
    assert torch.equal(mask.grown(hole, pixels), expected)
    with pytest.raises(ProblemError, match="grow by 0 pixels or more, got -1"):
        mask.grown(hole, -1)


def test_lost_pixels_are_found_and_gone():
    image = uniform(1, 2, 4, 4)
    image[0, 1, 2, 3], image[0, 0, 0, 0] = torch.nan, torch.inf
    m = mask.from_nan(image, fill=0.5)
    assert m.known.sum() == image.numel() - 2
    assert m(image).isfinite().all()
    assert m(image)[0, 1, 2, 3] == 0.5


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("make", [mask.from_hole, mask.from_known, mask.from_alpha])
def test_a_picture_that_leaves_nothing_to_do_or_to_go_by_is_refused(make, value):
    with pytest.raises(ProblemError, match="leaves nothing to"):
        make(torch.full((4, 4), value))


def test_the_centre_square_is_in_the_centre():
    m = mask.centre_square((8, 6), 4)
    assert (m.known == 0).sum() == 16
    assert torch.equal(m.known, m.known.flip(-1, -2))
    with pytest.raises(ProblemError, match="got 7"):
        mask.centre_square((8, 6), 7)


@pytest.mark.parametrize(
    ("size", "begin", "end"),
    [((64, 64), 21, 43), ((256, 256), 85, 171), ((64, 80), 21, 43), ((80, 64), 21, 43)],
)
def test_the_hole_of_dgp_is_a_third_of_the_shorter_side_rounded_up_to_be_central(size, begin, end):
    m = mask.centre_third(size)
    missing = (m.known[0, 0] == 0).nonzero()
    assert missing.amin(0).tolist() == [begin, begin]
    assert missing.amax(0).tolist() == [end - 1, end - 1]
    assert len(missing) == (end - begin) ** 2
    assert m(torch.zeros(1, 3, *size))[0, 0, begin, begin] == 0.5  # 0 on their scale
    with pytest.raises(ProblemError, match="needs 3 pixels a side, got 2×9"):
        mask.centre_third((2, 9))


def test_text_covers_a_part_of_the_picture_and_stays_the_same():
    lines = mask.text((64, 80), font_size=12)
    assert 0.6 < lines.known.mean() < 0.95
    assert lines == mask.text((64, 80), font_size=12)
    one = mask.text((64, 80), "priorfit", position=(32, 4))
    assert one.known[..., :32, :].all()
    assert not one.known[..., 32:, :].all()
    with pytest.raises(ProblemError, match="expected words"):
        mask.text((64, 80), " ")


def test_dropouts_have_the_fraction_asked_for_and_the_generators_draws():
    generator = torch.Generator().manual_seed(3)
    m = mask.bernoulli((100, 100), 0.98, generator, channels=3)
    assert m.known.shape == (1, 3, 100, 100)
    assert abs(m.known.mean() - 0.02) < 0.005
    again = torch.rand(1, 3, 100, 100, generator=torch.Generator().manual_seed(3))
    assert m == mask.thinned(again, 0.98)
    with pytest.raises(ProblemError, match="between 0 and 1"):
        mask.thinned(again, 1.0)
