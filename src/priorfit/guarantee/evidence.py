"""How near a picture is to one that nobody knows: evidence that needs no clean picture.

Of white noise of a known level Stein's estimate tells how far a result is from the truth. Known
pixels that a fill has not seen tell how good it is. And whatever is restored has to explain what
was observed.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from priorfit.classical.clipping import Clipping, free
from priorfit.guarantee.comparators import AS_IT_WAS, Comparator
from priorfit.loop.fitting import Fitting
from priorfit.loop.state import Filter, Step
from priorfit.loop.steps import Lengthening
from priorfit.noise import Noise
from priorfit.problem import Problem
from priorfit.types import Image

_PUSH = 0.15  # of the noise level, to see how far a method follows the noise
_CROP = 128  # pixels of a side that this is looked at on
_HIDDEN = 0.02  # of the known pixels, hidden to see how good a fill is
_APART = 4.0  # times as large an error: nothing is gained by mixing
_COARSE = 8  # pixels that a picture of nothing but its coarsest parts averages over


class Following(Filter):
    """How far the picture that is handed on follows the noise, where Stein's estimate is fitted.

    The estimate charges each picture drawn for following its noise. That of a mean of pictures is
    the mean of the charges. Belongs after the average.
    """

    gathered = ("charge", "share", "count")

    def __init__(self) -> None:
        self.weight = Lengthening()
        self.charge = 0.0
        self.share = 0.0
        self.count = 0
        self.clipping: Clipping | None = None
        self.problem: Problem | None = None

    def begin(self, problem: Problem, noise: Noise) -> Problem:
        self.problem = problem
        if problem.noise_std is not None:
            self.clipping = Clipping.of(problem.observation, problem.noise_std)
        return problem

    @torch.no_grad()
    def see(self, step: Step) -> Step:
        loss = step.losses.get("Sure")
        if loss is None or self.clipping is None or self.problem is None:
            return step
        error = (self.clipping.mean(step.drawn) - self.problem.observation).square().mean()
        weight = self.weight(self.count)
        self.charge = weight * self.charge + (1 - weight) * float(loss.mean() - error)
        self.share = weight * self.share + 1 - weight
        self.count += 1
        return step

    @property
    def followed(self) -> float:
        """2σ²·div f(y) / n of the average; 0, which is too little, where nobody fits by it."""
        return self.charge / self.share if self.share else 0.0


@dataclass(frozen=True, eq=False)
class Contender:
    """A cheap estimate.

    Args:
        method: it.
        image: (1, C, H, W) in [0, 1], of the shape of the image sought, not finished.
        known: what was found out about the method on the whole picture, see `Evidence.known`.
    """

    method: Comparator
    image: Image
    known: float


class Evidence(ABC):
    """Estimates the mean squared error of pictures of one problem, up to a constant.

    Args:
        problem: one observation.
    """

    about: str

    def __init__(self, problem: Problem) -> None:
        self.problem = problem

    def known(self, method: Comparator) -> float:
        """What has to be found out about a method, once for the whole picture."""
        return 0.0

    @abstractmethod
    def of(self, image: Image, known: float) -> float:
        """Error of an estimate, (1, C, H, W) of the shape of the image sought."""

    def of_fit(self, fit: Fitting, image: Image) -> float:
        """Error of the picture of a fit."""
        return self.of(image, 0.0)

    def share(self, image: Image, error: float, other: Contender, others: float) -> float:
        """Share of the picture of a fit in the best that can be made of it and another one.

        Args:
            image: of the fit.
            error: of it.
            other: what it is held against.
            others: error of that.
        """
        return 1.0 if error < others else 0.0


class SteinEvidence(Evidence):
    """White noise of a known level: Stein's estimate, with noise that was cut off reckoned in.

    A fit is charged for following the noise as it went; beyond that, no picture that leaves a
    residual of r against noise of σ is nearer to the truth than |r − σ|.
    """

    about = "Stein's estimate"

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        assert problem.noise_std is not None
        y = problem.observation
        self.clipping = Clipping.of(y, problem.noise_std)
        self.variance = float(self.clipping.variance(y.clamp(0, 1)).mean())

    def known(self, method: Comparator) -> float:
        if method is AS_IT_WAS:
            return 2 * self.variance
        y = _middle(self.problem.observation)
        part = replace(self.problem, observation=y, image_shape=None)
        generator = torch.Generator().manual_seed(0)
        signs = torch.rand(y.shape, generator=generator).to(y) - 0.5
        push = _PUSH * (self.problem.noise_std or 0.0) * signs.sign() * free(y)
        own = self.clipping.mean(method.solve(part))
        moved = self.clipping.mean(method.solve(replace(part, observation=y + push)))
        step = push.abs().max().clamp_min(torch.finfo(y.dtype).tiny ** 0.5)
        return 2 * float((self.clipping.charge(own) * (moved - own) * push).mean() / step**2)

    def of(self, image: Image, known: float) -> float:
        return self._misfit(image) - self.variance + known

    def of_fit(self, fit: Fitting, image: Image) -> float:
        followed = sum(seen.followed for seen in fit.filters if isinstance(seen, Following))
        least = (math.sqrt(self._misfit(image)) - math.sqrt(self.variance)) ** 2
        return max(self.of(image, followed), least)

    def share(self, image: Image, error: float, other: Contender, others: float) -> float:
        close = max(error, others) < _APART * min(error, others)
        if other.method is AS_IT_WAS or not close:
            return super().share(image, error, other, others)
        # Errors of mixtures lie on a parabola: what follows the noise is mixed as the pictures are.
        followed = error - self.of(image, 0.0)
        half = torch.lerp(other.image, image, 0.5)
        middle = self.of(half, (other.known + followed) / 2)
        bend = others + error - 2 * middle
        if bend <= 0:
            return super().share(image, error, other, others)
        return min(max(0.5 + (others - error) / (4 * bend), 0.0), 1.0)

    def _misfit(self, image: Image) -> float:
        y = self.problem.observation
        if torch.equal(image, y):
            return 0.0
        return float((self.clipping.mean(image) - y).square().mean())


class HiddenEvidence(Evidence):
    """Missing pixels: the error at known ones that an estimate has not seen.

    A fit that has seen all of them is judged by how well it gives them back, which it does no worse
    than what it has not seen.
    """

    about = "known pixels held out"

    def known(self, method: Comparator) -> float:
        y, known = self.problem.observation, self.problem.known
        generator = torch.Generator().manual_seed(0)
        hidden = (torch.rand(y[:, :1].shape, generator=generator) < _HIDDEN).to(y.device) & known
        if not hidden.any() or not (known & ~hidden).flatten(2).any(2).all():
            return math.inf
        less = self.problem.operator.hide(hidden.expand_as(y), y)
        assert less is not None
        part = replace(self.problem, degradation=less[0], observation=less[1], finish=())
        return _mean_where(hidden, self.problem.operator(method.solve(part)) - y)

    def of(self, image: Image, known: float) -> float:
        return known

    def of_fit(self, fit: Fitting, image: Image) -> float:
        y, known = self.problem.observation, self.problem.known
        held = known & ~fit.seen.known
        # What is mixed into the picture has seen them; a filter that mixes keeps one that has not.
        blind = [seen.unseen for seen in fit.filters if seen.unseen is not None]
        image = blind[-1] if blind else image
        return _mean_where(held if held.any() else known, self.problem.operator(image) - y)


class ExplainedEvidence(Evidence):
    """Everything else: how far what an estimate would look like lies from what was observed."""

    about = "what was observed"

    def of(self, image: Image, known: float) -> float:
        with torch.no_grad():
            seen = self.problem.operator(image)
        return float((seen - self.problem.observation).square().mean())


class CoarseEvidence(ExplainedEvidence):
    """Nothing to explain exactly: the fit is to be nearer to y than a coarse picture of it is."""

    def of(self, image: Image, known: float) -> float:
        y = self.problem.observation
        if torch.equal(image, y):
            sides = [min(_COARSE, side) for side in y.shape[-2:]]
            coarse = F.interpolate(F.avg_pool2d(y, sides), list(y.shape[-2:]), mode="bilinear")
            return float((coarse - y).square().mean())
        return super().of(image, known)


def evidence_on(problem: Problem) -> Evidence:
    """What a picture of a problem is judged by."""
    if problem.operator.masked:
        return HiddenEvidence(problem)
    if problem.operator.direct:
        return CoarseEvidence(problem) if problem.noise_std is None else SteinEvidence(problem)
    return ExplainedEvidence(problem)


def _middle(image: Image) -> Image:
    """At most a square of 128 pixels from the middle."""
    tops = [max(0, (side - _CROP) // 2) for side in image.shape[-2:]]
    return image[..., tops[0] : tops[0] + _CROP, tops[1] : tops[1] + _CROP]


def _mean_where(chosen: Tensor, difference: Tensor) -> float:
    return float(difference.square()[chosen.expand_as(difference)].mean())
