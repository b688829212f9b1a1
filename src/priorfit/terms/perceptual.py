"""Terms that compare what a trained network sees in an estimate and in the observation."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from priorfit.errors import ProblemError
from priorfit.networks.features import FeatureNetwork
from priorfit.networks.generator import Discriminator
from priorfit.networks.precision import Precision, full
from priorfit.networks.preparation import Preparation
from priorfit.problem import Problem
from priorfit.terms.objective import Estimate, Loss, Term
from priorfit.types import Observation, PerImage

Distance = Callable[[Tensor, Tensor], PerImage]
"""Two batches of features, (B, ...) each, to (B,)."""


def squared(one: Tensor, other: Tensor) -> PerImage:
    """Mean squared difference."""
    return (one - other).square().flatten(1).mean(1)


def absolute(one: Tensor, other: Tensor) -> PerImage:
    """Mean absolute difference."""
    return (one - other).abs().flatten(1).mean(1)


def smooth(one: Tensor, other: Tensor) -> PerImage:
    """Mean of Huber's distance: squared below 1, absolute above (smoothL1 of utils/matcher.py)."""
    return F.smooth_l1_loss(one, other.expand_as(one), reduction="none").flatten(1).mean(1)


def gram(features: Tensor) -> Tensor:
    """How channels go together, wherever that is: G = F·Fᵀ / (C·N), (B, C, …) -> (B, C, C).

    The texture of [gatys2015]_; in the released code: utils/matcher.py, gram_matrix.
    """
    flat = features.flatten(2) if features.ndim > 2 else features[..., None]
    return flat @ flat.mT / (flat.shape[1] * flat.shape[2])


@dataclass(frozen=True)
class Textural:
    """Distance of Gram matrices: of two pictures' textures, not of what stands where.

    Args:
        distance: of the matrices.
    """

    distance: Distance = squared

    def __call__(self, one: Tensor, other: Tensor) -> PerImage:
        return self.distance(gram(one), gram(other))


@dataclass(frozen=True, eq=False)
class Perceptual(Term):
    """Distance of the features of a classifier [johnson2016]_.

        L = Σₗ wₗ · d(Φₗ(A(x)), Φₗ(y))

    Released: VGG-16, relu3_3, `absolute`, weight 0.001, pictures resized to 256 by `nearest`
    (inversion/losses.py of [gu2020]_); relu4_3, `squared`, 5e-5 (utils/inverter.py of [zhu2020]_);
    relu4_2, `squared`, with `SIGNED` (utils/losses.py of [pan2020]_).

    Args:
        features: Φ, frozen, on the device of the observation.
        layers: names of its layers.
        distance: d.
        weights: wₗ, one a layer; 1 each by default.
        preparation: of the pictures, in place of the one that the network was trained with.
        precision: the number format of the network, by device.

    Raises:
        ProblemError: other than one weight a layer; when bound, that there is no such layer or the
            observation is no picture that the network takes.
    """

    features: FeatureNetwork
    layers: Sequence[str]
    distance: Distance = squared
    weights: Sequence[float] = ()
    preparation: Preparation | None = None
    precision: Precision = full

    def __post_init__(self) -> None:
        if self.weights and len(self.weights) != len(self.layers):
            raise ProblemError(
                f"expected one weight for each of {len(self.layers)} layers, "
                f"got {len(self.weights)}"
            )

    def against(self, problem: Problem) -> Loss:
        weights = self.weights or [1.0] * len(self.layers)

        def seen(picture: Observation) -> list[Tensor]:
            with _format(self.precision, picture):
                found = self.features(picture, self.layers, self.preparation)
            return [found[name].to(picture.dtype) for name in self.layers]

        return _compared(problem, seen, self.distance, weights)


@dataclass(frozen=True, eq=False)
class DiscriminatorFeatures(Term):
    """Distance of the features of a discriminator, those of the last layers [pan2020]_.

        L = Σ mean |Dₗ(A(x)) − Dₗ(y)|,  over the last n of its features

    A grey observation becomes three equal channels, one of another size is interpolated to that of
    the discriminator.

    Args:
        discriminator: D, frozen, on the device of the observation.
        layers: n. Released: 7 or 8, by task, and 3 to select a first latent.
        precision: the number format of the network, by device.

    Raises:
        ProblemError: when bound, that it has fewer features.
    """

    discriminator: Discriminator
    layers: int
    precision: Precision = full

    def against(self, problem: Problem) -> Loss:
        def seen(picture: Observation) -> list[Tensor]:
            with _format(self.precision, picture):
                features = self.discriminator.features(self._posed(picture))
            if not 1 <= self.layers <= len(features):
                raise ProblemError(
                    f"expected 1 to {len(features)} layers of the discriminator, got {self.layers}"
                )
            return [one.to(picture.dtype) for one in features[-self.layers :]]

        return _compared(problem, seen, absolute, [1.0] * self.layers)

    def _posed(self, picture: Observation) -> Tensor:
        if picture.shape[-2:] != tuple(self.discriminator.size):
            picture = F.interpolate(picture, self.discriminator.size, mode="bilinear")
        return 2 * picture.expand(-1, 3, -1, -1) - 1


def _compared(
    problem: Problem,
    seen: Callable[[Observation], list[Tensor]],
    distance: Distance,
    weights: Sequence[float],
) -> Loss:
    with torch.no_grad():
        wanted = seen(problem.observation)

    def loss(at: Estimate) -> PerImage:
        pairs = zip(weights, seen(at.degraded), wanted, strict=True)
        return torch.stack([weight * distance(a, b) for weight, a, b in pairs]).sum(0)

    return loss


def _format(precision: Precision, picture: Observation) -> AbstractContextManager[object]:
    dtype = precision(picture.device)
    return nullcontext() if dtype is None else torch.autocast(picture.device.type, dtype)
