"""Where the run of a picture file keeps what it needs to go on, and what it writes in the end."""

import hashlib
import shlex
from collections.abc import Callable, Mapping, Sequence
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
from priorfit.errors import DivergenceError, ImageFileError, PriorfitError
from priorfit.guarantee.comparators import Alternative, alternatives
from priorfit.records.sidecar import sidecar_path, to_json
from priorfit.runs import saved as run_folder
from priorfit.runs.beside import Beside, judged
from priorfit.runs.desk import Desk
from priorfit.runs.job import Job
from priorfit.runs.products import encode_product
from priorfit.runs.saved import Saved
from priorfit.runs.shelf import NOTE, Shelf
from priorfit.runs.uncertainty import encode_deviation
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


Report = Callable[[Outcome], bytes]
"""Makes a report of an outcome."""


@dataclass(eq=False)
class Files(Medium[Outcome]):
    """The files of one job: the medium of its run.

    Args:
        desk: what was read.
        held: what is held for the run, and let go in the end.
        shelf: for what is written.
        report: makes a report of an outcome.
    """

    desk: Desk
    held: ExitStack
    shelf: Shelf
    report: Report | None = None

    def compare(self, run: Run[Any]) -> Sequence[Alternative]:
        job = self.desk.job
        return alternatives(job.task.comparators, run.case.problem) if job.report else ()

    def save(self, run: Run[Any]) -> None:
        run_folder.save(self.shelf.folder, self._saved(run), run.state())

    def deliver(self, run: Run[Any]) -> Outcome:
        job, folder = self.desk.job, self.shelf.folder
        cut = run.course is not None and run.course.end is End.INTERRUPTED
        if cut:
            run.keeper.keep()  # before the picture is drawn, which moves running statistics
        try:
            outcome = self._written(self._outcome(run, run.handed()), run.keeper.trouble)
        except DivergenceError:
            run_folder.clear(folder)  # it would come to this again
            raise
        except PriorfitError as error:
            raise self._kept(error, run) from error
        except (Exception, MemoryError):
            self._keep(run)
            raise
        if not cut:
            run_folder.clear(folder)
            (folder / NOTE).unlink(missing_ok=True)
        place = folder if cut and run_folder.is_unfinished(folder) else None
        return replace(outcome, leaving=run.cancelled, run_folder=place, job=job)

    def close(self) -> None:
        try:
            if not run_folder.is_unfinished(self.shelf.folder):
                self.shelf.tidy()
        finally:
            self.held.close()

    def _keep(self, run: Run[Any]) -> None:
        if run.course is not None:
            run.keeper.keep()

    def _kept(self, error: PriorfitError, run: Run[Any]) -> PriorfitError:
        """Keep a fit whose files could not be written, and say how to have them written later."""
        self._keep(run)
        folder = self.shelf.folder
        if not run_folder.is_unfinished(folder):
            trouble = run.keeper.trouble
            return error if trouble is None else type(error)(f"{error}; {trouble}")
        again = shlex.join(["priorfit", "resume", str(folder)])
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
            checkpoints=dict(desk.case.checkpoints),
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
        """Write the whole set; the sidecar, which tells what could not be kept, comes last."""
        job, notes = outcome.job, outcome.sidecar.notes
        notes += () if trouble is None else (trouble,)
        made, lost = encode_product(outcome, job)
        notes += tuple(note for note in lost if note not in notes)
        files = made | {
            job.snapshot(step): images.encode_for(job.snapshot(step), image, outcome.like)[0]
            for step, image in outcome.snapshots.items()
            if step in job.snapshots
        }
        update: dict[str, object] = {"notes": notes}
        if job.uncertainty is not None and outcome.deviation is not None:
            data, spread = encode_deviation(job.uncertainty, outcome.deviation)
            files[job.uncertainty], update["uncertainty"] = data, spread
        outcome = replace(outcome, sidecar=outcome.sidecar.model_copy(update=update))
        if job.report and self.report is not None:
            files[job.report_file] = self.report(outcome)
        sidecar = outcome.sidecar.model_copy(update={"files": self._hashes(files)})
        files[sidecar_path(job.output)] = (to_json(sidecar) + "\n").encode()
        self.shelf.put(files)
        return replace(outcome, sidecar=sidecar)

    def _hashes(self, files: Mapping[Path, bytes]) -> dict[str, str]:
        """Of every file of the set but the sidecar; empty for one that there is nothing for."""
        asked = dict.fromkeys(self.desk.job.products, "")
        del asked[sidecar_path(self.desk.job.output)]
        made = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
        return {self.shelf.key(path): digest for path, digest in (asked | made).items()}
