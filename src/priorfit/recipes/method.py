"""What every recipe family offers, so that commands, runs and records need to know no family."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import torch

from priorfit.errors import RecipeError
from priorfit.loop.fit import Recipe
from priorfit.networks.pretrained import Pretrained
from priorfit.records.sidecar import Checkpoint
from priorfit.store import folders
from priorfit.store.description import model_of, read_config, sha256

Value = TypeVar("Value", covariant=True)
Network = TypeVar("Network", bound=Pretrained)

Row = tuple[str, str, str]
"""Name, value, source."""

DEFAULT = "plain default"
"""In the place of a source: nobody chose the number for this recipe."""


GENERATOR = "generator"
"""The part that a trained generator plays."""


@dataclass(frozen=True)
class Cited(Generic[Value]):
    """A value and where it stands."""

    value: Value
    source: str


@dataclass
class Kit:
    """What a recipe is made with: the device, and the trained networks that it needs.

    A network is read at its first use, and once.

    Args:
        device: where the fit will be.
        names: checkpoint that plays each part, by the part's name, where it is not the method's
            own: a name that `priorfit checkpoints list` shows, or a folder.
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    names: Mapping[str, str] = field(default_factory=dict)
    _loaded: dict[str, Pretrained] = field(default_factory=dict)

    def network(self, kind: type[Network], name: str) -> Network:
        """A trained network of some kind, for evaluation, on the device.

        Raises:
            CheckpointError: there is none, it is damaged, or it is of another kind.
        """
        if not isinstance(self._loaded.get(name), kind):
            self._loaded[name] = kind.from_pretrained(name, self.device)
        network = self._loaded[name]
        assert isinstance(network, kind)
        return network


class Method(Protocol):
    """One recipe of a family: how images are restored, and where its numbers come from."""

    @property
    def about(self) -> str:
        """One line for the list of recipes."""

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks that it serves, the one that it is for first."""

    @property
    def length(self) -> int:
        """Steps of its fit."""

    @property
    def most(self) -> int | None:
        """Longest useful fit, in steps; None where more time never hurts."""

    @property
    def published(self) -> bool:
        """Whether its numbers are somebody's, for pictures from 0 to 1, and its result is too."""

    @property
    def sooner(self) -> str | None:
        """Recipe that does the same with less to do before the first step, if there is one."""

    @property
    def window(self) -> str | None:
        """The window that it takes a small image to be made with, if it is for enlarging."""

    @property
    def needs(self) -> Mapping[str, str]:
        """Checkpoint that plays each part, by the part's name; empty where none is needed."""

    @property
    def synthesises(self) -> bool:
        """Whether a trained generator draws the result."""

    def rows(self) -> list[Row]:
        """Every number, with its source where it has one."""

    def recipe(self, steps: int | None = None, kit: Kit | None = None) -> Recipe:
        """Make the recipe.

        Args:
            steps: length of the fit; the method's own by default.
            kit: device and networks; a processor and the method's own by default.

        Raises:
            CheckpointError: a network that it needs is missing or damaged.
        """


def checkpoints_of(method: Method, names: Mapping[str, str] | None = None) -> dict[str, Checkpoint]:
    """The networks that a method is made with, by the part that each plays.

    Args:
        method: it.
        names: other checkpoints for some parts.

    Raises:
        CheckpointError: one is not here.
        RecipeError: the method has no use for one that is named.
    """
    check_parts(method, names or {})
    chosen = {**method.needs, **(names or {})}
    return {part: checkpoint_named(name) for part, name in chosen.items()}


def checkpoint_named(name: str) -> Checkpoint:
    """A checkpoint by the bytes that it has now.

    Args:
        name: that `priorfit checkpoints list` shows, or a folder.

    Raises:
        CheckpointError: it is not here.
    """
    folder = folders.find(name)
    return Checkpoint(name=name, sha256=sha256(model_of(folder, read_config(folder))))


def check_parts(method: Method, names: Mapping[str, str]) -> None:
    """Refuse checkpoints that a method has no use for.

    Raises:
        RecipeError: there is one.
    """
    spare = sorted(names.keys() - method.needs.keys())
    if spare:
        needed = ", ".join(sorted(method.needs)) or "no trained network"
        raise RecipeError(f"this recipe needs {needed}, got a {spare[0]}: {names[spare[0]]}")


__all__ = [
    "check_parts",
    "checkpoint_named",
    "checkpoints_of",
    "Cited",
    "DEFAULT",
    "GENERATOR",
    "Kit",
    "Method",
    "Row",
]
