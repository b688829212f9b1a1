"""Networks that are built from a few plain numbers and can be stored and found again."""

import dataclasses
import importlib
import os
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from priorfit.errors import CheckpointError
from priorfit.store import files, folders
from priorfit.store.files import Stored

# Kind of a stored network -> its class. A file names a kind, never a module.
HOMES = {
    "biggan": "priorfit.networks.biggan.BigGan",
    "biggan-deep": "priorfit.networks.biggan_deep.BigGanDeep",
    "biggan-discriminator": "priorfit.networks.biggan_discriminator.BigGanDiscriminator",
    "features": "priorfit.networks.features.FeatureNetwork",
    "in-domain-encoder": "priorfit.networks.encoder.InDomainEncoder",
    "lpips": "priorfit.networks.lpips.Lpips",
    "mapping": "priorfit.networks.mapped.Mapping",
    "pggan": "priorfit.networks.pggan.PgGan",
    "small-classifier": "priorfit.networks.classifier.Classifier",
    "stylegan": "priorfit.networks.stylegan.StyleGan",
    "stylegan-discriminator": "priorfit.networks.stylegan_discriminator.StyleGanDiscriminator",
    "stylegan2": "priorfit.networks.stylegan2.StyleGan2",
    "stylegan3": "priorfit.networks.stylegan3.StyleGan3",
}

_LARGEST = 1 << 16
_LONGEST = 64


class Pretrained(nn.Module):
    """A network with a `kind` and a `config`, a frozen dataclass of numbers, words and tuples.

    A subclass is built from its config alone and keeps every constant in a buffer that is saved.
    """

    kind: ClassVar[str]
    Config: ClassVar[type]

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.source: dict[str, Any] = {}

    @classmethod
    def from_pretrained(
        cls, name: str | os.PathLike[str], device: torch.device | str = "cpu"
    ) -> Self:
        """Load a network for evaluation, in float32.

        Args:
            name: a folder with config.json and model.safetensors, or a name that
                `priorfit checkpoints list` shows.
            device: where the network shall be.

        Raises:
            CheckpointError: there is none, it is damaged, or it is another kind of network.
        """
        folder = folders.find(name)
        stored = files.read(folder)
        if not issubclass(home(stored.kind), cls):
            raise CheckpointError(f"{folder}: holds a {stored.kind}, expected a {cls.__name__}")
        try:
            network = build_stored(stored)
        except CheckpointError as error:
            raise CheckpointError(f"{folder}: {error}") from error
        return typing.cast(Self, network.to(device))

    def save_pretrained(self, folder: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write config.json and model.safetensors.

        Raises:
            ImageFileError: there are such files already, or the folder cannot be written.
        """
        config = dataclasses.asdict(self.config)
        stored = Stored(self.kind, config, self.state_dict(), self.source)
        files.write(Path(folder), stored, overwrite=overwrite)


def home(kind: str) -> type[Pretrained]:
    """Class of a kind of network.

    Raises:
        CheckpointError: no such kind.
    """
    if kind not in HOMES:
        raise CheckpointError(f"there is no kind of network '{kind}', expected {', '.join(HOMES)}")
    module, _, name = HOMES[kind].rpartition(".")
    return getattr(importlib.import_module(module), name)


def build_stored(stored: Stored) -> Pretrained:
    """A network for evaluation from what was stored; nothing is allocated before all shapes agree.

    Raises:
        CheckpointError: settings or shapes that do not belong together.
    """
    kind = home(stored.kind)
    config = _config(kind, stored.config)
    with torch.device("meta"):
        try:
            network = kind(config)
        except CheckpointError:
            raise
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise CheckpointError(f"no {stored.kind} can be built like that: {error}") from error
    check(stored.tensors, network.state_dict())
    floats = {n: t.float() if t.is_floating_point() else t for n, t in stored.tensors.items()}
    network.load_state_dict(floats, assign=True)
    network.source = dict(stored.source)
    return network.requires_grad_(False).eval()


def check(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """Make sure that tensors have just the names and shapes that a network wants.

    Raises:
        CheckpointError: one is missing, too many, or of another shape.
    """
    missing, spare = sorted(wanted.keys() - tensors.keys()), sorted(tensors.keys() - wanted.keys())
    if missing or spare:
        which, names = ("missing", missing) if missing else ("unknown", spare)
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        raise CheckpointError(f"does not fit its network: {which} {names[0]}{more}")
    for name, tensor in wanted.items():
        if tensors[name].shape != tensor.shape:
            expected, got = tuple(tensor.shape), tuple(tensors[name].shape)
            raise CheckpointError(f"does not fit its network: {name} is {got}, expected {expected}")


def _config(kind: type[Pretrained], values: Mapping[str, Any]) -> Any:
    hints = typing.get_type_hints(kind.Config)
    unknown = sorted(values.keys() - hints.keys())
    if unknown:
        raise CheckpointError(f"a {kind.kind} has no setting '{unknown[0]}'")
    fitted = {name: _convert(name, value, hints[name]) for name, value in values.items()}
    try:
        return kind.Config(**fitted)
    except TypeError as error:
        raise CheckpointError(f"settings of a {kind.kind} are missing: {error}") from error


def _convert(name: str, value: Any, hint: Any) -> Any:
    """A value out of JSON as its field wants it, tuples for lists; sizes stay sensible."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        if value is None:
            return None
        hint = next(option for option in typing.get_args(hint) if option is not types.NoneType)
    if typing.get_origin(hint) is tuple and isinstance(value, list | tuple):
        if len(value) > _LONGEST:
            raise CheckpointError(f"setting '{name}' has {len(value)} entries, at most {_LONGEST}")
        inner = typing.get_args(hint)[0]
        return tuple(_convert(name, item, inner) for item in value)
    if typing.get_origin(hint) is typing.Literal:
        right = value in typing.get_args(hint)
    else:
        right = type(value) is hint or (hint is float and type(value) is int)
    if not right or (isinstance(value, int | float) and not abs(value) <= _LARGEST):
        raise CheckpointError(f"setting '{name}' cannot be {value!r:.60}")
    return value
