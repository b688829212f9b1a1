"""Where the loop stands, what it yields, and what may watch it."""

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch

from priorfit.code import detached
from priorfit.noise import Noise
from priorfit.problem import Problem
from priorfit.types import Code, Image, PerImage


class State:
    """Where the loop stands: all that the next step depends on.

    Args:
        code: moved in place.
        noise: drawn from.
        still: names of the code that no step changes; saved states share them instead of copying.
    """

    def __init__(self, code: Code, noise: Noise, still: Collection[str] = ()) -> None:
        self.code, self.noise, self.still = code, noise, frozenset(still)
        self.stage, self.step, self.taken = 0, 0, 0
        self.optimizer: torch.optim.Optimizer | None = None

    def state_dict(self) -> dict[str, Any]:
        """Copy all that moves; `optimise(..., resume=...)` goes on from it to the same bytes."""
        moments = None if self.optimizer is None else copy.deepcopy(self.optimizer.state_dict())
        moving = {name: t for name, t in self.code.items() if name not in self.still}
        standing = {name: self.code[name] for name in self.code if name in self.still}
        counters = {"stage": self.stage, "step": self.step, "taken": self.taken}
        return {
            "code": {**detached(moving), **standing},
            "noise": self.noise.state_dict(),
            "optimizer": moments,
            **counters,
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over everything but the moments, which wait for the stage's optimiser."""
        self._put_back(saved["code"])
        self.noise.load_state_dict(saved["noise"])
        self.stage, self.step, self.taken = saved["stage"], saved["step"], saved["taken"]

    def rewind(self, kept: Mapping[str, Any]) -> None:
        """Put back code, normalisation buffers and moments; steps and noise go on from here."""
        self._put_back(kept["code"])
        if self.optimizer is not None and kept["optimizer"] is not None:
            self.optimizer.load_state_dict(copy.deepcopy(kept["optimizer"]))

    @torch.no_grad()
    def _put_back(self, code: Code) -> None:
        for name, tensor in self.code.items():
            if code[name] is not tensor:
                tensor.copy_(code[name])


class Step(NamedTuple):
    """One step of the loop, and the picture so far."""

    image: Image  # (B, C, H, W): what the step started from, unless a filter picked another
    losses: dict[str, PerImage]  # each weighted term of the objective, (B,)
    state: State
    code: Code  # state.code, already moved on, unless a filter picked another
    picked: bool = False  # a filter chose the image: a mean of renders, the best so far
    rendered: Image | None = None  # what the step drew, whatever a filter picked; None: the image

    @property
    def drawn(self) -> Image:
        """(B, C, H, W), what the step itself drew."""
        return self.image if self.rendered is None else self.rendered

    @property
    def loss(self) -> PerImage:
        """(B,), the whole objective."""
        return torch.stack(list(self.losses.values())).sum(0)


class Curve(NamedTuple):
    """What a stop rule has followed."""

    about: str  # what it shows
    points: Sequence[tuple[int, float]]  # step and value
    picked: int  # the step whose picture was picked, or the last one


class Filter:
    """Something that watches the loop: it may pick another image, drop a step or end the run."""

    gathered: tuple[str, ...] = ()  # names of the fields that change while it watches
    moves: tuple[str, ...] = ()  # parts of the code that it writes to, beyond what stages tune
    why: str | None = None  # set by a filter that ends the run
    rewound: int = 0  # how many times it sent the fit back
    spreads: bool = False  # whether it makes one picture of several, and knows how they spread
    picks: bool = False  # whether it is a rule that picks the picture of one step
    unseen: Image | None = None  # what is handed on, had it not seen the entries held out

    def begin(self, problem: Problem, noise: Noise) -> Problem:
        """Hear of the problem before the first step; return what the fit may see of it."""
        return problem

    def hear(self, code: Code) -> None:
        """Hear of the code that the fit begins with, before any step has moved it."""

    def see(self, step: Step) -> Step | None:
        """Look at a step; hand it on, changed or not, or None to pass it over."""
        return step

    def curve_of(self) -> Curve | None:
        """What it has followed to stop the run, if that can be shown."""
        return None

    def snapshots(self) -> dict[int, Image]:
        """Pictures that it has kept, by step."""
        return {}

    def deviation(self) -> Image | None:
        """Standard deviation of every pixel, (B, C, H, W), if it knows that by now."""
        return None

    def __call__(self, steps: Iterator[Step]) -> Iterator[Step]:
        if self.why is not None:  # the run had ended when it was saved
            return
        for step in steps:
            seen = self.see(step)
            if seen is not None:
                yield seen
            if self.why is not None:
                return

    def state_dict(self) -> dict[str, Any]:
        """Copy what the filter has gathered: tensors, numbers and the like, nested in dicts."""
        return copy.deepcopy({name: getattr(self, name) for name in (*self.gathered, "why")})

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from what a filter of the same kind had gathered."""
        for name in (*self.gathered, "why"):
            setattr(self, name, copy.deepcopy(saved[name]))
