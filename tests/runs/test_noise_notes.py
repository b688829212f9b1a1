"""What a user is told of the noise that was found."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from priorfit import images
from priorfit.tasks import Denoise


def lay(folder: Path, noise: np.ndarray, noise_std: float | None = None):
    slope = np.linspace(80, 160, noise.shape[1])[None, :, None]
    pixels = (slope + noise).clip(0, 255).astype(np.uint8)
    path = folder / "in.png"
    Image.fromarray(pixels).save(path)
    return Denoise(noise_std=noise_std).lay(images.read(path), path)


def noise(*, blurred: bool, std: float = 20.0) -> np.ndarray:
    drawn = np.random.default_rng(0).normal(size=(64, 64, 3))
    if blurred:
        drawn = sum(np.roll(drawn, (i, j), (0, 1)) for i in (0, 1) for j in (0, 1)) / 2
    return std * drawn


def test_noise_that_is_not_white_is_spoken_of(tmp_path):
    laid = lay(tmp_path, noise(blurred=True))
    assert "not white" in laid.notes[0]
    assert laid.problem.noise_std == pytest.approx(20 / 255, rel=0.25)


def test_white_noise_is_not_spoken_of(tmp_path):
    assert lay(tmp_path, noise(blurred=False)).notes == ()


def test_what_is_faint_is_not_judged(tmp_path):
    assert lay(tmp_path, noise(blurred=True, std=0.8)).notes == ()


def test_noise_of_a_given_level_is_looked_at_too(tmp_path):
    laid = lay(tmp_path, noise(blurred=True), noise_std=0.1)
    assert not laid.white
    assert laid.problem.noise_std == 0.1
    assert "not white" in laid.notes[0]
