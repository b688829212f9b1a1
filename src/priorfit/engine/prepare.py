"""Recipes made ready for a request, and what the parts of a fit have to show."""

import math
from dataclasses import replace
from functools import partial

from priorfit.classical.guides import observation
from priorfit.engine.request import Request
from priorfit.guarantee.evidence import Following
from priorfit.loop.fit import Fit, Recipe
from priorfit.loop.steps import Rewinding, Snapshots
from priorfit.loop.stopping import Stopping, ruled
from priorfit.loop.tiled import TiledFit
from priorfit.priors.deep_image import DeepImagePrior
from priorfit.priors.inputs import Estimator, Guide, Hiding, Probing
from priorfit.types import Image


def prepare(recipe: Recipe, request: Request) -> Recipe:
    """A recipe with what a request asks of it, and with a guard against losses that are no numbers.

    Args:
        recipe: of the family.
        request: its stop rule, and steps whose pictures are kept: as they were, not what a stop
            rule had picked.

    Raises:
        RecipeError: there is no such rule.
    """
    made = guarded(recipe)
    filters = ruled(made.filters, request.stop)
    if request.kept:
        rules = [i for i, make in enumerate(filters) if isinstance(make(), Stopping)]
        filters.insert(rules[0] if rules else len(filters), partial(Snapshots, request.kept))
    return replace(made, filters=[*filters, Following])


def rule_of(fit: Fit | TiledFit) -> Stopping | None:
    """The stop rule of a fit, if it has one."""
    return next((seen for seen in fit.filters if isinstance(seen, Stopping)), None)


def snapshots(fit: Fit | TiledFit) -> dict[int, Image]:
    """Pictures of steps that were kept, finished as the result is."""
    found: dict[int, Image] = {}
    for seen in fit.filters:
        found |= seen.images if isinstance(seen, Snapshots) else {}
    return {step: fit.finished(image) for step, image in found.items()}


def guarded(recipe: Recipe) -> Recipe:
    """The recipe with a guard against losses that are not numbers, if it has none of its own."""
    if any(isinstance(make(), Rewinding) for make in recipe.filters):
        return recipe
    # Goes back only from losses that are not numbers, so it changes no healthy fit.
    return replace(recipe, filters=[partial(Rewinding, drop=math.inf), *recipe.filters])


def guide(fit: Fit | TiledFit) -> tuple[str, Image] | None:
    """Name and image of the estimate that the network is shown, if there is one."""
    prior = fit.recipe.prior
    if not isinstance(prior, DeepImagePrior) or not isinstance(fit, Fit):
        return None
    for i, shown in enumerate(prior.inputs):
        if f"z.{i}" in fit.moved:
            continue
        if isinstance(shown, Guide | Probing | Hiding) and shown.estimate is not observation:
            # No step moves this, and the estimate is the first part of it.
            images, channels = len(fit.problem), fit.problem.shape[0]
            return _name(shown.estimate), fit.code[f"z.{i}"][:images, :channels]
    return None


def _name(estimate: Estimator) -> str:
    """Name of a function, or of the one inside a partial, or of a value's class."""
    while isinstance(estimate, partial):
        estimate = estimate.func
    return getattr(estimate, "__name__", type(estimate).__name__)
