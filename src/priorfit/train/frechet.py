"""How like photographs drawings are, all together: distances between sets of features.

A distance is named after the network of the features; only Inception's would be a FID.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from priorfit.errors import ProblemError
from priorfit.types import Image

Embed = Callable[[Image], Tensor]
"""(B, 3, H, W) in [0, 1] -> (B, F)."""

NEIGHBOURS = 3
"""How far a point of a set reaches, counted in neighbours; as released [kynkaanniemi2019]_."""

_ROWS = 1024  # of a matrix of distances at a time


class Gaussian(NamedTuple):
    """The normal distribution that fits a set of features best.

    Args:
        mean: (F,), float64.
        covariance: (F, F), unbiased.
    """

    mean: Tensor
    covariance: Tensor


class Overlap(NamedTuple):
    """How two sets overlap, each in the shape of the other [kynkaanniemi2019]_.

    Args:
        precision: part of the drawings that lie among the photographs.
        recall: part of the photographs that lie among the drawings.
    """

    precision: float
    recall: float


@torch.no_grad()
def embed_all(embed: Embed, images: Iterable[Image]) -> Tensor:
    """Features of batches of images, (N, F) on the CPU."""
    return torch.cat([embed(batch).float().cpu() for batch in images])


def gaussian(features: Tensor) -> Gaussian:
    """Fit a normal distribution to (N, F) features.

    Raises:
        ProblemError: fewer than two, or some that are no numbers.
    """
    if len(features) < 2:
        raise ProblemError(f"expected features of at least 2 images, got {len(features)}")
    if not features.isfinite().all():
        raise ProblemError("expected features to compare, got some that are no numbers")
    features = features.double()
    return Gaussian(features.mean(0), torch.atleast_2d(torch.cov(features.T)))


def frechet(first: Gaussian, second: Gaussian) -> float:
    """Fréchet distance ‖m₁ − m₂‖² + tr(C₁ + C₂ − 2 (C₁ C₂)^½) [heusel2017]_, never below 0."""
    apart = (first.mean - second.mean).square().sum()
    root = _root(first.covariance)
    # The eigenvalues of C₁ C₂ are those of the symmetric √C₁ C₂ √C₁.
    both = torch.linalg.eigvalsh(root @ second.covariance @ root).clamp(min=0).sqrt().sum()
    spread = first.covariance.trace() + second.covariance.trace() - 2 * both
    return max(0.0, float(apart + spread))


def overlap(photographs: Tensor, drawings: Tensor, neighbours: int = NEIGHBOURS) -> Overlap:
    """Precision and recall of (N, F) and (M, F) features.

    A point lies among the others if it is in the ball round one of them that reaches to that one's
    k-th neighbour.

    Args:
        photographs: features.
        drawings: features.
        neighbours: k.

    Raises:
        ProblemError: a set has no k-th neighbours.
    """
    if min(len(photographs), len(drawings)) <= neighbours:
        raise ProblemError(f"expected features of more than {neighbours} images of each kind")
    return Overlap(
        _part_among(drawings, photographs, neighbours),
        _part_among(photographs, drawings, neighbours),
    )


def nearest(features: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Distance to the nearest of the other features, (N,), and its number, (N,)."""
    found = [torch.cdist(rows, others).min(1) for rows in features.split(_ROWS)]
    return torch.cat([f.values for f in found]), torch.cat([f.indices for f in found])


def _part_among(points: Tensor, others: Tensor, neighbours: int) -> float:
    # Each point is its own nearest neighbour, at distance 0.
    reach = torch.cat(
        [
            torch.cdist(rows, others).kthvalue(neighbours + 1, dim=1).values
            for rows in others.split(_ROWS)
        ]
    )
    inside = [(torch.cdist(rows, others) <= reach).any(1) for rows in points.split(_ROWS)]
    return float(torch.cat(inside).double().mean())


def _root(matrix: Tensor) -> Tensor:
    """Symmetric square root of a symmetric matrix without negative eigenvalues but by rounding."""
    values, vectors = torch.linalg.eigh(matrix)
    return vectors * values.clamp(min=0).sqrt() @ vectors.T
