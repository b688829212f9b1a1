"""Where the run of a picture file keeps what it needs to go on, and what it writes in the end."""

import shlex
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from priorfit import images
from priorfit.engine.case import Restored
from priorfit.engine.ending import End
from priorfit.engine.handing import Handed
from priorfit.engine.large import steps_of_a_tile
from priorfit.engine.record import restored
from priorfit.engine.run import Medium, Run
from priorfit.errors import DivergenceError, ImageFileError
from priorfit.guarantee.comparators import Alternative, alternatives
from priorfit.images import write_atomically
from priorfit.records.sidecar import sidecar_path, to_json
from priorfit.runs import saved as run_folder
from priorfit.runs.beside import Beside, judged
from priorfit.runs.desk import Desk
from priorfit.runs.job import Job
from priorfit.runs.saved import Saved
from priorfit.runs.uncertainty import write_deviation
from priorfit.types import Image


@dataclass(frozen=True, eq=False, kw_only=True)
class Outcome(Restored):
    """What came of a job.

    Args:
        job: it.
        reference: (1, C, H, W), if there was one.
        leaving: whether somebody asked the process to end, if only after the last step.
        run_folder: where an interrupted run goes on, None if it is finished or could not be kept.
    """

    job: Job
    reference: Image | None = None
    leaving: bool = False
    run_folder: Path | None = None


@dataclass(eq=False)
class Files(Medium[Outcome]):
    """The files of one job: the medium of its run.

    Args:
        desk: what was read.
        held: what is held for the run, and let go in the end.
    """

    desk: Desk
    held: ExitStack

    def compare(self, run: Run[Any]) -> Sequence[Alternative]:
        job = self.desk.job
        return alternatives(job.task.comparators, run.case.problem) if job.report else ()

    def save(self, run: Run[Any]) -> None:
        run_folder.save(self.desk.job.run_folder, self._saved(run), run.state())

    def deliver(self, run: Run[Any]) -> Outcome:
        job, folder = self.desk.job, self.desk.job.run_folder
        cut = run.course is not None and run.course.end is End.INTERRUPTED
        if cut:
            run.keeper.keep()  # before the picture is drawn, which moves running statistics
        try:
            outcome = self._written(self._outcome(run, run.handed()), run.keeper.trouble)
        except DivergenceError:
            run_folder.clear(folder)  # it would come to this again
            raise
        except ImageFileError as error:
            raise self._kept(error, run) from error
        if not cut:
            run_folder.clear(folder)
        place = folder if cut and run_folder.is_unfinished(folder) else None
        return replace(outcome, leaving=run.cancelled, run_folder=place, job=job)

    def close(self) -> None:
        self.held.close()

    def _kept(self, error: ImageFileError, run: Run[Any]) -> ImageFileError:
        """Keep a fit whose picture could not be written, and say how to have it written later."""
        job = self.desk.job
        if run.course is not None and (job.overwrite or not job.output.exists()):
            run.keeper.keep()
        if not run_folder.is_unfinished(job.run_folder):
            return error
        again = shlex.join(["priorfit", "resume", str(job.run_folder)])
        return ImageFileError(f"{error}; the fit is kept, to go on: {again}")

    def _saved(self, run: Run[Any]) -> Saved:
        """What the run folder says about the run."""
        course, desk = run.course, self.desk
        assert course is not None
        return Saved(
            job=desk.job.absolute(),
            numbers=run_folder.numbers_of(desk.job.recipe),
            planned=max(course.planned, course.taken),
            seconds=run.clock.seconds,
            threads=torch.get_num_threads(),
            device=str(desk.case.device),
            losses=tuple(course.losses),
            inputs=desk.inputs,
            resumed=course.resumed,
            tile=None if run.extent.grid is None else run.extent.grid.tile,
            each=steps_of_a_tile(course.fit),
            patience=run.patience,
        )

    def _outcome(self, run: Run[Any], handed: Handed) -> Outcome:
        """What came of the run, measured against what it is compared with."""
        desk, made = self.desk, restored(run, handed, self.desk.inputs)
        beside = Beside(made.guide, run.alternatives)
        follows = desk.job.follows
        sidecar = judged(
            made.sidecar.model_copy(update={"follows": None if follows is None else follows.name}),
            made.result,
            desk.reference,
            beside,
            on_luma=desk.job.task.on_luma,
            like=desk.case.picture,
        )
        shown = {**made.comparators, **beside.images}
        given = vars(made) | {"sidecar": sidecar, "comparators": shown}
        return Outcome(**given, job=desk.job, reference=desk.reference)

    def _written(self, outcome: Outcome, trouble: str | None) -> Outcome:
        """Write picture and sidecar, which tells what could not be kept."""
        job, notes = outcome.job, outcome.sidecar.notes
        notes += () if trouble is None else (trouble,)
        lost = self._write_picture(outcome)
        notes += tuple(note for note in lost if note not in notes)
        for step, image in outcome.snapshots.items():
            if step in job.snapshots:
                images.write(job.snapshot(step), image, outcome.like, overwrite=job.overwrite)
        update: dict[str, object] = {"notes": notes}
        if job.uncertainty is not None and outcome.deviation is not None:
            spread = write_deviation(job.uncertainty, outcome.deviation, overwrite=job.overwrite)
            update["uncertainty"] = spread
        outcome = replace(outcome, sidecar=outcome.sidecar.model_copy(update=update))
        text = to_json(outcome.sidecar) + "\n"
        write_atomically(sidecar_path(job.output), text.encode(), overwrite=job.overwrite)
        return outcome

    def _write_picture(self, outcome: Outcome) -> Sequence[str]:
        job = outcome.job
        same = images.format_of(job.output) == outcome.picture.format
        if outcome.untouched and same:  # its very bytes, profile and all
            write_atomically(job.output, job.input.read_bytes(), overwrite=job.overwrite)
            return ()
        return images.write(job.output, outcome.result, outcome.like, overwrite=job.overwrite)
