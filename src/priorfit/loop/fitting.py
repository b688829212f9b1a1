"""What fits in one piece and in tiles have in common: whoever runs one needs not know which."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch

from priorfit.loop.state import Curve, Filter, Step
from priorfit.priors.base import StoredCode
from priorfit.problem import Problem
from priorfit.types import Code, Image, Shape


class Restoration(NamedTuple):
    """What came of it."""

    image: Image  # in [0, 1] before it is finished; may be a mean of renders
    code: Code  # the chosen iterate
    why_stopped: str


class Fitting(ABC):
    """A restoration under way: iterate it, stop when you like, ask for the result at any moment.

    Attributes:
        problem: what is solved.
        seen: what the filters leave of it for the fit to see.
        last: the last step, None before the first.
        why_stopped: why somebody ended it, if somebody did.
        pieces: how many fits it is made of, one after another; None for a single one.
    """

    problem: Problem
    seen: Problem
    last: Step | None = None
    why_stopped: str | None = None
    pieces: int | None = None

    @property
    @abstractmethod
    def filters(self) -> Sequence[Filter]:
        """What watches the whole of it."""

    @abstractmethod
    def __iter__(self) -> Iterator[Step]: ...

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Copy everything needed to go on from the last step to the same bytes."""

    @abstractmethod
    def tuned(self) -> Code:
        """Copy what the stages tune, where that is a beginning for another picture."""

    @abstractmethod
    def finished(self, image: Image) -> Image:
        """What becomes of a picture at the end, (B, C, H, W), cut off at 0 and 1."""

    @abstractmethod
    def drawn(self) -> Image:
        """The picture so far, (B, C, H, W) in [0, 1], before it is finished."""

    @abstractmethod
    def result(self) -> Restoration:
        """The picture so far, finished."""

    @property
    @abstractmethod
    def reason(self) -> str:
        """Why it stopped."""

    @property
    def has_ended_itself(self) -> bool:
        """Whether a filter ended it."""
        return any(watcher.why is not None for watcher in self.filters)

    @property
    def rewound(self) -> int:
        """How many times it went back."""
        return sum(watcher.rewound for watcher in self.filters)

    @property
    def settled_steps(self) -> int | None:
        """Steps that it has come to, once that is another number than was planned."""
        return None

    @property
    def steps_of_a_piece(self) -> int | None:
        """Steps of each of several pieces; None for one piece."""
        return None

    @property
    def hurried(self) -> int:
        """Pieces that had less time than the first, and fewer steps."""
        return 0

    def steps_in_time(self, *, ran_out: bool) -> float:
        """Steps that the clock left it, or each of its pieces.

        Args:
            ran_out: whether the clock ended it.

        Returns:
            Infinite if it had its time.
        """
        return self.last.state.taken if ran_out and self.last is not None else math.inf

    def shares(self) -> list[float]:
        """Share of the fit in what is handed out, of each piece that was judged by itself."""
        return []

    def guide(self) -> tuple[str, Image] | None:
        """Name and image of the estimate that the prior is shown, if there is one."""
        return None

    def curve(self) -> Curve | None:
        """What its stop rule followed, if it has one."""
        return next((seen for seen in (w.curve_of() for w in self.filters) if seen), None)

    def snapshots(self) -> dict[int, Image]:
        """Pictures that were kept by step, finished as the result is."""
        found: dict[int, Image] = {}
        for watcher in self.filters:
            found |= watcher.snapshots()
        return {step: self.finished(image) for step, image in found.items()}

    def code_of(self, shape: Shape) -> StoredCode | None:
        """What of its code goes into a file, to draw the picture again; None where nothing does.

        Args:
            shape: (C, H, W) of the picture.
        """
        return None

    @torch.no_grad()
    def deviation(self) -> Image | None:
        """Standard deviation of every pixel of the result, (B, C, H, W), where a filter knows it.

        It is carried through the finish of the problem: 0 where known pixels were put back.
        """
        for watcher in reversed(self.filters):
            if (spread := watcher.deviation()) is not None:
                assert self.last is not None
                image = self.last.image
                pushed, still = (self.finished(x) for x in (image + spread, image))
                return (pushed - still).abs()
        return None
