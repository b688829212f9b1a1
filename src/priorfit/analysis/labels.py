"""Training sets for a classifier to memorise, from true labels to pure noise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from skimage import data
from torch import Generator, Tensor

from priorfit.errors import ProblemError
from priorfit.train.data import Photographs

SIDE, EACH = 24, 64
"""Side of a crop in pixels, and crops of a photograph, in the set that needs no files."""

_PHOTOGRAPHS: Mapping[str, Callable[[], NDArray[np.uint8]]] = {
    "astronaut": data.astronaut,
    "brick": data.brick,
    "camera": data.camera,
    "chelsea": data.chelsea,
    "coffee": data.coffee,
    "coins": data.coins,
    "grass": data.grass,
    "gravel": data.gravel,
    "moon": data.moon,
    "rocket": data.rocket,
}


@dataclass(frozen=True, eq=False)
class Lesson:
    """A set to memorise.

    Args:
        images: (N, 3, S, S) in [0, 1], normal noise a little beyond.
        labels: (N,).
    """

    images: Tensor
    labels: Tensor


def crops(seed: int, side: int = SIDE, each: int = EACH) -> Photographs:
    """Crops of ten photographs that come with scikit-image; which photograph it is, is the class.

    Args:
        seed: of the places.
        side: S; what is cut out is twice as large and reduced.
        each: crops of a photograph.
    """
    noise = Generator().manual_seed(seed)
    found = [_cut(make(), side, each, noise) for make in _PHOTOGRAPHS.values()]
    labels = torch.arange(len(found)).repeat_interleave(each)
    return Photographs(torch.cat(found), labels, tuple(_PHOTOGRAPHS))


def lessons(photographs: Photographs, seed: int) -> dict[str, Lesson]:
    """The five lessons of [zhang2017]_: each takes away something that could be understood.

    Labels at random; one order of the pixels for all images; another order for each; normal noise
    with the mean and spread of the images.

    Args:
        photographs: images and their true labels.
        seed: of labels, orders and noise.

    Raises:
        ProblemError: there are no classes to tell apart.
    """
    if len(photographs.classes) < 2:
        raise ProblemError(
            "expected images of at least two classes: a folder with a folder for each"
        )
    noise = Generator().manual_seed(seed)
    images, labels = photographs.images.contiguous().float() / 255, photographs.labels
    count, _, side, _ = images.shape
    flat = images.flatten(2)
    drawn = torch.randint(0, len(photographs.classes), (count,), generator=noise)
    one = torch.randperm(side * side, generator=noise)
    own = torch.rand(count, 1, side * side, generator=noise).argsort(-1)
    normal = torch.randn(images.shape, generator=noise)
    return {
        "true labels": Lesson(images, labels),
        "random labels": Lesson(images, drawn),
        "shuffled pixels": Lesson(flat[..., one].view_as(images), labels),
        "random pixels": Lesson(flat.gather(2, own.expand_as(flat)).view_as(images), labels),
        "normal noise": Lesson(images.mean() + images.std() * normal, labels),
    }


def _cut(photograph: NDArray[np.uint8], side: int, each: int, noise: Generator) -> Tensor:
    picture = torch.from_numpy(np.atleast_3d(photograph)[..., :3].copy()).permute(2, 0, 1)
    found = []
    for _ in range(each):
        top, left = (
            int(torch.randint(0, length - 2 * side + 1, (1,), generator=noise))
            for length in picture.shape[1:]
        )
        cut = picture[None, :, top : top + 2 * side, left : left + 2 * side].float()
        found.append(torch.nn.functional.avg_pool2d(cut, 2).expand(-1, 3, -1, -1))
    return torch.cat(found).round().byte()
