"""Noise that neighbours share takes a way of its own, and comes out better than it came."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import priorfit as pf
from priorfit.classical import camera_noise
from priorfit.classical.camera_noise import camera_denoised, camera_smoothed
from priorfit.classical.noise_level import estimate_noise
from priorfit.degradations import Identity
from priorfit.guarantee.guard import for_coloured
from priorfit.problem import Problem
from tests.test_noise_level import blurred, normal, scene


def psnr(image, clean) -> float:
    return -10 * float(torch.log10((image - clean).square().mean()))


@pytest.mark.parametrize("std", [0.03, 0.08])
@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("method", [camera_denoised, camera_smoothed])
def test_grain_is_removed(std, told, method):
    noisy = (scene() + std * blurred(normal())).clamp(0, 1)
    result = method(Problem(noisy, Identity(), noise_std=std if told else None))
    assert psnr(result, scene()) > psnr(noisy, scene()) + 2


def test_a_picture_without_a_calm_place_is_left_half_alone():
    rough = (0.5 + 0.2 * normal()).clamp(0, 1)
    result = camera_smoothed(Problem(rough, Identity(), noise_std=0.01))
    assert (result - rough).square().mean().sqrt() < 0.05


def test_arrays_of_such_noise_take_that_way():
    noisy = (scene() + 0.05 * blurred(normal())).clamp(0, 1)
    image = noisy[0].permute(1, 2, 0).numpy()
    result = pf.denoise(image, channel_axis=-1)
    clean = scene()[0].permute(1, 2, 0).numpy()
    assert np.mean((result - clean) ** 2) < np.mean((image - clean) ** 2) / 1.6


def test_little_time_takes_the_quick_part():
    problem = Problem(torch.rand(1, 3, 64, 64), Identity(), noise_std=0.1)
    assert [m.name for m in for_coloured(problem)] == ["camera denoiser"]
    assert [m.name for m in for_coloured(problem, 0.01)] == ["quick camera denoiser"]


def test_the_more_is_texture_the_more_of_the_picture_is_left(monkeypatch):
    noisy = (scene() + 0.05 * blurred(normal())).clamp(0, 1)
    found = estimate_noise(noisy)
    gone = []
    for texture in (0.0, 0.5, 1.0):
        told = replace(found, texture=texture)
        monkeypatch.setattr(camera_noise, "estimate_noise", lambda _, told=told: told)
        problem = Problem(noisy, Identity(), noise_std=found.std)
        gone.append((camera_noise.camera_smoothed(problem) - noisy).square().mean().item())
    assert gone[0] > gone[1] > gone[2] > 0
