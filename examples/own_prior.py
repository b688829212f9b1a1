"""Fit a prior of your own: a picture of a few round stars on a dark sky.

    python examples/own_prior.py

Two functions are enough: one makes the code that a fit starts with, one draws the image of a code.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

import priorfit as pf
from priorfit.priors.functions import FunctionPrior
from priorfit.terms.data import Mse

STARS = 40


def start(problem: pf.Problem, noise: pf.Noise) -> dict[str, Tensor]:
    """Stars at random places, in (0, 1), all of them faint."""
    return {
        "places": noise.uniform(STARS, 2),  # (B, stars, row and column)
        "brightness": 0.2 * torch.ones(len(problem), STARS),
    }


def draw(code: Mapping[str, Tensor], side: int = 48, width: float = 3.0) -> Tensor:
    """Sum the stars: (B, 1, side, side) in [0, 1]."""
    grid = torch.arange(side) / side
    rows, columns = code["places"][..., 0, None], code["places"][..., 1, None]
    down = torch.exp(-(((grid - rows) * side / width) ** 2) / 2)  # (B, stars, H)
    along = torch.exp(-(((grid - columns) * side / width) ** 2) / 2)  # (B, stars, W)
    light = torch.einsum("bn,bnh,bnw->bhw", code["brightness"], down, along)
    return 1 - torch.exp(-light.clamp(min=0))[:, None]


def main(steps: int = 400) -> pf.Restoration:
    """Find the stars of a noisy picture.

    Args:
        steps: length of the fit.
    """
    noise = pf.Noise([7])
    sky = {"places": noise.uniform(6, 2), "brightness": 0.5 + noise.uniform(6)}
    truth = draw(sky)
    noisy = truth + 0.1 * noise.normal(*truth.shape[1:])

    problem = pf.Problem(noisy, pf.Identity(), noise_std=0.1)
    rates = {"places": 0.005, "brightness": 0.02}
    recipe = pf.Recipe(FunctionPrior(start, draw), [pf.Stage(steps, rates, 1.0 * Mse())])
    result = pf.restore(problem, recipe, seeds=[0])

    print(f"noisy: {pf.psnr(noisy.clamp(0, 1), truth).item():.2f} dB")
    print(f"found: {pf.psnr(result.image, truth).item():.2f} dB")
    return result


if __name__ == "__main__":
    main()
