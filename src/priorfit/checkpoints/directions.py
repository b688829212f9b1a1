"""Directions in a latent space, along which pictures change in one respect: age, smile, pose."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, cast, get_args

from torch import Tensor

from priorfit.checkpoints.layouts import Found, Layout
from priorfit.errors import CheckpointError
from priorfit.store import files, folders
from priorfit.store.files import Stored

KIND = "direction"

Space = Literal["z", "w", "w+"]

_MOST_LAYERS = 64
# What the only array of a file is called: by idinvert, and by `readers` where it has no name.
_NAMES = ("boundary", "array", "direction")


@dataclass(frozen=True)
class Direction:
    """A direction as it was published; nothing is rescaled.

    Args:
        tensor: (1, W), or (L, W) with one row for each layer.
        space: where it points; several rows point in w+.
        layers: those it shall move; None for all.
        source: where it came from.

    Raises:
        CheckpointError: these do not belong together.
    """

    tensor: Tensor
    space: Space
    layers: tuple[int, ...] | None = None
    source: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = len(self.tensor) if self.tensor.ndim == 2 else 0
        if not 1 <= rows <= _MOST_LAYERS or not self.tensor.numel():
            got = tuple(self.tensor.shape)
            raise CheckpointError(f"expected a direction of shape (1, W) or (L, W), got {got}")
        if self.space not in get_args(Space) or (rows > 1 and self.space != "w+"):
            raise CheckpointError(
                f"expected a direction in z, w or w+, in w+ for several rows, got {rows} rows "
                f"in {self.space!r:.20}"
            )
        most = rows if rows > 1 else _MOST_LAYERS
        for layer in self.layers or ():
            if type(layer) is not int or not 0 <= layer < most:
                raise CheckpointError(f"a direction of {rows} rows cannot move layer {layer!r:.20}")

    @classmethod
    def from_pretrained(cls, name: str | os.PathLike[str]) -> Self:
        """Load a direction: a folder, or a name that `priorfit checkpoints list` shows.

        Raises:
            CheckpointError: there is none, it is damaged, or it is a network.
        """
        folder = folders.find(name)
        stored = files.read(folder)
        try:
            return cls.of(stored)
        except CheckpointError as error:
            raise CheckpointError(f"{folder}: {error}") from error

    @classmethod
    def of(cls, stored: Stored) -> Self:
        """What was stored as a direction.

        Raises:
            CheckpointError: it was something else.
        """
        if stored.kind != KIND:
            raise CheckpointError(f"holds a {stored.kind}, expected a {KIND}")
        space, layers = stored.config.get("space"), stored.config.get("layers")
        sound = isinstance(space, str) and isinstance(layers, list | None)
        if set(stored.tensors) != {KIND} or not sound:
            raise CheckpointError("is damaged: expected one direction, its space and its layers")
        tensor = stored.tensors[KIND]
        if not tensor.is_floating_point():
            raise CheckpointError(f"is a direction of {tensor.dtype}, expected real numbers")
        chosen = None if layers is None else tuple(layers)
        return cls(tensor, cast(Space, space), chosen, dict(stored.source))

    def save_pretrained(self, folder: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write config.json and model.safetensors.

        Raises:
            ImageFileError: there are such files already, or the folder cannot be written.
        """
        layers = None if self.layers is None else list(self.layers)
        config = {"space": self.space, "layers": layers}
        stored = Stored(KIND, config, {KIND: self.tensor}, self.source)
        files.write(Path(folder), stored, overwrite=overwrite)


def _recognises(found: Found) -> bool:
    names = tuple(found.tensors)
    if len(names) != 1 or names[0] not in _NAMES:
        return False
    shape = [1, 1, *found.tensors[names[0]].shape]
    return all(side == 1 for side in shape[:-2]) and 1 <= shape[-2] <= _MOST_LAYERS


def _convert(found: Found) -> Stored:
    """InterFaceGAN's and mGANprior's are bare arrays; idinvert's say which layers they move."""
    (tensor,) = found.tensors.values()
    tensor = tensor.reshape(-1, tensor.shape[-1])
    about = found.settings.get("meta_data")
    layers = about.get("manipulate_layers") if isinstance(about, Mapping) else None
    config = {"space": found.settings.get("space", _likely(found, len(tensor))), "layers": layers}
    stored = Stored(KIND, config, {KIND: tensor})
    Direction.of(stored)
    return stored


def _likely(found: Found, rows: int) -> Space:
    """A bare array does not say where it points. InterFaceGAN marks those in w by their names."""
    if rows > 1:
        return "w+"
    return "w" if "_w_" in str(found.settings.get("file", "")) else "z"


LAYOUT = Layout(
    "a direction, as idinvert, InterFaceGAN and mGANprior publish them", _recognises, _convert
)
