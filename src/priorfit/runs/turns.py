"""Several pictures, one after the other: an error ends its own picture and not the others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from priorfit.runs.again import is_finished
from priorfit.runs.files import Outcome
from priorfit.runs.job import Job
from priorfit.types import Code


@dataclass(frozen=True, eq=False)
class Turn:
    """What came of one picture of several.

    Args:
        job: that was done.
        left: how many come after it.
        outcome: of it; None if it was skipped or failed.
        error: why it failed.
    """

    job: Job
    left: int
    outcome: Outcome | None = None
    error: Exception | None = None

    @property
    def skipped(self) -> bool:
        """Whether its result was there already."""
        return self.outcome is None and self.error is None


class Perform(Protocol):
    """Does one job."""

    def __call__(self, job: Job, *, first: bool, before: Code | None) -> Outcome:
        """Do a job.

        Args:
            job: to do.
            first: whether it is the first of the jobs.
            before: `tuned` of the frame that it follows, in a sequence.
        """
        ...


def in_turn(
    jobs: Sequence[Job],
    perform: Perform,
    *,
    skip_existing: bool = False,
    sequence: int | None = None,
) -> Iterator[Turn]:
    """Do one job after the other, and tell what came of each. To stop, stop iterating.

    Args:
        jobs: one a picture.
        perform: does one.
        skip_existing: leave out what is finished.
        sequence: steps of every frame after the first, where the pictures are frames and each fit
            begins where the one before it ended.

    Raises:
        KeyboardInterrupt: a job was interrupted before there was a picture.
        BrokenPipeError: whoever reads what is said of the jobs has left.
    """
    before: Outcome | None = None
    for number, job in enumerate(jobs):
        left = len(jobs) - number - 1
        if skip_existing and is_finished(job):
            yield Turn(job, left)
            continue
        if before is not None and sequence is not None:
            job = job.following(before.job, sequence)
        tuned = None if before is None else before.tuned
        try:
            outcome = perform(job, first=number == 0, before=tuned)
        except BrokenPipeError:
            raise
        except Exception as error:
            yield Turn(job, left, error=error)
            continue
        if sequence is not None and outcome.tuned:
            # A frame that was left as it was has fitted nothing that another could begin from.
            before = outcome
        yield Turn(job, left, outcome)
