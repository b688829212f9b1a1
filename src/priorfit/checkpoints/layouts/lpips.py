"""Files of LPIPS: its linear heads, alone or together with the classifier that they weigh."""

import dataclasses
import re
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from priorfit.checkpoints.layouts.features import numbered, stored
from priorfit.checkpoints.layouts.layout import Found, Layout
from priorfit.errors import CheckpointError
from priorfit.networks.lpips import TAPS, Lpips, LpipsSettings
from priorfit.networks.preparation import TORCHVISION
from priorfit.networks.pretrained import check
from priorfit.store.files import Stored

_HEAD = re.compile(r"lin(\d)\.model\.1\.weight")
_SLICE = re.compile(r"net\.slice\d\.")
# Constants, the heads under a second name, and the decisions of the classifier.
_UNUSED = re.compile(r"scaling_layer\..*|lins\..*|classifier\..*")


def _recognised(found: Found) -> bool:
    return "lin0.model.1.weight" in found.tensors


def _converted(found: Found) -> Stored:
    heads: dict[int, Tensor] = {}
    seen: dict[str, Tensor] = {}
    for name, tensor in found.tensors.items():
        match = _HEAD.fullmatch(name)
        if match:
            heads[int(match[1])] = tensor
        elif not _UNUSED.fullmatch(name):
            seen[_SLICE.sub("features.", name)] = tensor
    channels = tuple(head.numel() for _, head in sorted(heads.items()))
    tensors = {f"heads.{index}.weight": head.reshape(1, -1) for index, head in heads.items()}
    if seen:
        features = _features(seen)
        tensors |= {f"features.{name}": tensor for name, tensor in features.tensors.items()}
        settings = LpipsSettings(features.config["trunk"], channels, features.config["widths"])
    else:
        settings = LpipsSettings(_trunk(channels), channels)
    with torch.device("meta"):
        network = Lpips(settings)
    check(tensors, network.state_dict())
    return Stored("lpips", dataclasses.asdict(settings), tensors)


def _trunk(channels: Sequence[int]) -> Literal["alexnet", "squeezenet1_1", "vgg16"]:
    """Which classifier so many channels are weighed of: two of them weigh as many layers.

    The channels of a VGG double at every pool, but for the last one; those of AlexNet fall.
    """
    if not all(channels):
        raise CheckpointError("holds linear heads of LPIPS without a number in them")
    if len(channels) != 5:
        return "squeezenet1_1"
    return "vgg16" if channels[3] >= channels[2] else "alexnet"


def _features(seen: dict[str, Tensor]) -> Stored:
    known = numbered(seen)
    if known is None or known[0] not in TAPS or len(known[1]) != len(seen):
        raise CheckpointError(
            f"LPIPS weighs an {' or '.join(TAPS)} with torchvision's names, the tensors beside its "
            "heads are those of none"
        )
    return stored(*known, TORCHVISION)


LAYOUTS = (Layout("LPIPS v0.1", _recognised, _converted),)
