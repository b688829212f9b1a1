"""Colour conversions: there and back, and against Pillow's."""

import numpy as np
import torch
from PIL import Image as PillowImage

from priorfit.color import BT601, from_ycc, recoloured, to_ycc, weighted
from tests.pictures import uniform


def test_luma_and_differences_hold_the_whole_colour():
    image = uniform(2, 3, 5, 4)
    torch.testing.assert_close(from_ycc(*to_ycc(image)), image)


def test_grey_has_no_differences():
    y, cb, cr = to_ycc(uniform(1, 1, 5, 4).expand(-1, 3, -1, -1))
    torch.testing.assert_close(torch.stack([cb, cr]), torch.zeros_like(torch.stack([cb, cr])))
    torch.testing.assert_close(y, uniform(1, 1, 5, 4)[:, 0])


def test_components_are_pillows_but_for_its_rounding():
    levels = (255 * uniform(1, 3, 16, 16)).round()
    picture = PillowImage.fromarray(levels[0].permute(1, 2, 0).to(torch.uint8).numpy())
    theirs = torch.from_numpy(np.array(picture.convert("YCbCr"))).permute(2, 0, 1).double()
    ours = torch.stack(to_ycc(levels), 1)[0] + torch.tensor([0, 128, 128])[:, None, None]
    assert (ours - theirs).abs().max() < 1.1


def test_a_recoloured_picture_has_the_luma_of_one_and_the_colours_of_the_other():
    grey, colours = uniform(2, 1, 6, 5), uniform(2, 3, 6, 5, seed=1)
    merged = recoloured(grey, colours)
    torch.testing.assert_close(weighted(merged, BT601), grey)
    torch.testing.assert_close(to_ycc(merged)[1:], to_ycc(colours)[1:])
