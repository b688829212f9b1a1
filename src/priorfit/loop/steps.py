"""Filters over the loop: averaging, best so far, stops, snapshots, feeding back, rewinding."""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import torch

from priorfit.code import detached
from priorfit.errors import RecipeError
from priorfit.loop.state import Filter, Step
from priorfit.types import Code, Image, PerImage


class Smoothed(Filter):
    """Replace the image by a running average of what was rendered.

        m ← w·m + (1 − w)·x

    Args:
        weight: w, or a function of the number of images averaged before. The average is corrected
            for its start, so that it is one of real images from the first step on.
        released: start from the first image, uncorrected, as denoising.ipynb does.
    """

    gathered = ("mean", "share", "count")

    def __init__(
        self, weight: float | Callable[[int], float] = 0.99, *, released: bool = False
    ) -> None:
        self.weight, self.released = weight, released
        self.mean: Image | None = None
        self.share = 0.0  # how much weight real images have in the mean
        self.count = 0

    def see(self, step: Step) -> Step:
        weight = self.weight(self.count) if callable(self.weight) else self.weight
        if self.mean is None:
            self.mean = step.image.clone() if self.released else torch.zeros_like(step.image)
            self.share = 1.0 if self.released else 0.0
        self.mean.lerp_(step.image, 1 - weight)
        self.share = weight * self.share + 1 - weight
        self.count += 1
        return step._replace(image=self.mean / self.share, picked=True)


@dataclass(frozen=True)
class Lengthening:
    """Weight of an average that reaches back over a fixed share of the run, whatever its length.

        w = 1 − (p + 1) / (t + p + 1),   polynomial-decay averaging [shamir2013]_

    Args:
        power: p; the average reaches back over about a (p + 1)-th of the run.
    """

    power: float = 8.0

    def __call__(self, count: int) -> float:
        return 1 - (self.power + 1) / (count + self.power + 1)


class Best(Filter):
    """Keep the image of the lowest loss, with the code that rendered it.

    Args:
        score: step to (B,), what is to be lowest; the loss by default.
    """

    gathered = ("lowest", "image", "code", "before")

    def __init__(self, score: Callable[[Step], PerImage] | None = None) -> None:
        self.score = score
        self.lowest: PerImage | None = None
        self.image: Image | None = None
        self.code: Code | None = None
        self.before: Code | None = None

    def hear(self, code: Code) -> None:
        self.before = detached(code)

    def see(self, step: Step) -> Step:
        score = step.loss if self.score is None else self.score(step)
        # The image was drawn by the code as it stood before this step moved it.
        drawn_by = self.before or detached(step.code)
        if self.image is None or self.code is None or self.lowest is None:
            self.lowest, self.image, self.code = score.clone(), step.image.clone(), drawn_by
        else:
            better = score < self.lowest
            self.lowest[better] = score[better]
            self.image[better] = step.image[better]
            for name, tensor in self.code.items():
                tensor[better] = drawn_by[name][better]
        self.before = detached(step.code)
        return step._replace(image=self.image, code=self.code, picked=True)


class Until(Filter):
    """End the run when every image of the batch has got there.

    Args:
        reached: step to bool.
        because: the reason that the result will give.
        patience: how many steps in a row must have got there.
    """

    gathered = ("times",)

    def __init__(self, reached: Callable[[Step], bool], because: str, patience: int = 1) -> None:
        self.reached, self.because, self.patience = reached, because, patience
        self.times = 0

    def see(self, step: Step) -> Step:
        self.times = self.times + 1 if self.reached(step) else 0
        if self.times >= self.patience:
            self.why = self.because
        return step


class Snapshots(Filter):
    """Keep the image of given steps, counted from 1.

    Args:
        at: the steps; the reviews of the paper show 100, 600 and 2,400.
    """

    gathered = ("images",)

    def __init__(self, at: Collection[int]) -> None:
        self.at = frozenset(at)
        self.images: dict[int, Image] = {}

    def see(self, step: Step) -> Step:
        if step.state.taken in self.at:
            self.images[step.state.taken] = step.image.clone()
        return step

    def snapshots(self) -> dict[int, Image]:
        return self.images


class Sequential(Filter):
    """Feed the network, from now on, with what it has just drawn: z ← f(z).

    The autoencoding sequence of [alkhouri2024]_: an input that begins as the observation and comes
    to be the restored picture. With `terms.Near` in the objective.

    Args:
        every: steps between two changes of the input.
        name: of the input in the code, shaped like the image.

    Raises:
        RecipeError: it is shaped otherwise.
    """

    def __init__(self, every: int = 2, name: str = "z.0") -> None:
        self.every, self.name, self.moves = every, name, (name,)

    @torch.no_grad()
    def see(self, step: Step) -> Step:
        if step.state.taken % self.every == 0:
            z = step.state.code[self.name]
            if z.shape != step.drawn.shape:
                raise RecipeError(
                    "what the network draws can be its next input if that is shaped like the "
                    f"image: expected {tuple(step.drawn.shape)}, got {tuple(z.shape)}"
                )
            z.copy_(step.drawn)
        return step


class Rewinding(Filter):
    """Go back when the fit collapses: code, normalisation buffers and moments of an earlier step.

    The released notebooks put back the parameters alone, and then still apply the bad gradient.

    Args:
        drop: in decibels, how far the loss may rise above the lowest since the last copy.
        every: steps between copies.
        limit: after this many returns in a row without a new copy, the run ends, at the last good
            one.
    """

    gathered = ("rewound", "tries", "kept", "candidate", "lowest")

    def __init__(self, drop: float = 5.0, every: int = 50, limit: int = 5) -> None:
        self.drop, self.every, self.limit = drop, every, limit
        self.rewound = 0  # in all
        self.tries = 0  # since the last good copy
        self.kept: dict | None = None  # known to be good
        self.candidate: dict | None = None  # good if the steps after it are
        self.lowest = math.inf

    def see(self, step: Step) -> Step | None:
        loss = step.loss.max().item()
        risen = 0 < self.lowest < loss / 10 ** (self.drop / 10)  # Stein's estimate may be negative
        if not math.isfinite(loss) or risen:
            self._go_back(step)
            return None
        self.lowest = min(self.lowest, loss)
        if step.state.taken % self.every == 0:
            self.kept, self.candidate = self.candidate, step.state.state_dict()
            self.lowest, self.tries = loss, 0
        elif self.kept is None and self.candidate is None:
            self.candidate = step.state.state_dict()
        return step

    def state_dict(self) -> dict[str, Any]:
        # Copies that nobody changes any more need no copying.
        return {name: getattr(self, name) for name in (*self.gathered, "why")}

    def _go_back(self, step: Step) -> None:  # nothing to hand on: the step is passed over
        target = self.kept or self.candidate
        if target is not None:
            step.state.rewind(target)
        self.tries += 1
        if target is None or self.tries > self.limit:
            self.why = f"the loss left its course and did not return, at step {step.state.taken}"
            return
        self.rewound += 1
        self.lowest = math.inf
