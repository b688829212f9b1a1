"""Problems about what a network sees, and about what a prior resists."""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from priorfit.analysis.seen import Corner, Seen, Textures, Watched
from priorfit.degradations import Identity
from priorfit.errors import ProblemError
from priorfit.networks.features import FeatureNetwork
from priorfit.problem import Problem
from priorfit.types import Image, Shape


@torch.no_grad()
def preimage(
    image: Image, network: FeatureNetwork, layer: str, canvas: int | None = None
) -> Problem:
    """Find an image with the same features: y = Φ(x₀) / s, s their root mean square.

    Scaled like that, the squared error is relative: 0 for the image itself, 1 for features of
    zero.

    Args:
        image: x₀, (1, 1 or 3, H, W) in [0, 1].
        network: Φ, frozen, on the device of the image.
        layer: name of one of its layers.
        canvas: side of a larger square to draw on, whose top left the network is shown.

    Raises:
        ProblemError: there is no such layer, the image is too small for it or larger than the
            canvas, has pixels that are not numbers, or leaves it cold everywhere.
    """
    channels, height, width = _whole(image)
    seen = Seen(network, layer, (channels, height, width))
    features = seen(image)
    scale = _spread(features, layer)
    if canvas is None:
        return Problem(features / scale, replace(seen, scale=scale))
    if canvas < max(height, width):
        raise ProblemError(f"expected a canvas of at least {max(height, width)}, got {canvas}")
    corner = Corner(height, width)
    drawn = replace(seen, shape=(channels, canvas, canvas), scale=scale, corner=corner)
    return Problem(features / scale, drawn, finish=[corner])


@torch.no_grad()
def texture(image: Image, network: FeatureNetwork, layers: Sequence[str]) -> Problem:
    """Find an image with the same texture: Gram matrices of some layers [gatys2015]_.

    Scaled so that the squared error is the mean of the relative errors of the layers.

    Args:
        image: (1, 1 or 3, H, W) in [0, 1].
        network: frozen, on the device of the image.
        layers: names of its layers.

    Raises:
        ProblemError: as for `preimage`.
    """
    seen = Textures(network, tuple(layers), _whole(image))
    matrices = seen.matrices(image)
    total = sum(one.numel() for one in matrices)
    scales = [
        _spread(one, layer) * math.sqrt(len(layers) * one.numel() / total)
        for one, layer in zip(matrices, layers, strict=True)
    ]
    scaled = replace(seen, scales=tuple(scales))
    return Problem(scaled(image), scaled)


@torch.no_grad()
def maximise(
    network: FeatureNetwork,
    layer: str,
    channel: int,
    size: tuple[int, int],
    *,
    window: int | None = None,
    target: float = 0.0,
) -> Problem:
    """Find an image that makes a channel of a layer answer as strongly as it can.

    Args:
        network: frozen.
        layer: name of one of its layers.
        channel: counted from 0; of the last layer of a whole classifier a class.
        size: (height, width) of the image.
        window: see `Watched`.
        target: what an objective with a target compares the answer with.

    Raises:
        ProblemError: there is no such layer, channel or window.
    """
    shape: Shape = (3, *size)
    watched = Watched(Seen(network, layer, shape), channel, window)
    weight = next(network.parameters())
    answer = watched(torch.full((1, *shape), 0.5, dtype=weight.dtype, device=weight.device))
    return Problem(torch.full_like(answer, target), watched)


def _whole(image: Image) -> Shape:
    """(C, H, W) of an image of numbers."""
    if not torch.isfinite(image).all():
        raise ProblemError("the image has pixels that are not numbers: `inpaint` fills them")
    return image.shape[1], image.shape[2], image.shape[3]


def _spread(answers: Tensor, layer: str) -> float:
    """Root mean square of what a layer answers."""
    scale = float(answers.square().mean().sqrt())
    if not scale > 0:
        raise ProblemError(f"layer {layer} answers this image with zeros: choose an earlier one")
    return scale


def class_layer(network: FeatureNetwork) -> str:
    """Name of the layer with one channel a class.

    Raises:
        ProblemError: the network tells no classes apart.
    """
    if not network.classes:
        raise ProblemError(
            "this network tells no classes apart: choose a layer and a channel, or import the "
            "whole classifier"
        )
    return network.rows[-1].name


def pose_impedance(image: Image, noise_std: float, seed: int) -> dict[str, Problem]:
    """Four things to fit: an image, the image with noise, its pixels shuffled, white noise.

    Args:
        image: (1, C, H, W) in [0, 1].
        noise_std: standard deviation of the noise, which is clipped to [0, 1] with the image.
        seed: of noise and order.

    Raises:
        ProblemError: pixels that are not numbers.
    """
    generator = torch.Generator().manual_seed(seed)
    channels, height, width = image.shape[1:]
    normal = torch.randn(image.shape, generator=generator).to(image)
    order = torch.randperm(height * width, generator=generator).to(image.device)
    uniform = torch.rand(image.shape, generator=generator).to(image)
    targets = {
        "image": image,
        "image and noise": (image + noise_std * normal).clamp(0, 1),
        "shuffled pixels": image.flatten(2)[..., order].reshape(1, channels, height, width),
        "white noise": uniform,
    }
    return {name: Problem(target, Identity()) for name, target in targets.items()}
