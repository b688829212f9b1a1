"""Files of LPIPS: its linear heads together with the classifier that they weigh."""

import dataclasses
import re

import torch
from torch import Tensor

from priorfit.checkpoints.files import Stored
from priorfit.checkpoints.layouts.features import numbered, stored
from priorfit.checkpoints.layouts.layout import Found, Layout
from priorfit.errors import CheckpointError
from priorfit.networks.lpips import TAPS, Lpips, Settings
from priorfit.networks.preparation import TORCHVISION
from priorfit.networks.pretrained import check

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
    if not seen:
        raise CheckpointError(
            "holds the linear heads of LPIPS alone: give the file of its classifier along with it"
        )
    known = numbered(seen)
    if known is None or known[0] not in TAPS or len(known[1]) != len(seen):
        raise CheckpointError(
            f"LPIPS needs a whole {', '.join(TAPS)} with the names of torchvision"
        )
    trunk, named = known
    features = stored(trunk, named, TORCHVISION)
    tensors = {f"features.{name}": tensor for name, tensor in features.tensors.items()}
    tensors |= {f"heads.{index}.weight": head.reshape(1, -1) for index, head in heads.items()}
    settings = Settings(features.config["trunk"], features.config["widths"])
    with torch.device("meta"):
        network = Lpips(settings)
    check(tensors, network.state_dict())
    return Stored("lpips", dataclasses.asdict(settings), tensors)


LAYOUTS = (Layout("LPIPS v0.1", _recognised, _converted),)
