"""Averages over whole runs: the mean of several fits is closer to the truth than any of them."""

from collections.abc import Sequence

import torch

from priorfit.errors import RecipeError
from priorfit.problem import Problem
from priorfit.restore import Recipe, Restoration, restore

_STRIDE = 1_000_003  # keeps the runs of neighbouring seeds apart


def restore_mean(problem: Problem, recipes: Sequence[Recipe], seeds: Sequence[int]) -> Restoration:
    """Average the images of one run for each recipe; run 0 is what `restore` gives for its recipe.

    With one recipe twice, the averaging over two runs of [ulyanov2018]_ (31.00 dB after 30.43 for
    one run on nine images); with an Adam and an LBFGS recipe, that over two optimisers.

    Args:
        problem: a batch of B observations.
        recipes: one a run, all for the same kind of image.
        seeds: B seeds, one an image; later runs derive theirs from them.

    Returns:
        The mean image, and the code of the first run.

    Raises:
        RecipeError: there is no recipe.
    """
    if not recipes:
        raise RecipeError("an average needs at least one recipe, got none")
    runs = [
        restore(problem, recipe, [seed + run * _STRIDE for seed in seeds])
        for run, recipe in enumerate(recipes)
    ]
    image = torch.stack([run.image for run in runs]).mean(0)
    return Restoration(image, runs[0].code, f"the mean of {len(runs)} runs")
