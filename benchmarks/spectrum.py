"""What a network takes to first: pictures in the eigenvectors of how its weights move its image.

For small steps of gradient descent a picture of n pixels moves by −η·JJᵀ times its error, J being
the derivative by the weights. The part along an eigenvector shrinks the faster, the larger the
eigenvalue is; so the share of a picture in the first eigenvectors says how soon it is drawn.
"""

import json
from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skimage import data, transform
from torch import Tensor, nn
from torch.func import functional_call, jacrev

from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.networks.initialise import initialise
from priorfit.networks.layers import Style

SIDE = 32
SHARES = (0.01, 0.05, 0.1, 0.25, 0.5)
"""Of the eigenvectors, those of the largest eigenvalues."""


def kernel(seed: int) -> Tensor:
    """JJᵀ of a narrow hourglass with fresh weights, (n, n) for a grey picture."""
    style = Style(norm=partial(nn.BatchNorm2d, track_running_stats=False))
    network = Hourglass(16, 1, [Scale(32, 32, skip=4)] * 4, style=style)
    draws = torch.Generator().manual_seed(seed)
    initialise(network, draws)
    z = 0.1 * torch.rand(1, 16, SIDE, SIDE, generator=draws)
    weights = {name: weight.detach() for name, weight in network.named_parameters()}
    slopes = jacrev(lambda given: _drawn(network, given, z), chunk_size=64)(weights)
    return sum((_gram(slope) for slope in slopes.values()), torch.zeros(()))


def _drawn(network: nn.Module, weights: dict[str, Tensor], z: Tensor) -> Tensor:
    return functional_call(network, weights, z).flatten()


def _gram(slope: Tensor) -> Tensor:
    flat = slope.flatten(1).double()
    return flat @ flat.T


def targets(seed: int) -> dict[str, Tensor]:
    """A photograph, its pixels in another order, and white noise: (n,), each of mean 0."""
    draws = np.random.default_rng(seed)
    photograph = transform.resize(data.camera() / 255, (SIDE, SIDE), anti_aliasing=True)
    found = {
        "photograph": photograph.ravel(),
        "shuffled pixels": draws.permutation(photograph.ravel()),
        "white noise": draws.standard_normal(SIDE**2),
    }
    return {name: torch.from_numpy(each - each.mean()) for name, each in found.items()}


def measure(results: Path, seeds: Sequence[int] = (0, 1, 2)) -> None:
    """Mean shares over some networks, and how the eigenvalues fall."""
    shares: dict[str, list[Tensor]] = {}
    falls = []
    for seed in seeds:
        values, vectors = torch.linalg.eigh(kernel(seed))
        values, vectors = values.flip(0), vectors.flip(1)
        bases = {"": vectors, ", lowest cosines instead": _cosines()}
        falls.append(torch.stack([values[_count(share)] / values[0] for share in SHARES]))
        for name, target in targets(seed).items():
            for instead, basis in bases.items():
                energy = (basis.T @ target).square().cumsum(0)
                part = torch.stack([energy[_count(share)] / energy[-1] for share in SHARES])
                shares.setdefault(name + instead, []).append(part)
    report: dict[str, Any] = {
        "command": "python -m benchmarks spectrum",
        "date": date.today().isoformat(),
        "picture": f"camera of scikit-image, reduced to {SIDE}×{SIDE}",
        "seeds": len(seeds),
        "first eigenvectors, share of all": SHARES,
        "energy in them": {name: _rounded(parts) for name, parts in shares.items()},
        "eigenvalue there, share of the largest": _rounded(falls),
    }
    text = json.dumps(report, indent=1, ensure_ascii=False)
    results.write_text(text + "\n")
    print(text)


def _cosines() -> Tensor:
    """The discrete cosines of a picture, (n, n), from the lowest frequency to the highest."""
    waves = torch.arange(SIDE, dtype=torch.float64)
    row = torch.cos(torch.pi * (waves[:, None] + 0.5) * waves / SIDE)
    order = (waves[:, None].square() + waves.square()).flatten().argsort()
    basis = torch.kron(row, row)[:, order]
    return basis / basis.norm(dim=0)


def _count(share: float) -> int:
    return round(share * SIDE**2) - 1


def _rounded(parts: list[Tensor]) -> list[float]:
    return [float(f"{value:.2g}") for value in torch.stack(parts).mean(0).tolist()]
