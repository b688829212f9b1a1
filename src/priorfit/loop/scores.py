"""What stop rules judge a fit by: one number an image and step, low where the picture is good."""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from priorfit.loop.state import Step
from priorfit.noise import Noise
from priorfit.problem import Problem
from priorfit.types import Image, PerImage


class Score(ABC):
    """One number for each image, low where its picture is good."""

    name: str
    """What it is, as a sentence about the end of a fit says it."""

    gathered: tuple[str, ...] = ()  # names of the fields that change while it watches

    def begin(self, problem: Problem, noise: Noise) -> Problem:
        """Hear of the problem before the first step; return what the fit may see of it."""
        return problem

    @abstractmethod
    def of(self, step: Step) -> PerImage | None:
        """Judge a step, (B,); None as long as there is nothing to judge by."""

    def state_dict(self) -> dict[str, Any]:
        """Copy what the score has gathered."""
        return copy.deepcopy({name: getattr(self, name) for name in self.gathered})

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from what a score of the same kind had gathered."""
        for name in self.gathered:
            setattr(self, name, copy.deepcopy(saved[name]))


def squared_error(problem: Problem, step: Step) -> Tensor:
    """(A(x) − y)² of the picture so far, of the shape of y."""
    operator = problem.operator.at(step.code)
    return (operator(step.image) - problem.observation).square()


class HeldOut(Score):
    """Squared error at entries of the observation that the objective does not see.

        (1/|H|) Σ_H (A(x) − y)²,   H drawn at random for each image

    Noise there cannot be learnt, so on average the error is that against the true picture plus the
    noise, which is the same in every step: cross-validation, as Self2Self and Noise2Self
    [batson2019]_ train by it. What is held out is lost to the fit. For a mask, whole pixels of the
    known ones; elsewhere pixels, and as many single values of a pixel whose other channels stay.

    Args:
        fraction: of the pixels, and of the values.
        most: pixels, and values: the error of a sample has to do with its size alone, so that a
            large picture has less to lose.
    """

    name = "the error at held-out pixels"

    def __init__(self, fraction: float = 0.02, most: int = 1000) -> None:
        self.fraction, self.most = fraction, most
        self.problem: Problem | None = None
        self.chosen: Tensor | None = None

    def begin(self, problem: Problem, noise: Noise) -> Problem:
        y = problem.observation
        drawn = noise.uniform(1 + y.shape[1], *y.shape[2:]).to(y.device)
        self.problem = problem
        if problem.operator.masked:
            known = problem.known.to(y)
            pixels = self._least(drawn[:, :1], known.amax(1, keepdim=True) > 0)
            # Where its other channels are known a value would be too easy.
            self.chosen = pixels & (known > 0)
            # An image of which nothing else is known in a channel keeps what it has.
            enough = (known * ~pixels).amax((2, 3), keepdim=True).amin(1, keepdim=True) > 0
            hidden = problem.operator.hide((pixels & enough).expand(y.shape), y)
            assert hidden is not None
            return replace(problem, degradation=hidden[0], observation=hidden[1])
        everywhere = torch.ones_like(drawn, dtype=torch.bool)
        pixels = self._least(drawn[:, :1], everywhere[:, :1])
        self.chosen = pixels | self._least(drawn[:, 1:], everywhere[:, 1:])
        return _without(problem, self.chosen)

    def _least(self, drawn: Tensor, allowed: Tensor) -> Tensor:
        """Where the smallest of the draws allowed are, as many as are held out, of each image."""
        ranked = drawn.masked_fill(~allowed, math.inf).flatten(1)
        share = self.fraction * allowed.expand(drawn.shape).flatten(1).sum(1)
        counts = share.round().clamp(1, self.most).long()
        limit = ranked.sort(1).values.gather(1, counts[:, None] - 1)
        return (ranked <= limit).unflatten(1, drawn.shape[1:])

    def of(self, step: Step) -> PerImage | None:
        assert self.problem is not None and self.chosen is not None
        error = squared_error(self.problem, step) * self.chosen
        return error.flatten(1).sum(1) / self.chosen.flatten(1).sum(1).clamp_min(1)


class WindowedVariance(Score):
    """Variance of the latest renders, which is least where the fit turns to the noise [wang2023]_.

        mean over pixels of  1/W Σ x² − (1/W Σ x)²   over about the latest W renders

    The released code keeps W pictures. Here the window is a few parts in a row, each known by its
    mean and its variance; it moves on by a part at a time, and so does the score.

    Args:
        window: W, in steps.
        parts: of the window, each of which is one picture in memory.
    """

    name = "the variance of the latest pictures"
    gathered = ("means", "spreads", "count", "mean", "spread")

    def __init__(self, window: int = 100, parts: int = 5) -> None:
        self.length, self.parts = window // parts, parts
        self.means: list[Image] = []
        self.spreads: list[PerImage] = []
        self.count = 0
        self.mean: Image | None = None  # of the part under way
        self.spread: PerImage | None = None

    def of(self, step: Step) -> PerImage | None:
        x = step.drawn
        if self.mean is None or self.spread is None:
            self.mean, self.spread = torch.zeros_like(x), torch.zeros_like(x[:, 0, 0, 0])
        self.count += 1
        change = x - self.mean
        self.mean = self.mean + change / self.count
        self.spread = self.spread + (change * (x - self.mean)).flatten(1).mean(1)
        if self.count < self.length:
            return None
        self.means = [*self.means, self.mean][-self.parts :]
        self.spreads = [*self.spreads, self.spread / self.length][-self.parts :]
        self.count, self.mean, self.spread = 0, None, None
        return self._variance() if len(self.means) == self.parts else None

    def _variance(self) -> PerImage:
        within = torch.stack(self.spreads).mean(0)
        between = torch.stack(self.means).var(0, unbiased=False).flatten(1).mean(1)
        return within + between


class MovingVariance(Score):
    """Exponential moving variance of the renders: one picture of memory [wang2023]_.

        v ← (1 − α)·(v + α·mean (x − m)²),   m ← m + α·(x − m)

    Args:
        rate: α; 0.1 as published, which follows every early dip. At 0.01 the beginning of the fit
            is forgotten so slowly that it covers them.
    """

    name = "the moving variance of the pictures"
    gathered = ("mean", "variance")

    def __init__(self, rate: float = 0.1) -> None:
        self.rate = rate
        self.mean: Image | None = None
        self.variance: PerImage | None = None

    def of(self, step: Step) -> PerImage | None:
        if self.mean is None or self.variance is None:
            self.mean, self.variance = step.drawn.clone(), torch.zeros_like(step.loss)
        change = step.drawn - self.mean
        power = change.square().flatten(1).mean(1)
        self.variance = (1 - self.rate) * (self.variance + self.rate * power)
        self.mean = self.mean + self.rate * change
        return self.variance


class Calm(Score):
    """The error at held-out entries, and a little of how restless the pictures still are.

        e · v^w,   e of `HeldOut`, v of `MovingVariance` with a rate of 0.01

    A sample of entries is too small to tell steps apart that are nearly as good; of those the one
    whose pictures move less has followed less noise.

    Args:
        weight: w, chosen on recorded curves: benchmarks/README.md.
    """

    name = HeldOut.name

    def __init__(self, weight: float = 0.003) -> None:
        self.weight = weight
        self.error, self.variance = HeldOut(), MovingVariance(0.01)

    def begin(self, problem: Problem, noise: Noise) -> Problem:
        return self.error.begin(problem, noise)

    def of(self, step: Step) -> PerImage | None:
        error, variance = self.error.of(step), self.variance.of(step)
        assert error is not None and variance is not None
        return error * variance**self.weight

    def state_dict(self) -> dict[str, Any]:
        return self.variance.state_dict()

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self.variance.load_state_dict(saved)


class Objective(Score):
    """The objective itself, evened out: for one that is an estimate of the error, as Stein's is.

    Args:
        rate: share of each step in the moving average.
    """

    name = "the objective"
    gathered = ("mean", "share")

    def __init__(self, rate: float = 0.02) -> None:
        self.rate = rate
        self.mean: PerImage | None = None
        self.share = 0.0

    def of(self, step: Step) -> PerImage | None:
        loss = step.loss.double()
        before = torch.zeros_like(loss) if self.mean is None else self.mean
        self.mean = before + self.rate * (loss - before)
        self.share += self.rate * (1 - self.share)
        return self.mean / self.share


def _without(problem: Problem, chosen: Tensor) -> Problem:
    """The problem with the mean of its neighbours in the place of each chosen entry."""
    y = problem.observation
    seen = (~chosen).to(y)
    around = torch.ones(y.shape[1], 1, 3, 3, device=y.device, dtype=y.dtype)
    total = F.conv2d(y * seen, around, padding=1, groups=y.shape[1])
    count = F.conv2d(seen, around, padding=1, groups=y.shape[1])
    filled = y.where(~chosen, total / count.clamp_min(1))
    return replace(problem, observation=filled, withheld=chosen.to(y))
