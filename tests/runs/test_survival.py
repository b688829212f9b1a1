"""Runs killed anywhere, on full disks, side by side: all end in the bytes of a whole one."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from priorfit import recipes
from priorfit.disk.locks import locked
from priorfit.engine import keeping
from priorfit.engine.keeping import Keeper
from priorfit.errors import PriorfitError
from priorfit.images import atomic
from priorfit.loop.steps import Best, Smoothed
from priorfit.priors.inputs import Guide
from priorfit.recipes.method import Cited
from priorfit.records.sidecar import load_sidecar, sidecar_path
from priorfit.runs import Job, go_on, is_finished, is_unfinished, resume, run
from priorfit.tasks import Inpaint
from tests.dying import Dying, Killed
from tests.tiny import TINY, changed

STEPS = 3


@pytest.fixture
def job(job: Job, monkeypatch) -> Job:
    """A checkpoint after every step of a fit with all kinds of things to remember."""
    filters = Cited([partial(Smoothed, 0.9), Best], "tests")
    monkeypatch.setitem(recipes.METHODS, "dip/denoise", replace(TINY, filters=filters))
    return changed(job, checkpoint_every=0.0, steps=STEPS)


@pytest.fixture
def whole(job, tmp_path) -> bytes:
    """The picture of a run that nothing disturbed."""
    other = changed(job, output=tmp_path / "whole" / "out.png")
    other.output.parent.mkdir()
    run(other)
    assert left(other) == {"out.png", "out.png.json"}
    return other.output.read_bytes()


def left(job: Job) -> set[str]:
    return {path.name for path in job.output.parent.iterdir()}


def gone_on(job: Job) -> None:
    """What somebody does after a kill: resume what can be resumed, else give the command again."""
    if is_unfinished(job.run_folder):
        resume(job.run_folder)
    elif not is_finished(job):
        go_on(job)


def check(job: Job, whole: bytes) -> None:
    assert job.output.read_bytes() == whole
    sidecar = load_sidecar(job.output)
    assert sidecar is not None
    assert (sidecar.steps, len(sidecar.loss_curve)) == (STEPS, STEPS)
    assert left(job) == {"in.png", "whole", "out.png", "out.png.json"}


def dying(monkeypatch, task, at):
    """Do something that dies at an operation; how many there were if it came to its end."""
    with monkeypatch.context() as patched:
        death = Dying(patched, at)
        with suppress(Killed):
            task()
            return death.count
    return None


def test_a_run_killed_at_any_operation_on_a_file_ends_in_the_same_bytes(job, whole, monkeypatch):
    ended, at = None, 0
    while ended is None:
        at += 1
        for path in (job.output, sidecar_path(job.output)):
            path.unlink(missing_ok=True)
        ended = dying(monkeypatch, partial(run, job), at)
        gone_on(job)
        check(job, whole)
    assert at > 5 * STEPS


def test_going_on_can_be_killed_too(job, whole, monkeypatch):
    ended, at = None, 0
    while ended is None:
        at += 1
        for path in (job.output, sidecar_path(job.output)):
            path.unlink(missing_ok=True)
        with pytest.raises(Killed):
            run(job, dying_at(1))
        assert is_unfinished(job.run_folder)
        ended = dying(monkeypatch, partial(resume, job.run_folder), at)
        gone_on(job)
        check(job, whole)
    assert at > 10


def dying_at(step):
    def watch(progress):
        if progress.step > step:
            raise Killed

    return watch


def test_a_run_that_goes_on_says_how_often(job, whole):
    with pytest.raises(Killed):
        run(job, dying_at(1))
    with pytest.raises(Killed):
        resume(job.run_folder, dying_at(2))
    assert resume(job.run_folder).sidecar.resumed == 2
    check(job, whole)


def test_a_run_that_was_saved_at_its_last_step_goes_on_to_the_same_bytes(job, whole, monkeypatch):
    def lost(case, course, guard):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("priorfit.engine.run.of_fit", lost)
        with pytest.raises(Killed):
            run(job)
    assert is_unfinished(job.run_folder)
    assert resume(job.run_folder).sidecar.steps == STEPS
    check(job, whole)


def test_what_is_gone_on_with_makes_no_guide_again(job, monkeypatch):
    calls = []

    def guide(problem):
        calls.append(problem)
        return problem.observation / 2

    guided = replace(TINY, inputs=Cited([*TINY.inputs.value, Guide(guide)], "tests"))
    monkeypatch.setitem(recipes.METHODS, "dip/denoise", guided)
    with pytest.raises(Killed):
        run(job, dying_at(2))
    assert resume(job.run_folder).sidecar.guide.name == "guide"
    assert len(calls) == 1


@pytest.mark.parametrize("times", [1, 100])
def test_a_full_disk_ends_no_fit_and_loses_no_checkpoint(job, whole, monkeypatch, times):
    write, failed = keeping.Keeper.keep, []

    def full(self):
        def save():
            raise PriorfitError("no space left on device")

        if len(failed) < times:
            failed.append(self.save)
            real, self.save = self.save, save
            write(self)
            self.save = real
        else:
            write(self)

    monkeypatch.setattr(keeping.Keeper, "keep", full)
    notes = run(job).sidecar.notes
    assert any("no checkpoint could be kept" in note for note in notes) == (times > STEPS)
    check(job, whole)


def test_a_checkpoint_that_finds_no_room_leaves_the_one_before(job, whole, monkeypatch):
    settle, seen = os.fsync, []

    def full(descriptor):
        if len(seen) == 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        settle(descriptor)

    def watch(progress):
        if progress.step == 2:
            seen.append(progress)
        if progress.step == STEPS:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(Killed):
            run(job, watch)
    assert {path.name for path in job.run_folder.iterdir()} == {"checkpoint.safetensors"}
    resume(job.run_folder)
    check(job, whole)


def test_a_picture_that_finds_no_room_can_be_written_later(job, whole, monkeypatch):
    job = changed(job, checkpoint_every=None)  # none but the one that is kept for it
    replaced = atomic._placed

    def full(temporary, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(atomic, "_placed", full)
        with pytest.raises(PriorfitError, match=r"No space left.* priorfit resume"):
            run(job)
    assert atomic._placed is replaced
    resume(job.run_folder)
    check(job, whole)


def test_a_second_process_on_the_same_run_gets_one_line(job, whole):
    job.run_folder.mkdir()
    with closing((job.run_folder / "lock").open("wb")) as lock:
        assert locked(lock, wait=False)
        for begin in (partial(run, job), partial(go_on, job)):
            with pytest.raises(PriorfitError, match="another process is at work"):
                begin()
    go_on(job)
    check(job, whole)


def test_a_short_run_keeps_nothing(job, monkeypatch):
    monkeypatch.setattr(Keeper, "keep", pytest.fail)
    run(changed(job, checkpoint_every=None))
    assert left(job) == {"in.png", "out.png", "out.png.json"}


def test_checkpoints_become_rarer_where_they_take_long(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(keeping.time, "perf_counter", lambda: now[0])

    def slow():
        now[0] += 10.0

    keeper, kept = Keeper(slow), []
    for second in range(2000):
        now[0] = max(now[0], float(second))
        if keeper.look():
            kept.append(now[0])
    assert kept == [70.0, 580.0, 1090.0, 1600.0]


def test_an_unfinished_run_is_not_thrown_away_unasked(job, whole):
    with pytest.raises(Killed):
        run(job, dying_at(2))
    with pytest.raises(PriorfitError, match=r"priorfit resume .*out.png.run"):
        run(job)
    with pytest.raises(PriorfitError, match="with other options"):
        go_on(changed(job, seed=7))
    steps = []
    run(changed(job, overwrite=True), lambda progress: steps.append(progress.step))
    assert steps == [1, 2, 3]
    check(job, whole)


def test_a_run_whose_recipe_was_chosen_goes_on_with_it(job, tmp_path):
    few = np.zeros((20, 24), np.uint8)
    few.flat[::40] = 255
    np.save(tmp_path / "few.npy", few)
    chosen = changed(job, task=Inpaint(known_mask=tmp_path / "few.npy"), recipe="auto", steps=None)
    with pytest.raises(Killed):
        run(chosen, dying_at(2))
    assert go_on(chosen).sidecar.recipe == "dip/inpaint-sparse"
    once = changed(chosen, output=tmp_path / "once.png")
    run(once)
    assert once.output.read_bytes() == chosen.output.read_bytes()


CHILD = """
import sys, time
from pathlib import Path
from priorfit.runs import Job, go_on
from tests.tiny import register

register()
job = Job.model_validate_json(Path(sys.argv[1]).read_text())
print("begun", flush=True)
go_on(job, lambda progress: time.sleep(0.01))
"""


def test_processes_that_are_killed_at_random_moments(job, monkeypatch, tmp_path):
    monkeypatch.setitem(recipes.METHODS, "dip/denoise", TINY)  # as the processes have it
    job = changed(job, steps=40)
    plain = changed(job, output=tmp_path / "plain.png")
    run(plain)
    description = tmp_path / "job.txt"
    description.write_text(job.model_dump_json())
    root = Path(__file__).resolve().parents[2]
    path = os.pathsep.join([str(root / "src"), str(root)])
    moments, deaths = random.Random(0), 0
    for _ in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", CHILD, str(description)],
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout.readline() == b"begun\n"
            if deaths < 2:
                time.sleep(moments.uniform(0.02, 0.4))
                process.send_signal(signal.SIGKILL)
            process.communicate(timeout=120)
        deaths += process.returncode == -signal.SIGKILL
        if process.returncode == 0:
            break
    assert process.returncode == 0
    assert deaths > 0
    assert job.output.read_bytes() == plain.output.read_bytes()
    assert left(job) == {"in.png", "out.png", "out.png.json", "plain.png", "plain.png.json"} | {
        "job.txt"
    }
