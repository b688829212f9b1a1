"""Noise of a known kind over pictures made here: its strength, growth and correlation come back."""

import pytest
import torch
import torch.nn.functional as F

from priorfit.classical.noise_level import estimate_noise, noise_level

SIDE = 72


def scene(channels: int = 3) -> torch.Tensor:
    """Slopes, edges and a patch of stripes, (1, C, SIDE, SIDE) in [0.15, 0.85]."""
    rows, columns = torch.meshgrid(*[torch.linspace(0, 1, SIDE)] * 2, indexing="ij")
    plane = 0.3 + 0.4 * rows
    plane = torch.where((columns > 0.3) & (rows > 0.5), 0.85 - 0.2 * columns, plane)
    stripes = 0.15 * torch.sin(columns * 90) * (rows < 0.25)
    return (plane + stripes).clamp(0.15, 0.85).expand(1, channels, -1, -1).clone()


def normal(channels: int = 3, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, channels, SIDE, SIDE, generator=generator)


def blurred(noise: torch.Tensor) -> torch.Tensor:
    kernel = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])[None, None]
    soft = F.conv2d(noise.flatten(0, 1)[:, None], kernel, padding=1).reshape(noise.shape)
    return soft / soft.std()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("std", [0.01, 0.05, 0.15])
def test_white_noise_is_found_and_called_white(std, channels):
    found = estimate_noise(scene(channels) + std * normal(channels))
    assert found.std == pytest.approx(std, rel=0.15)
    assert found.white


@pytest.mark.parametrize("std", [0.02, 0.08])
def test_correlated_noise_is_found_and_not_called_white(std):
    found = estimate_noise(scene() + std * blurred(normal()))
    assert found.std == pytest.approx(std, rel=0.2)
    assert found.correlation == pytest.approx(0.6, abs=0.15)
    assert not found.white


def test_noise_of_photons_grows_with_the_intensity():
    peak = 100
    counts = torch.poisson(peak * scene(), generator=torch.Generator().manual_seed(0))
    found = estimate_noise(counts / peak)
    assert found.shot == pytest.approx(1 / peak, rel=0.35)
    assert found.std == pytest.approx((scene().mean() / peak).sqrt().item(), rel=0.15)


def test_a_smooth_picture_has_next_to_no_noise():
    rows, columns = torch.meshgrid(*[torch.linspace(0, 1, SIDE)] * 2, indexing="ij")
    smooth = (0.2 + 0.3 * rows + 0.2 * columns**2)[None, None]
    assert noise_level((smooth * 255).round() / 255) < 2 / 255


def test_the_estimate_follows_the_scale_of_the_noise():
    picture, noise = scene() - 0.1, normal()
    one, two = (noise_level(picture + std * noise) for std in (0.02, 0.04))
    assert two == pytest.approx(2 * one, rel=0.15)


@pytest.mark.parametrize("size", [(5, 90), (12, 12), (2, 2)])
def test_small_pictures_have_an_estimate_too(size):
    found = estimate_noise(0.5 + 0.1 * normal()[..., : size[0], : size[1]])
    assert found.std > 0
    assert found.white


def test_clipped_blocks_do_not_hide_noise():
    picture = scene()
    picture[..., : SIDE // 2] = 1.3
    noisy = (picture + 0.05 * normal()).clamp(0, 1)
    assert noise_level(noisy) == pytest.approx(0.05, rel=0.2)


def test_a_constant_picture_has_no_noise():
    assert noise_level(torch.full((1, 3, 40, 40), 0.5)) < 1e-5


@pytest.mark.parametrize("levels", [255, 65535])
def test_a_slope_whose_rounding_repeats_has_next_to_no_noise(levels):
    """Most of the cosines of its blocks are exactly 0, which says nothing about the others."""
    rows, columns = torch.meshgrid(*[torch.arange(64) / 64] * 2, indexing="ij")
    slope = (0.1 + 0.5 * rows + 0.3 * columns)[None, None]
    assert noise_level((slope * levels).floor() / levels) < 1 / 255


def bordered(picture: torch.Tensor, value: float, side: int) -> torch.Tensor:
    framed = torch.full_like(picture, value)
    inside = (..., slice(side, -side), slice(side, -side))
    framed[inside] = picture[inside]
    return framed


@pytest.mark.parametrize("value", [0.0, 1 / 255, 3 / 255, 0.5, 1.0])
@pytest.mark.parametrize("side", [4, 8, 13])
@pytest.mark.parametrize("std", [0.02, 0.06])
def test_a_border_of_one_value_is_no_evidence(value, side, std):
    noisy = ((scene() + std * normal()).clamp(0, 1) * 255).round() / 255
    assert noise_level(bordered(noisy, value, side)) == pytest.approx(std, rel=0.25)


@pytest.mark.parametrize("shape", ["caption", "half", "corner"])
def test_flat_areas_are_no_evidence(shape):
    noisy = ((scene() + 0.04 * normal()).clamp(0, 1) * 255).round() / 255
    where = {
        "caption": (..., slice(56, None), slice(None)),
        "half": (..., slice(None), slice(0, 30)),
        "corner": (..., slice(0, 40), slice(0, 40)),
    }[shape]
    noisy[where] = 0.9
    assert noise_level(noisy) == pytest.approx(0.04, rel=0.25)


@pytest.mark.parametrize("factor", [1e-4, 1.0, 4095.0])
@pytest.mark.parametrize("offset", [-3.0, 0.0, 1000.0])
def test_the_estimate_goes_with_the_units(factor, offset):
    noisy = (scene() - 0.1 + 0.05 * normal()).double()
    one = noise_level(noisy)
    other = noise_level(noisy * factor + offset * factor)
    assert other == pytest.approx(factor * one, rel=0.2)


@pytest.mark.parametrize("kind", ["noise", "flat", "two values", "a block of one value", "stripes"])
def test_no_estimate_is_above_the_pictures_own_deviation(kind):
    picture = {
        "noise": 0.1 * normal(),
        "flat": torch.full((1, 3, SIDE, SIDE), 0.3),
        "two values": (normal() > 0).float(),
        "a block of one value": bordered(0.5 + 0.01 * normal(), 0.2, 30),
        "stripes": (torch.arange(SIDE) % 2).float().expand(1, 3, SIDE, SIDE).clone(),
    }[kind]
    found = estimate_noise(picture)
    assert 0 <= found.std <= picture.std().item() * 1.001
    assert found.least <= found.std or found.std == 0


def test_noise_that_all_channels_share_is_not_white():
    grain = 0.06 * normal(1)
    found = estimate_noise(scene() + grain)
    assert found.shared > 0.9
    assert not found.white
    assert estimate_noise(scene() + 0.06 * normal()).shared < 0.5


def texture(channels: int, side: int = 96) -> torch.Tensor:
    """Detail everywhere and at every scale, finer the weaker, as fur and bark have."""
    generator = torch.Generator().manual_seed(7)
    waves = torch.fft.fft2(torch.randn(side, side, generator=generator, dtype=torch.float64))
    along = torch.fft.fftfreq(side, dtype=torch.float64)
    radius = (along[:, None].square() + along.square()).sqrt().clamp_min(1 / side)
    drawn = torch.fft.ifft2(waves / radius**1.5).real
    plane = (0.5 + 0.12 * drawn / drawn.std()).clamp(0.02, 0.98).float()
    return plane.expand(1, channels, -1, -1)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("std", [0.015, 0.03, 0.08])
def test_white_noise_over_texture_is_read_off_the_finest_cosines(channels, std):
    clean = texture(channels)
    generator = torch.Generator().manual_seed(1)
    found = estimate_noise(clean + std * torch.randn(clean.shape, generator=generator))
    assert found.std == pytest.approx(std, rel=0.25)
    assert found.white


def test_noise_of_photons_is_found_whatever_is_flat():
    """The calmest places are the darkest ones, which have the least of it."""
    rows, columns = torch.meshgrid(*[torch.linspace(0, 1, 128)] * 2, indexing="ij")
    clean = (0.05 + 0.9 * rows * (0.8 + 0.2 * torch.sin(40 * columns * rows)))[None, None]
    counts = torch.poisson(60 * clean, generator=torch.Generator().manual_seed(0)) / 60
    truth = (clean.mean() / 60).sqrt().item()
    assert noise_level(counts) == pytest.approx(truth, rel=0.25)


def test_places_of_every_liveliness_are_texture_and_noise_of_one_kind_is_not():
    generator = torch.Generator().manual_seed(3)
    grain = blurred(normal())
    lively = torch.rand(1, 1, 9, 9, generator=generator) ** 2
    strength = F.interpolate(lively, (SIDE, SIDE), mode="bilinear")
    uneven = 0.5 + 0.2 * strength * grain
    assert estimate_noise(uneven.double()).texture > 0.3
    assert estimate_noise((0.5 + 0.06 * grain).double()).texture < 0.1
