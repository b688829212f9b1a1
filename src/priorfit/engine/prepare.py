"""Recipes made ready for a request."""

from dataclasses import replace

from priorfit.engine.request import Request
from priorfit.guarantee.evidence import Following
from priorfit.loop.fit import Recipe
from priorfit.loop.stopping import guarded, keeping, ruled


def prepare(recipe: Recipe, request: Request) -> Recipe:
    """A recipe with what a request asks of it, and with a guard against losses that are no numbers.

    Args:
        recipe: of the family.
        request: its stop rule, and steps whose pictures are kept: as they were, not what a stop
            rule had picked.

    Raises:
        RecipeError: there is no such rule.
    """
    filters = keeping(ruled(guarded(recipe.filters), request.stop), request.kept)
    return replace(recipe, filters=[*filters, Following])
