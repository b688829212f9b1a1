"""A fit of some steps is the beginning of every longer one, so that a clock may end it anywhere."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from priorfit.degradations import Blur, Downsample, Identity, Mask
from priorfit.loop.fit import Fit
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.priors.inputs import Hiding, Probing
from priorfit.problem import Problem
from priorfit.recipes import METHODS
from priorfit.recipes.dip import Setting
from priorfit.recipes.method import Cited, Kit


def observation(side=16):
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))


known = (observation()[:, :1] > 0.3).float()
PROBLEMS = {
    "denoise": Problem(observation(), Identity(), noise_std=0.1),
    "dejpeg": Problem(observation(), Identity(), noise_std=0.1),
    "inpaint": Problem(observation() * known, Mask(known)),
    "upscale": Problem(observation(8), Downsample(2)),
    "deblur": Problem(observation(), Blur(torch.ones(3, 3) / 9)),
    "enhance": Problem(observation(), Identity()),
    "fuse": Problem(observation(), Identity(), companion=observation().flip(-1)),
    "invert": Problem(observation(), Identity()),
}


def small(setting: Setting) -> Setting:
    """A setting with all its numbers but those that cost time."""
    inputs = [
        replace(shown, copies=2) if isinstance(shown, Probing | Hiding) else shown
        for shown in setting.inputs.value
    ]
    network = partial(Hourglass, scales=[Scale(4, 4)])
    return replace(setting, network=Cited(network, "tests"), inputs=Cited(inputs, "tests"))


def beginning(name: str, steps: int, kit: Kit) -> list[torch.Tensor]:
    """Image and code after three steps of a fit of so many."""
    method = METHODS[name]
    made = method if method.needs else small(method)
    fit = Fit(PROBLEMS[method.tasks[0]], made.recipe(steps, kit), [0])
    for step in fit:
        if step.state.taken == 3:
            break
    return [fit.result().image, *fit.result().code.values()]


@pytest.mark.parametrize("name", METHODS)
def test_a_short_fit_is_the_beginning_of_every_longer_one(name, tiny_kit):
    short, long = beginning(name, 3, tiny_kit), beginning(name, 1000, tiny_kit)
    assert all(torch.equal(a, b) for a, b in zip(short, long, strict=True))
