"""The cheap alternatives: of the result's size, timed, and an honest word on who is ahead."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from priorfit import recipes
from priorfit.degradations import Blur, Downsample, Identity, Mask
from priorfit.degradations.blur import gaussian_psf
from priorfit.guarantee import comparators
from priorfit.guarantee.comparators import alternatives, left_out, verdict
from priorfit.problem import Problem
from priorfit.recipes import Cited
from priorfit.tasks import TASKS, Enhance

Y = torch.rand(1, 3, 16, 20, generator=torch.Generator().manual_seed(0))
MASK = Mask((Y[:, :1] > 0.3).float())
PROBLEMS = {
    "denoise": Problem(Y, Identity(), noise_std=0.1),
    "inpaint": Problem(MASK(Y), MASK),
    "upscale": Problem(Y, Downsample(2)),
    "deblur": Problem(Y, Blur(gaussian_psf(1.0))),
    "dejpeg": Problem(Y, Identity(), noise_std=0.03),
    "fuse": Problem(Y, Identity(), companion=Y),
}


METHODS = {name: task().comparators for name, task in TASKS.items()}


def test_every_task_that_is_compared_is_tried_here():
    assert set(PROBLEMS) == {name for name, methods in METHODS.items() if methods}


@pytest.mark.parametrize("task", PROBLEMS)
def test_alternatives_have_the_size_of_the_result(task):
    made = alternatives(METHODS[task], PROBLEMS[task], patience=20)
    size = (32, 40) if task == "upscale" else (16, 20)
    assert [each.name for each in made] == [c.name for c in METHODS[task]]
    assert {tuple(each.image.shape) for each in made} == {(1, 3, *size)}
    assert all(each.seconds > 0 for each in made)
    assert all(0 <= each.image.min() and each.image.max() <= 1 for each in made)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Two steps of ZS-N2N."""
    setting = replace(recipes.find("zs-n2n/denoise"), steps=Cited(2, "tests"))
    monkeypatch.setitem(recipes.METHODS, "zs-n2n/denoise", setting)


@pytest.mark.parametrize("patience", [0.0, 0.001, 0.1, 20.0])
@pytest.mark.parametrize("task", PROBLEMS)
def test_every_method_is_tried_or_left_out(task, patience):
    methods, problem = METHODS[task], PROBLEMS[task]
    made = {each.name for each in alternatives(methods, problem, patience)}
    omitted = set(left_out(methods, problem, patience))
    assert made | omitted == {method.name for method in methods}
    assert not made & omitted


def test_a_task_without_cheap_alternatives_has_none():
    assert alternatives(Enhance().comparators, PROBLEMS["denoise"]) == []


def test_a_method_that_does_not_fit_the_problem_is_left_out():
    made = alternatives(METHODS["deblur"], PROBLEMS["denoise"])
    assert [each.name for each in made] == ["as it was"]


def test_a_method_costs_by_the_pixels_of_the_result():
    small, large = Problem(Y, Identity(), noise_std=0.1), Problem(Y, Downsample(100))
    assert comparators.ZERO_SHOT.fits(small, 20.0)
    assert not comparators.ZERO_SHOT.fits(small, 19.0)
    assert not comparators.ZERO_SHOT.fits(large, 1000.0)


@given(
    ours=st.floats(5, 60),
    others=st.dictionaries(st.sampled_from("abc"), st.floats(5, 60), min_size=1),
)
def test_silence_means_better_than_every_alternative(ours, others):
    said = verdict(ours, others)
    best = max(others.values())
    assert (said is None) == (ours - best >= comparators.SAME)
    assert said is None or ("better" in said) == (best - ours >= comparators.SAME)


def test_without_alternatives_there_is_nothing_to_say():
    assert verdict(30.0, {}) is None
    assert "same" in verdict(float("inf"), {"as it was": float("inf")})
