"""Simulated observations: seeded noise of the right size, clipping, JPEG, crops."""

import io
import math

import pytest
import torch
from PIL import Image as PillowImage

from priorfit.degradations import Compose, Downsample, Grayscale, Identity, Mask
from priorfit.degradations.simulate import (
    GaussianNoise,
    PoissonNoise,
    SaltAndPepper,
    SpeckleNoise,
    centre_crop,
    jpeg,
    simulate,
)
from priorfit.errors import ProblemError
from tests.pictures import dropouts, uniform

NOISES = [GaussianNoise(25 / 255), PoissonNoise(30.0), SpeckleNoise(0.2), SaltAndPepper(0.3)]
each_noise = pytest.mark.parametrize("noise", NOISES, ids=repr)
GREY = torch.full((1, 3, 60, 60), 0.5, dtype=torch.float64)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@each_noise
def test_the_seed_decides_and_the_global_state_does_not(noise):
    image = uniform(2, 3, 8, 6)
    before = torch.get_rng_state()
    first, again, other = (
        simulate(image, Identity(), noise, generator=seeded(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


@each_noise
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_an_observation_is_clipped_and_keeps_its_type(noise, dtype):
    observation = simulate(
        uniform(1, 3, 8, 6, dtype=dtype), Downsample(2), noise, generator=seeded()
    )
    assert observation.dtype == dtype
    assert observation.shape == (1, 3, 4, 3)
    assert 0 <= observation.min() <= observation.max() <= 1


@pytest.mark.parametrize(
    ("noise", "std"),
    [
        (GaussianNoise(0.1), 0.1),
        (SpeckleNoise(0.2), 0.5 * 0.2),
        (PoissonNoise(200.0), math.sqrt(0.5 / 200)),
        (SaltAndPepper(0.04), 0.5 * math.sqrt(0.04)),
    ],
    ids=repr,
)
def test_noise_has_the_spread_that_its_formula_says(noise, std):
    noisy = noise(GREY, seeded())
    assert noisy.mean() == pytest.approx(0.5, abs=0.01)
    assert noisy.std() == pytest.approx(std, rel=0.1)


def test_salt_and_pepper_leaves_the_other_values_alone():
    noisy = SaltAndPepper(0.5)(GREY, seeded())
    shares = [float((noisy == value).double().mean()) for value in (0.0, 0.5, 1.0)]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.02)


def test_without_noise_there_is_only_the_degradation():
    image = uniform(1, 3, 8, 6)
    assert torch.equal(simulate(image, Grayscale()), Grayscale()(image))


@pytest.mark.parametrize("fill", [0.5, -1.0])
def test_no_noise_lies_on_lost_pixels(fill):
    masked = dropouts(fill=fill)
    degradation = Compose(Downsample(2), masked)
    noisy = simulate(uniform(1, 3, 16, 12), degradation, GaussianNoise(0.1), generator=seeded())
    assert torch.equal(masked(noisy), noisy)


def test_an_image_to_be_fitted_is_not_followed_by_gradients():
    image = uniform(1, 3, 8, 6).requires_grad_()
    assert not simulate(image, Identity()).requires_grad


def test_noise_needs_a_generator():
    with pytest.raises(ProblemError, match=r"needs a torch\.Generator"):
        simulate(GREY, Identity(), GaussianNoise(0.1))


@pytest.mark.parametrize("make", [GaussianNoise, SpeckleNoise])
def test_a_level_of_8_bits_is_asked_about(make):
    with pytest.raises(ProblemError, match="did you mean 25/255"):
        make(25)


@pytest.mark.parametrize(
    ("make", "value"), [(PoissonNoise, 0.0), (SaltAndPepper, 1.5), (GaussianNoise, -0.1)]
)
def test_levels_out_of_range_are_refused(make, value):
    with pytest.raises(ProblemError, match="expected a"):
        make(value)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("subsampling", [(1, 1), (2, 1), (2, 2)])
def test_a_jpeg_shows_what_pillow_decodes(channels, subsampling):
    image = uniform(2, channels, 21, 19, dtype=torch.float32)
    shown, tables, files = jpeg(image, 40, subsampling)
    assert shown.shape == image.shape
    with PillowImage.open(io.BytesIO(files[1])) as file:
        levels = torch.tensor(list(file.convert("RGB").tobytes())).reshape(21, 19, 3)
    torch.testing.assert_close(shown[1].expand(3, -1, -1), levels.permute(2, 0, 1) / 255)
    assert len(tables.sampling) == channels
    assert channels == 1 or tables.reduction(1) == subsampling


def test_a_jpeg_of_high_quality_is_close():
    smooth = torch.linspace(0, 1, 24).expand(1, 3, 16, 24)
    assert (jpeg(smooth, 100, (1, 1)).observation - smooth).abs().max() < 3 / 255


@pytest.mark.parametrize(
    ("channels", "quality", "subsampling"), [(2, 50, (1, 1)), (3, 0, (1, 1)), (3, 50, (4, 1))]
)
def test_a_jpeg_that_cannot_be_is_refused(channels, quality, subsampling):
    with pytest.raises(ProblemError):
        jpeg(uniform(1, channels, 8, 8), quality, subsampling)


def test_a_crop_is_from_the_middle_with_whole_multiples():
    image = uniform(1, 1, 37, 35)
    assert torch.equal(centre_crop(image, 16), image[..., 2:34, 2:34])  # 2.5 -> 2, 1.5 -> 2
    assert torch.equal(centre_crop(image, 16, math.floor), image[..., 2:34, 1:33])
    assert torch.equal(centre_crop(image, 1), image)
    with pytest.raises(ProblemError, match="cannot crop"):
        centre_crop(image, 36)


def test_a_mask_of_everything_is_no_special_case():
    nothing = Mask(torch.zeros(1, 1, 60, 60), fill=0.5)
    assert torch.equal(simulate(GREY, nothing, GaussianNoise(0.1), generator=seeded()), GREY)
