"""The terms: how far an estimate is from the observation, and what is asked of it besides."""

from dataclasses import dataclass

import torch
from torch import Tensor

from priorfit.classical.clipping import Clipping
from priorfit.errors import ProblemError
from priorfit.problem import Problem
from priorfit.terms.objective import Estimate, Loss, Term
from priorfit.types import PerImage


@dataclass(frozen=True, eq=False)
class Mse(Term):
    """Mean squared error, L = mean m·(A(x) − y)²: the likelihood of Gaussian noise.

    The mean runs over every pixel, unknown ones included, as in the released inpainting.ipynb.

    Args:
        confidence: m ≥ 0, (B or 1, C or 1, h, w): how much each observed pixel counts; None is 1.
    """

    confidence: Tensor | None = None

    def against(self, problem: Problem) -> Loss:
        trust = _trust(problem, self.confidence)
        return lambda at: _mean((at.degraded - problem.observation).square(), trust)


@dataclass(frozen=True, eq=False)
class Mae(Term):
    """Mean absolute error, L = mean m·|A(x) − y|: robust against outliers such as salt and pepper.

    Args:
        confidence: m, as for `Mse`.
    """

    confidence: Tensor | None = None

    def against(self, problem: Problem) -> Loss:
        trust = _trust(problem, self.confidence)
        return lambda at: _mean((at.degraded - problem.observation).abs(), trust)


@dataclass(frozen=True, eq=False)
class Charbonnier(Term):
    """L = mean m·(√((A(x) − y)² + ε²) − ε): squared near zero, absolute far away.

    Args:
        epsilon: where the one turns into the other, on the scale of the image.
        confidence: m, as for `Mse`.
    """

    epsilon: float = 1e-3
    confidence: Tensor | None = None

    def against(self, problem: Problem) -> Loss:
        trust = _trust(problem, self.confidence)

        def loss(at: Estimate) -> PerImage:
            residual = at.degraded - problem.observation
            root = torch.hypot(residual, torch.full_like(residual, self.epsilon))
            return _mean(root - self.epsilon, trust)

        return loss


@dataclass(frozen=True, eq=False)
class PoissonLikelihood(Term):
    """Negative log-likelihood of photon counts, less its smallest value: 0 is a perfect fit.

        L = mean m·(λ − k·log λ) + const,   λ = peak·A(x),  k = peak·y

    Args:
        peak: expected count of a pixel of value 1.
        confidence: m, as for `Mse`.
        floor: smallest intensity, which keeps the logarithm finite.
    """

    peak: float = 255.0
    confidence: Tensor | None = None
    floor: float = 1e-4

    def against(self, problem: Problem) -> Loss:
        trust = _trust(problem, self.confidence)
        counts = problem.observation.clamp_min(0)
        least = counts - torch.special.xlogy(counts, counts)

        def loss(at: Estimate) -> PerImage:
            rate = at.degraded.clamp_min(self.floor)
            excess = rate - torch.xlogy(counts, rate) - least
            return _mean(self.peak * excess, trust)

        return loss


@dataclass(frozen=True)
class TotalVariation(Term):
    """L = Σ (dₕ² + d_w²)^β over all pixels but the last row and column; a sum, as released.

    In the released code: utils/sr_utils.py, tv_loss, β = 0.5.

    Args:
        beta: exponent; 0.5 is isotropic total variation.
        mean: divide by the number of summands, so that one weight serves pictures of every size.
    """

    beta: float = 0.5
    mean: bool = False

    def against(self, problem: Problem) -> Loss:
        def loss(at: Estimate) -> PerImage:
            x = at.image
            down = (x[..., 1:, :-1] - x[..., :-1, :-1]).square()
            right = (x[..., :-1, 1:] - x[..., :-1, :-1]).square()
            # Where the image is flat the slope of a root is infinite; 0 is the right subgradient.
            energy = (down + right).clamp_min(torch.finfo(x.dtype).tiny)
            variation = energy.pow(self.beta).flatten(1)
            return variation.mean(1) if self.mean else variation.sum(1)

        return loss


@dataclass(frozen=True)
class Near(Term):
    """L = mean (x − c)², c a part of the code that is shaped like the image.

    With c = z the network shall give back what it is fed: for an input that is fitted too
    [liang2025]_ or comes to be what the network drew [alkhouri2024]_ (`steps.Sequential`). With
    what a denoiser makes of the fit it is regularisation by denoising (`denoised.Denoised`). The
    gradient reaches c where a stage tunes it.

    Args:
        part: name of c in the code.
    """

    part: str

    def against(self, problem: Problem) -> Loss:
        return lambda at: _mean((at.image - at.code[self.part]).square(), None)


@dataclass(frozen=True)
class Ascent(Term):
    """L = −mean A(x): what is observed of the image shall be as large as it can be.

    For activation maximisation, where A is what a trained network makes of the image; there is
    nothing to compare with.
    """

    def against(self, problem: Problem) -> Loss:
        return lambda at: -at.degraded.flatten(1).mean(1)


@dataclass(frozen=True)
class HeldOut(Term):
    """Squared error that counts more where known pixels were hidden from the network.

        L = mean (1 + (w − 1)·h)·(A(x) − y)²,   h = 1 where an input of `Hiding` hid a pixel

    What a network is judged by and cannot see it cannot copy: the idea of blind-spot training
    [batson2019]_, with whole pixels hidden before a classical fill.

    Args:
        weight: w.
    """

    weight: float = 4.0

    def against(self, problem: Problem) -> Loss:
        def loss(at: Estimate) -> PerImage:
            hidden = torch.stack([at.code[name] for name in at.code if name.startswith("hidden.")])
            confidence = 1 + (self.weight - 1) * hidden.amax(0)
            trust = _trust(problem, confidence)
            return _mean((at.degraded - problem.observation).square(), trust)

        return loss


@dataclass(frozen=True)
class Sure(Term):
    """Stein's unbiased estimate of the error against the *true* image [stein1981]_.

        L = mean (f(y) − y)² + 2σ²·div f(y) / n,   div f(y) ≈ ⟨f(y + εb) − f(y), b⟩ / ε,  b = ±1

    Up to a constant. For a network that sees the noisy image itself, through an input of `Probing`:
    the second summand charges it for following the noise [ramani2008]_. Of noise that was cut off
    at black or white [foi2009]_, f is what x looks like under it in the mean, σ² is what is left of
    it, and no value at a bound is probed: noise cannot move it either way.

    Args:
        clipped: look whether noise was cut off, see `Clipping`; off for errors of other kinds.

    Raises:
        ProblemError: the noise level of the problem is unknown.
    """

    clipped: bool = True

    def against(self, problem: Problem) -> Loss:
        if problem.noise_std is None:
            raise ProblemError("Stein's estimate needs the noise level of the observation")
        trust = _trust(problem, None)
        clipping = (Clipping.of if self.clipped else Clipping.none)(
            problem.observation, problem.noise_std
        )

        def loss(at: Estimate) -> PerImage:
            probes = [name for name in at.code if name.startswith("probe.")]
            moved = at.code | {name.replace("probe", "z"): at.code[name] for name in probes}
            own = clipping.mean(at.image)
            change = clipping.mean(at.render(moved)) - own
            push = torch.stack([at.code[n.replace("probe", "push")] for n in probes]).sum(0)
            step = push.abs().flatten(1).amax(1).clamp_min(torch.finfo(push.dtype).tiny ** 0.5)
            charge = clipping.charge(at.image.detach())
            followed = _mean(charge * change * push, None) / step.square()
            return _mean((own - problem.observation).square(), trust) + 2 * followed

        return loss


@dataclass(frozen=True)
class NoisyPair(Term):
    """Two half-size pictures in one, each the other's target, and the whole in keeping with both.

        L = ½ Σᵢ mean (f(Dᵢy) − Dⱼy)² + ½ Σᵢ mean (f(Dᵢy) − Dᵢf(y))²,   j the other of 1 and 2

    D₁ and D₂ are the means over the two diagonals of each block of 2×2 pixels: the same scene with
    noise of its own, if that is white. For a network that is fed the noisy picture [mansour2023]_.
    """

    def against(self, problem: Problem) -> Loss:
        halves = _diagonals(problem.observation)

        def loss(at: Estimate) -> PerImage:
            guesses = [at.render(at.code | {"z.0": half}) for half in halves]
            pairs = [*zip(guesses, halves[::-1], strict=True)]
            pairs += zip(guesses, _diagonals(at.image), strict=True)
            return sum((_mean((a - b).square(), None) for a, b in pairs), torch.zeros(())) / 2

        return loss


def _diagonals(image: Tensor) -> tuple[Tensor, Tensor]:
    """Means over the two diagonals of blocks of 2×2; an odd last row or column is left out."""
    height, width = (side // 2 * 2 for side in image.shape[-2:])
    upper, lower = (image[..., row:height:2, :width] for row in (0, 1))
    falling = (upper[..., ::2] + lower[..., 1::2]) / 2
    return (upper[..., 1::2] + lower[..., ::2]) / 2, falling


def _trust(problem: Problem, confidence: Tensor | None) -> Tensor | None:
    """How much each entry of y counts: not at all if a stop rule judges by it."""
    if problem.withheld is None:
        return confidence
    seen = 1 - problem.withheld
    return seen if confidence is None else confidence * seen


def _mean(values: Tensor, confidence: Tensor | None) -> PerImage:
    weighted = values if confidence is None else values * confidence
    return weighted.flatten(1).mean(1)
