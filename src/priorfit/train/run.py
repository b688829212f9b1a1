"""A whole training in a folder: judged at intervals, saved, interrupted and resumed."""

import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Generator

from priorfit.errors import ProblemError
from priorfit.images import write_atomically
from priorfit.networks.generator import Generator as Drawing
from priorfit.records.state_file import load_state, save_state
from priorfit.report.embed import levels, png
from priorfit.train.average import settle_statistics
from priorfit.train.data import Photographs
from priorfit.train.families import Pair
from priorfit.train.generator import Training
from priorfit.train.growing import at
from priorfit.train.judge import Judge, sheet
from priorfit.train.several import ALONE, Team

STATE, SHEETS = "state.safetensors", "progress"

_NOTED = 100  # times in a training that a point of the curves is noted
_LOOKED = 10  # times that it is judged
_KEPT = 240.0  # seconds from one saved state to the next


@dataclass(frozen=True)
class Length:
    """How long a training goes on, by whichever ends first.

    Args:
        images: photographs that the discriminator sees, again and again.
        minutes: of training, all pieces of it together.
        piece: minutes after which this piece of it ends, with its state saved.
    """

    images: int | None = None
    minutes: float | None = None
    piece: float | None = None

    def part(self, seen: int, seconds: float) -> float:
        """How much of it is done, from 0 to 1."""
        parts = [0.0]
        if self.images is not None:
            parts.append(seen / self.images)
        if self.minutes is not None:
            parts.append(seconds / (60 * self.minutes))
        return min(1.0, max(parts))


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training is.

    Args:
        seen: images.
        part: of its length, from 0 to 1.
        rate: images a second in this piece.
        left: seconds, as it goes now.
        note: the last point of the curves.
    """

    seen: int
    part: float
    rate: float
    left: float
    note: Mapping[str, float]


class TrainingRun:
    """A training and its folder.

    Args:
        folder: made if missing.
        pair: the networks.
        photographs: to learn from.
        length: how long.
        seed: gives every number.
        device: where.
        judge: what it is judged by; None for sheets alone.
        team: which of several processes this is; the first one writes for all, and its clock
            counts.

    Attributes:
        training: its networks.
        curve: points of the curves: images seen, seconds, losses, and what the judge said.
        seconds: of training so far.
    """

    def __init__(
        self,
        folder: Path,
        pair: Pair,
        photographs: Photographs,
        length: Length,
        *,
        seed: int = 0,
        device: torch.device | str = "cpu",
        judge: Judge | None = None,
        team: Team = ALONE,
    ) -> None:
        if length.images is None and length.minutes is None:
            raise ProblemError("expected a number of images or of minutes to train for")
        self.folder, self.length, self.judge = folder, length, judge
        generator, discriminator = pair.started(seed, device)
        self.team = team
        self.training = Training(generator, discriminator, photographs, pair.game, seed, team=team)
        self.curve: list[dict[str, float]] = []
        self.seconds, self.noted, self.looked = 0.0, 0, 0
        self.begun = {"photographs": _digest(photographs), "batch": pair.game.batch}

    def resume(self) -> None:
        """Go on from the state in the folder.

        Raises:
            PriorfitError: there is none, it is damaged, or of other networks.
        """
        saved = load_state(self.folder / STATE)
        try:
            self._check_same(saved["begun"])
            self.training.load_state_dict(saved["training"])
        except (RuntimeError, KeyError, ValueError) as error:
            raise ProblemError(
                f"{self.folder}: holds a training of other networks: give the options that it was "
                "begun with"
            ) from error
        self.curve, self.seconds = saved["curve"], saved["seconds"]
        # A training that shall go on for longer now has done less of it than it had.
        part = self._part()
        self.noted = min(saved["noted"], int(part * _NOTED) + 1)
        self.looked = min(saved["looked"], int(part * _LOOKED))

    def go_on(
        self,
        watch: Callable[[TrainingProgress], None] = lambda progress: None,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Train to the end, or of this piece, or until interrupted; the state is saved in any case.

        Returns:
            Whether the training is over.
        """
        begun = last = kept = time.perf_counter()
        before, first = self.seconds, self.training.seen
        piece = float("inf") if self.length.piece is None else 60 * self.length.piece
        while (part := self._agree(interrupted() or last - begun > piece)) < 1:
            self.training.step()
            if part * _NOTED >= self.noted:
                self._note(part)
            if part * _LOOKED >= self.looked + 1:
                self._look()
            last = time.perf_counter()
            self.seconds = before + last - begun
            if last - kept > _KEPT:
                self.save()
                kept = last
            watch(self._progress(first, last - begun))
        over = self._agree(False) >= 1
        if over:
            self._note(1.0)
            self._look()
        self.save()
        return over

    def average(self) -> Drawing:
        """The average of the generator as it is kept: as grown as it is, its statistics settled."""
        training = self.training
        noise = Generator(training.device).manual_seed(0)
        count = training.average.network.classes
        labels = torch.arange(64, device=training.device) % count if count else None
        return at(settle_statistics(training.average.network, noise, labels=labels), training.lod)

    def save(self) -> None:
        """Write the state, so that another process can go on."""
        if not self.team.first:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        state: dict[str, Any] = {
            "begun": self.begun,
            "training": self.training.state_dict(),
            "curve": self.curve,
            "seconds": self.seconds,
            "noted": self.noted,
            "looked": self.looked,
        }
        save_state(self.folder / STATE, state)

    def _agree(self, stopping: bool) -> float:
        """How much is done, or infinity where it stops for now, as the first process sees it."""
        part = self._part()
        return self.team.agreed(
            float("inf") if stopping and part < 1 else part, self.training.device
        )

    def _part(self) -> float:
        return self.length.part(self.training.seen, self.seconds)

    def _check_same(self, begun: Mapping[str, Any]) -> None:
        """Refuse to go on with photographs or batches that the training was not begun with."""
        for name, value in self.begun.items():
            if begun[name] != value:
                what = "other photographs" if name == "photographs" else f"--{name} {begun[name]}"
                raise ProblemError(
                    f"{self.folder}: holds a training begun with {what}: give the options that it "
                    "was begun with"
                )

    def _note(self, part: float) -> None:
        self.noted = int(part * _NOTED) + 1
        if self._last("generator") == self.training.seen:
            return
        point = {"images": self.training.seen, "seconds": round(self.seconds, 1)}
        self.curve.append(point | self.training.gathered())

    def _look(self) -> None:
        """Draw a sheet, judge, and add what the judge says to the curve."""
        self.looked += 1
        if not self.team.first or self._last("distance") == self.training.seen:
            return
        average = self.average()
        picture = png(levels(sheet(average)[0]))
        place = self.folder / SHEETS / f"{self.training.seen // 1000:06d}k.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, picture, overwrite=True)
        if self.judge is not None:
            point = {"images": self.training.seen, "seconds": round(self.seconds, 1)}
            self.curve.append(point | self.judge.judge(average)._asdict())

    def _last(self, measure: str) -> float:
        """Images seen at the last point of a curve; 0 where there is none."""
        return next((p["images"] for p in reversed(self.curve) if measure in p), 0)

    def _progress(self, first: int, seconds: float) -> TrainingProgress:
        part = self._part()
        rate = (self.training.seen - first) / max(seconds, 1e-9)
        left = self.seconds * (1 / part - 1) if part > 0 else float("inf")
        return TrainingProgress(
            self.training.seen, part, rate, left, self.curve[-1] if self.curve else {}
        )


def _digest(photographs: Photographs) -> int:
    """A number that other photographs, other classes or another order would hardly have."""
    pixels = photographs.images.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return zlib.crc32(photographs.labels.cpu().numpy().data, zlib.crc32(pixels.data))
