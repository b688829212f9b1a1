"""Every setting runs, keeps its numbers beside their sources, and is found by its name."""

import pytest
import torch

from priorfit import recipes
from priorfit.degradations import Blur, Downsample, Identity, Mask
from priorfit.degradations.blur import gaussian_psf
from priorfit.errors import RecipeError
from priorfit.loop.fit import restore
from priorfit.problem import Problem
from priorfit.recipes.method import DEFAULT, Cited

SIDE = 32


def picture(side: int = SIDE, seed: int = 0) -> torch.Tensor:
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(seed))


def problem_for(name: str) -> Problem:
    task = name.split("/")[1].split("-")[0].rstrip("0123456789")
    mask = Mask((picture(seed=1)[:, :1] > 0.3).float())
    return {
        "denoise": Problem(picture(), Identity(), noise_std=0.1),
        "dejpeg": Problem(picture(), Identity(), noise_std=0.03),
        "inpaint": Problem(mask(picture()), mask),
        "upscale": Problem(picture(SIDE // 2), Downsample(2)),
        "deblur": Problem(picture(), Blur(gaussian_psf(1.0))),
        "enhance": Problem(picture(), Identity()),
        "fuse": Problem(picture(), Identity(), companion=picture(seed=2)),
        "invert": Problem(picture(), Identity()),
    }[task]


@pytest.mark.parametrize("name", recipes.METHODS)
def test_every_recipe_runs_and_gives_a_picture_of_the_right_size(name, tiny_kit):
    problem = problem_for(name)
    own = tiny_kit if name == "latent/invert-w" else None
    result = restore(problem, recipes.load(name, 2, own), [0])
    assert result.image.shape == (1, *problem.finished_shape)
    assert torch.isfinite(result.image).all()


@pytest.mark.parametrize("name", [name for name in recipes.METHODS if "paper" not in name])
def test_a_longer_fit_begins_with_the_shorter_one(name, tiny_kit):
    """Why a run that a time limit ended is repeated by its number of steps."""
    own = tiny_kit if recipes.find(name).needs else None
    short, long = recipes.load(name, 3, own), recipes.load(name, 300, own)
    assert short.stages[0].lr == long.stages[0].lr


@pytest.mark.parametrize("name", recipes.METHODS)
def test_every_number_has_a_source(name):
    setting = recipes.find(name)
    cited = [value for value in vars(setting).values() if isinstance(value, Cited)]
    assert len(cited) >= 7
    assert all(value.source for value in cited)
    if "paper" in name:  # what the notebooks do not have says so
        chosen = [value.source for value in cited if value.source != DEFAULT]
        assert len(chosen) >= 7
        assert all(".ipynb" in source for source in chosen)


@pytest.mark.parametrize(
    ("name", "steps", "rate", "jitter"),
    [
        ("denoise", 3000, 0.01, 1 / 30),
        ("denoise50", 3000, 0.01, 1 / 20),
        ("dejpeg", 2400, 0.01, 1 / 30),
        ("upscale", 2000, 0.01, 0.03),
        ("upscale-x8", 4000, 0.01, 0.05),
        ("inpaint-text", 6001, 0.01, 0.03),
        ("inpaint-region", 5001, 0.01, 0.03),
        ("inpaint-large", 3001, 0.01, 0.0),
        ("inpaint-large-unet", 3001, 0.001, 0.0),
        ("inpaint-pixels", 11000, 0.001, 0.03),
        ("inpaint-sparse", 1000, 0.01, 0.0),
        ("fuse", 601, 0.1, 0.0),
    ],
)
def test_the_published_numbers(name, steps, rate, jitter):
    setting = recipes.find(f"dip/{name}-paper")
    assert setting.steps.value == steps
    assert setting.rate.value == rate
    assert setting.jitter.value == jitter


@pytest.mark.parametrize(
    ("name", "channels", "parameters"),
    [
        ("denoise", 32, 2_217_831),
        ("dejpeg", 3, 572_827),
        ("inpaint-text", 32, 3_002_627),
        ("inpaint-region", 2, 2_157_955),
        ("inpaint-large", 1, 2_996_467),
        ("inpaint-large-depth4", 1, 1_060_339),
        ("inpaint-large-depth2", 1, 59_635),
        ("inpaint-large-unet", 1, 1_616_315),
        ("inpaint-large-resnet", 1, 158_979),
        ("inpaint-sparse", 32, 1_027_379),
        ("fuse", 3, 2_184_307),
    ],
)
def test_the_published_networks_have_the_published_number_of_parameters(name, channels, parameters):
    with torch.device("meta"):
        network = recipes.find(f"dip/{name}-paper").network.value(channels, 3)
    assert sum(tensor.numel() for tensor in network.parameters()) == parameters


def test_an_unknown_recipe_is_refused_with_the_nearest():
    with pytest.raises(RecipeError, match="did you mean 'dip/denoise'"):
        recipes.load("dip/denoize")
