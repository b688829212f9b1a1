"""Families of methods: what shares a prior, or comes from one paper."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from priorfit.errors import RecipeError
from priorfit.recipes.method import Method


@dataclass(frozen=True)
class Family:
    """Methods that share a prior, or come from one paper.

    Args:
        name: what the names of its methods begin with.
        about: one line.
        methods: those that restore pictures, by name, `family/task` or `family/task-variant`.
        analyses: those for `priorfit analyse`, by name; no task that restores takes them.

    Raises:
        RecipeError: the name of a method does not begin with the family's.
    """

    name: str
    about: str
    methods: Mapping[str, Method] = field(default_factory=dict)
    analyses: Mapping[str, Method] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (*self.methods, *self.analyses):
            if not name.startswith(f"{self.name}/") or name.endswith("/"):
                raise RecipeError(f"expected a name like '{self.name}/denoise', got '{name}'")
