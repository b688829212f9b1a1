"""Terms about a code itself, whatever it draws."""

from dataclasses import dataclass

from priorfit.code import part
from priorfit.problem import Problem
from priorfit.terms.objective import Estimate, Loss, Term
from priorfit.types import PerImage


@dataclass(frozen=True)
class Usual(Term):
    """L = mean z²/2: how unlikely a latent is among N(0, 1), but for a constant.

    Released: weight 0.02 in restoration, 0.2 in manipulation; the norm of w_nll [pan2020]_.

    Args:
        latent: name of z in the code.
    """

    latent: str = "z"

    def against(self, problem: Problem) -> Loss:
        def loss(at: Estimate) -> PerImage:
            found = [tensor.flatten(1) for tensor in part(at.code, self.latent).values()]
            return sum((z.square().mean(1) / 2 for z in found), at.image.new_zeros(()))

        return loss
