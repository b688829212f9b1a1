"""DGP's modes at sizes and factors that nobody recorded, against its definitions in [-1, 1]."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from priorfit.degradations import Downsample
from tests.parity.observations import dgp_degradation, dgp_target, pillow_reduced
from tests.pictures import uniform

SIZES = [(32, 32), (48, 64), (96, 64), (128, 128)]


def grey(x: Tensor) -> Tensor:
    red, green, blue = x.unbind(1)
    return (0.2989 * red + 0.5870 * green + 0.1140 * blue)[:, None].expand(-1, 3, -1, -1)


def holed(x: Tensor) -> Tensor:
    shorter = min(x.shape[-2:])
    begin = (shorter - shorter // 3) // 2
    x = x.clone()
    x[..., begin : shorter - begin, begin : shorter - begin] = 0
    return x


def enlarged(x: Tensor, factor: int) -> Tensor:
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


def assert_close(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close((2 * ours - 1).expand(-1, 3, -1, -1), theirs)


@pytest.mark.parametrize("size", SIZES)
def test_modes_without_resampling_treat_both_sides_alike(size):
    image = uniform(1, 3, *size)
    wanted = {"reconstruct": image * 2 - 1, "colorization": grey(2 * image - 1)}
    wanted |= {"inpainting": holed(2 * image - 1), "jitter": image * 2 - 1}
    for mode, expected in wanted.items():
        assert_close(dgp_degradation(mode, size)(image), expected)
        assert_close(dgp_target(mode, image), expected)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("factor", [2, 4, 8])
def test_modes_that_resample_do_so_first(size, factor):
    image = uniform(1, 3, *size)
    smaller = enlarged(2 * Downsample(factor)(image) - 1, factor)
    assert_close(dgp_degradation("SR", size, factor)(image), smaller)
    assert_close(dgp_degradation("hybrid", size, factor)(image), holed(grey(smaller)))
    small = enlarged(2 * pillow_reduced(image, factor) - 1, factor)
    assert_close(dgp_target("SR", image, factor), small)
    assert_close(dgp_target("hybrid", image, factor), holed(grey(small)))
