"""Files of image classifiers: torchvision's, Caffe's in several guises, distilled encoders."""

import dataclasses
import itertools
import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from priorfit.checkpoints.layouts.layout import Found, Layout
from priorfit.errors import CheckpointError
from priorfit.networks.features import FeatureNetwork, FeatureSettings
from priorfit.networks.preparation import (
    CAFFE,
    CAFFE_RGB,
    RAW,
    SIGNED,
    TORCHVISION,
    Preparation,
)
from priorfit.networks.pretrained import check
from priorfit.networks.trunks import TRUNKS, Filtering, parts
from priorfit.store.files import Stored

PREPARATIONS = {
    "torchvision": TORCHVISION,
    "caffe": CAFFE,
    "caffe-rgb": CAFFE_RGB,
    "signed": SIGNED,
    "raw": RAW,
}
"""Words for `Found.settings["preparation"]`, for files whose shapes cannot tell."""

# Modules of torchvision's `classifier`, which counts dropout and ReLU.
_CLASSIFIERS = {
    "alexnet": {"fc6": 1, "fc7": 4, "fc8": 6},
    "squeezenet1_1": {"conv10": 1},
    "vgg16": {"fc6": 0, "fc7": 3, "fc8": 6},
    "vgg19": {"fc6": 0, "fc7": 3, "fc8": 6},
}
# In the first torchvision dropout came before the linear layers. Only conversions of Caffe's
# weights are as old, see github.com/jcjohnson/pytorch-vgg.
_OLD_VGG = {"fc6": 1, "fc7": 4, "fc8": 6}
_NUMBERED = re.compile(r"(features\.|layer)(\d+)\.((?:squeeze|expand[13]x[13])\.)?(weight|bias)")
_DECIDING = re.compile(r"classifier\.(\d+)\.(weight|bias)")
_CAFFE_NAME = re.compile(
    r"(?:.*/)?(?:(conv\d_\d|fc[678])|block(\d)_conv(\d))[._/]"
    r"(?:(weights?|W|W_1|kernel|0)|(bias|biases|b|b_1|1))(?::0)?"
)
_DISTILLED = re.compile(r"conv([1-5])([1-4])(_aux)?\.(weight|bias)")

Tensors = Mapping[str, Tensor]


def stored(
    trunk: str, tensors: Tensors, preparation: Preparation, full: Sequence[int] = ()
) -> Stored:
    """A feature network from tensors that have the names of its layers.

    Args:
        trunk: which rows.
        tensors: such as `conv1_1.weight`.
        preparation: what it was trained with.
        full: see `Settings`.

    Raises:
        CheckpointError: one is missing, too many, or of another shape.
    """
    settings = FeatureSettings(
        trunk,  # type: ignore[arg-type]  # built() has the last word on every setting
        _widths(trunk, tensors),
        preparation.mean,
        preparation.std,
        preparation.bgr,
        tuple(full),
    )
    with torch.device("meta"):
        network = FeatureNetwork(settings)
    ours = {f"layers.{name}": tensor for name, tensor in tensors.items()}
    check(ours, network.state_dict())
    return Stored("features", dataclasses.asdict(settings), ours)


def numbered(tensors: Tensors, prefix: str = "features.") -> tuple[str, dict[str, Tensor]] | None:
    """Trunk, and tensors in our names, of what is numbered as torchvision's `features` are.

    None where the numbers are those of no trunk; names that are of another kind are left out.

    Args:
        tensors: by their names there.
        prefix: before the numbers.
    """
    matches = [(_NUMBERED.fullmatch(name), tensor) for name, tensor in tensors.items()]
    found = [(match, tensor) for match, tensor in matches if match and match[1] == prefix]
    numbers = sorted({int(match[2]) for match, _ in found})
    fires = any(match[3] for match, _ in found)
    for trunk in ("squeezenet1_1",) if fires else ("vgg16", "vgg19", "alexnet"):
        rows = _names(trunk)
        if numbers and numbers == list(rows)[: len(numbers)]:
            named = {f"{rows[int(m[2])]}.{m[3] or ''}{m[4]}": tensor for m, tensor in found}
            return trunk, named
    return None


def _names(trunk: str) -> dict[int, str]:
    """Row name of each filtering module of torchvision's `features`, by its number."""
    rows = enumerate(TRUNKS[trunk].rows)
    return {index: row.name for index, row in rows if isinstance(row, Filtering)}


def _widths(trunk: str, tensors: Tensors) -> tuple[int, ...]:
    widths: list[int] = []
    for part in itertools.chain.from_iterable(map(parts, TRUNKS[trunk].every)):
        weight = tensors.get(f"{part}.weight")
        if weight is None:
            break
        if weight.ndim not in (2, 4) or not weight.numel():
            raise CheckpointError(f"{part}.weight cannot have the shape {tuple(weight.shape)}")
        widths.append(len(weight))
    return tuple(widths)


def _told(found: Found, otherwise: Preparation) -> Preparation:
    """The preparation that somebody named, or else the usual one of the layout."""
    word = found.settings.get("preparation")
    if word is None:
        return otherwise
    if word not in PREPARATIONS:
        raise CheckpointError(f"a preparation is one of {', '.join(PREPARATIONS)}, got {word!r}")
    return PREPARATIONS[word]


def _is_torchvision(found: Found) -> bool:
    known = all(_NUMBERED.fullmatch(n) or _DECIDING.fullmatch(n) for n in found.tensors)
    return known and numbered(found.tensors) is not None


def _torchvision(found: Found) -> Stored:
    trunk, named = _numbered(found, "features.")
    head = _head(trunk, found.tensors)
    preparation = CAFFE if _is_old(trunk, found.tensors) else TORCHVISION
    if not all(torch.isfinite(tensor).all() for tensor in head.values()):
        # IMAGENET1K_FEATURES comes from a detector, the head filled with what is no number.
        head, preparation = {}, CAFFE_RGB
    return stored(trunk, named | head, _told(found, preparation))


def _is_old(trunk: str, tensors: Tensors) -> bool:
    return trunk.startswith("vgg") and "classifier.1.weight" in tensors


def _head(trunk: str, tensors: Tensors) -> dict[str, Tensor]:
    numbers = _OLD_VGG if _is_old(trunk, tensors) else _CLASSIFIERS[trunk]
    names = {number: name for name, number in numbers.items()}
    head: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        match = _DECIDING.fullmatch(name)
        if match and int(match[1]) not in names:
            raise CheckpointError(f"the classifier of a {trunk} has no {name}")
        if match:
            head[f"{names[int(match[1])]}.{match[2]}"] = tensor
    return head


def _is_numbered_caffe(found: Found) -> bool:
    known = all(_NUMBERED.fullmatch(name) for name in found.tensors)
    return known and numbered(found.tensors, "layer") is not None


def _numbered_caffe(found: Found) -> Stored:
    trunk, named = _numbered(found, "layer")
    return stored(trunk, named, _told(found, CAFFE))


def _numbered(found: Found, prefix: str) -> tuple[str, dict[str, Tensor]]:
    known = numbered(found.tensors, prefix)
    if known is None:
        raise CheckpointError("its numbers are those of no VGG, AlexNet or SqueezeNet 1.1")
    return known


def _is_caffe(found: Found) -> bool:
    names = [_CAFFE_NAME.fullmatch(name) for name in found.tensors]
    return bool(names) and all(names)


def _caffe(found: Found) -> Stored:
    named: dict[str, Tensor] = {}
    for name, tensor in found.tensors.items():
        match = _CAFFE_NAME.fullmatch(name)
        if match is None:
            raise CheckpointError(f"a VGG of Caffe has no {name}")
        row = match[1] or f"conv{match[2]}_{match[3]}"
        named[f"{row}.{'weight' if match[4] else 'bias'}"] = tensor
    trunk = "vgg19" if any(name.startswith("conv3_4") for name in named) else "vgg16"
    return stored(trunk, _out_first(named), _told(found, CAFFE))


def _out_first(named: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights as torch has them, (out, in, k, k), where they lie as (k, k, in, out)."""
    filters = [t for name, t in named.items() if name.startswith("conv") and t.ndim == 4]
    sides = [(t.shape[:2] == (3, 3), t.shape[2:] == (3, 3)) for t in filters]
    if not any(first and not last for first, last in sides):
        return {
            name: t.flatten(1) if "fc" in name and t.ndim == 4 else t for name, t in named.items()
        }
    return {name: _turned(name, tensor, named) for name, tensor in named.items()}


def _turned(name: str, tensor: Tensor, named: Tensors) -> Tensor:
    if tensor.ndim == 4:
        tensor = tensor.permute(3, 2, 0, 1)
        return tensor.flatten(1) if name.startswith("fc") else tensor
    if tensor.ndim != 2:
        return tensor
    tensor = tensor.T
    last = max((n for n in named if n.startswith("conv") and n.endswith("weight")), default=None)
    channels = named[last].shape[-1] if last else 0
    if name.startswith("fc6") and channels and tensor.shape[1] == 49 * channels:
        # The pixels of all channels come before the next pixel there, after them in torch.
        tensor = tensor.unflatten(1, (49, channels)).transpose(1, 2).flatten(1)
    return tensor


def _is_distilled(found: Found) -> bool:
    names = [n for n in found.tensors if n not in ("conv0.weight", "conv0.bias")]
    return "conv0.weight" in found.tensors and all(_DISTILLED.fullmatch(name) for name in names)


def _distilled(found: Found) -> Stored:
    named: dict[str, Tensor] = {}
    full: dict[int, int] = {}
    for name, tensor in found.tensors.items():
        match = _DISTILLED.fullmatch(name)
        if match is None:
            named[name] = tensor
        elif match[3]:
            named[f"full{match[1]}_{match[2]}.{match[4]}"] = tensor
            full[int(match[1])] = len(tensor) if tensor.ndim else 0
        else:
            named[f"conv{match[1]}_{match[2]}.{match[4]}"] = tensor
    widths = [full[level] for level in sorted(full)]
    if sorted(full) != list(range(1, len(full) + 1)) or not all(widths):
        raise CheckpointError("a distilled encoder widens its first layers without a gap")
    return stored("vgg19_reflected", named, _told(found, RAW), widths)


LAYOUTS = (
    Layout("distilled VGG-19 encoder", _is_distilled, _distilled),
    Layout("VGG-16 of idinvert", _is_numbered_caffe, _numbered_caffe),
    Layout("VGG with Caffe's names", _is_caffe, _caffe),
    Layout("torchvision classifier", _is_torchvision, _torchvision),
)
