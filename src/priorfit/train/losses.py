"""What two networks that train against each other minimise, as functions of their verdicts."""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from priorfit.types import Image


class Losses(NamedTuple):
    """One game of two.

    Args:
        discriminator: (verdicts on photographs, verdicts on drawings), (B, …) each -> its loss.
        generator: likewise; those on photographs are the discriminator's last.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]


def _hinge(real: Tensor, drawn: Tensor) -> Tensor:
    return F.relu(1 - real).mean() + F.relu(1 + drawn).mean()


def _against_hinge(real: Tensor, drawn: Tensor) -> Tensor:
    return -drawn.mean()


def _logistic(real: Tensor, drawn: Tensor) -> Tensor:
    return F.softplus(-real).mean() + F.softplus(drawn).mean()


def _non_saturating(real: Tensor, drawn: Tensor) -> Tensor:
    return F.softplus(-drawn).mean()


def _told_apart(real: Tensor, drawn: Tensor) -> Tensor:
    return F.softplus(drawn - real).mean()


def _mistaken(real: Tensor, drawn: Tensor) -> Tensor:
    return F.softplus(real - drawn).mean()


HINGE = Losses(_hinge, _against_hinge)
"""mean max(0, 1 − D(x)) + mean max(0, 1 + D(G(z))), and −mean D(G(z)), as BigGAN [brock2019]_."""

LOGISTIC = Losses(_logistic, _non_saturating)
"""The original game [goodfellow2014]_ with the generator's loss that does not saturate."""

PAIRING = Losses(_told_apart, _mistaken)
"""Each drawing against one photograph, mean log(1 + exp(D(G(z)) − D(x))), to be played with R1 and
R2 [huang2024]_."""


def gradient_penalty(verdicts: Tensor, photographs: Image) -> Tensor:
    """R1, mean ‖∇D(x)‖² over photographs [mescheder2018]_, to be weighted by γ/2.

    Args:
        verdicts: (B,), computed from `photographs` with gradients.
        photographs: (B, 3, H, W), requiring gradients.
    """
    (slopes,) = torch.autograd.grad(verdicts.sum(), photographs, create_graph=True)
    return _wide(slopes).square().sum((1, 2, 3)).mean()


def path_lengths(drawn: Image, w: Tensor, noise: Tensor) -> Tensor:
    """How far drawings move with w, √(mean over layers ‖Jᵀ y‖²) [karras2020]_, (B,).

    Args:
        drawn: (B, 3, H, W), computed from `w` with gradients.
        w: (B, L, W).
        noise: y, N(0, 1) of the shape of `drawn`.
    """
    scale = (drawn.shape[-2] * drawn.shape[-1]) ** -0.5
    (slopes,) = torch.autograd.grad((drawn * noise).sum() * scale, w, create_graph=True)
    return _wide(slopes).square().sum(2).mean(1).sqrt()


def _wide(tensor: Tensor) -> Tensor:
    """At least float32, in which squares of halves are not lost."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
