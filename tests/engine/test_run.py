"""A run is iterated: progress, previews, leaving, cancelling; in memory and in files alike."""

import threading
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import priorfit as pf
from priorfit import recipes
from priorfit.engine.ending import End
from priorfit.errors import PriorfitError, ProblemError
from priorfit.loop.state import Filter
from priorfit.loop.steps import Smoothed
from priorfit.priors.inputs import Guide
from priorfit.recipes.method import Cited
from tests.tiny import TINY, array, changed, photo

pytestmark = pytest.mark.usefixtures("tiny_recipes")

IMAGE = array(channels=0)
STEPS = 4


def begin(**how) -> pf.Run[pf.Restored]:
    return pf.start(pf.denoise, IMAGE, noise_std=0.1, **{"steps": STEPS, **how})


def test_a_function_is_its_run_taken_to_the_end():
    whole = pf.denoise(IMAGE, noise_std=0.1, steps=STEPS)
    run = begin()
    taken = [progress.step for progress in run]
    restored = run.outcome()
    assert taken == [1, 2, 3, 4]
    assert np.array_equal(restored.array, whole)
    assert not restored.interrupted


def test_progress_says_how_far_a_run_is():
    seen = list(begin())
    assert [progress.step for progress in seen] == [1, 2, 3, 4]
    assert {progress.steps for progress in seen} == {progress.planned for progress in seen} == {4}
    assert all(progress.loss > 0 for progress in seen)
    assert [p.seconds for p in seen] == sorted(p.seconds for p in seen)
    assert all(progress.seconds_left > 0 for progress in seen[:-1])
    assert seen[-1].seconds_left == 0


def test_a_limit_of_time_bounds_what_is_left_of_it():
    run = begin(steps=None, time_limit=20.0)
    for progress in run:
        assert progress.steps is None
        assert progress.planned >= progress.step
        assert 0 <= progress.seconds_left < 20
        if progress.step == 3:
            break


@pytest.mark.parametrize("filters", [[], [lambda: Smoothed(0.9)]], ids=["plain", "averaged"])
@pytest.mark.parametrize("function", [pf.denoise, pf.inpaint, pf.upscale])
def test_looking_changes_nothing_and_shows_what_leaving_would_give(function, filters, monkeypatch):
    setting = replace(TINY, filters=Cited(filters, "tests"))
    for name in ("denoise", "inpaint", "upscale"):
        monkeypatch.setitem(recipes.METHODS, f"dip/{name}", setting)
    own = {
        pf.denoise: {"noise_std": 0.1},
        pf.inpaint: {"hole_mask": IMAGE > 200, "recipe": "dip/inpaint"},
        pf.upscale: {"factor": 2},
    }[function]
    whole = function(IMAGE, **own, steps=STEPS)
    run = pf.start(function, IMAGE, **own, steps=STEPS)
    shown = {progress.step: run.preview() for progress in run}
    assert np.array_equal(run.outcome().array, whole)
    assert np.array_equal(shown[STEPS], whole)
    for step in (1, 2, 3):
        assert np.array_equal(shown[step], function(IMAGE, **own, steps=step))


def test_after_the_outcome_the_preview_is_the_result():
    run = begin()
    restored = run.outcome()
    assert np.array_equal(run.preview(), restored.array)
    assert run.outcome() is restored
    assert list(run) == []


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("how", ["leaving", "cancelling", "from another thread"])
def test_the_picture_so_far_is_that_of_so_many_steps(at, how):
    run = begin(force=True)
    for progress in run:
        if progress.step != at:
            continue
        if how == "leaving":
            break
        if how == "cancelling":
            run.cancel()
        else:
            thread = threading.Thread(target=run.cancel)
            thread.start()
            thread.join()
    restored = run.outcome()
    assert restored.interrupted
    assert restored.sidecar.stop_reason == End.INTERRUPTED.sentence
    assert (restored.sidecar.steps, restored.sidecar.planned) == (at, STEPS)


def test_a_run_that_was_left_can_be_iterated_further_until_it_has_an_outcome():
    run = begin()
    for progress in run:
        if progress.step == 2:
            break
    assert [progress.step for progress in run] == [3, 4]
    assert np.array_equal(run.outcome().array, pf.denoise(IMAGE, noise_std=0.1, steps=STEPS))


def test_an_outcome_without_a_step_is_asked_for_at_ones_own_risk():
    restored = begin().outcome()
    assert restored.interrupted and restored.sidecar.steps == 1
    assert restored.array.shape == IMAGE.shape


def test_cancelled_before_the_first_step_there_is_the_cheap_estimate_or_an_error(monkeypatch):
    run = begin(steps=None)
    run.cancel()
    assert list(run) == []
    restored = run.outcome()
    assert restored.interrupted and restored.sidecar.share_of_fit == 0
    assert "interrupted before its first step" in restored.sidecar.stop_reason
    fixed = begin()
    fixed.cancel()
    with pytest.raises(PriorfitError, match="cancelled before the first step"):
        list(fixed)


def test_whoever_cancels_while_a_guide_is_made_waits_for_one_step(monkeypatch):
    made = []

    def slow(problem):
        made.append(True)
        run.cancel()
        return problem.observation

    guided = replace(TINY, inputs=Cited([Guide(slow)], "tests"))
    monkeypatch.setitem(recipes.METHODS, "dip/denoise", guided)
    run = begin()
    assert [progress.step for progress in run] == [1]
    assert made and run.outcome().interrupted


def test_what_is_left_alone_is_a_run_without_steps():
    flat = np.full((20, 24), 99, np.uint8)
    run = pf.start(pf.denoise, flat)
    assert list(run) == []
    restored = run.outcome()
    assert np.array_equal(restored.array, flat) and restored.untouched
    assert restored.sidecar.stop_reason == End.NEEDLESS.sentence


def test_the_result_in_memory_has_a_sidecar_like_the_one_of_a_file(job):
    sidecar = begin().finish().sidecar
    written = pf.run(changed(job, steps=STEPS)).sidecar
    assert set(type(sidecar).model_fields) == set(type(written).model_fields)
    for name in ("task", "recipe", "seed", "steps", "planned", "stop_reason", "versions"):
        assert getattr(sidecar, name) == getattr(written, name)
    assert sidecar.inputs == () and len(sidecar.loss_curve) == STEPS
    assert sidecar.options["noise_std"] == 0.1


def test_a_job_is_iterated_and_written_at_the_end(job):
    whole = changed(job, output=job.output.with_name("whole.png"))
    pf.run(whole)
    with pf.start(job) as run:
        for progress in run:
            assert run.preview().shape == (20, 24, 3)
            assert not job.output.exists()
            assert progress.planned == STEPS
        outcome = run.outcome()
    assert job.output.read_bytes() == whole.output.read_bytes()
    assert outcome.job == job
    assert not job.run_folder.exists()


def test_a_job_that_was_left_goes_on_from_its_folder(job):
    whole = changed(job, output=job.output.with_name("whole.png"))
    pf.run(whole)
    run = pf.start(job)
    for progress in run:
        if progress.step == 2:
            break
    outcome = run.outcome()
    assert outcome.interrupted and outcome.run_folder == job.run_folder
    pf.resume(outcome.run_folder)
    assert job.output.read_bytes() == whole.output.read_bytes()


def test_a_run_that_is_closed_leaves_nothing(job):
    with pf.start(job) as run:
        next(run)
    assert {path.name for path in job.output.parent.iterdir()} == {"in.png"}
    with pf.start(job) as again, pytest.raises(PriorfitError, match="another process is at work"):
        pf.start(job)
    again.close()


def test_only_functions_on_arrays_and_jobs_are_started(job):
    with pytest.raises(ProblemError, match=r"expected priorfit\.denoise or its like"):
        pf.start(len, IMAGE)
    with pytest.raises(ProblemError, match="expected a job alone"):
        pf.start(job, IMAGE)
    with pytest.raises(TypeError, match="level"):
        pf.start(pf.denoise, IMAGE, level=3)


class Together(Filter):
    """Lets two fits take their steps by turns, so that each sees whatever the other leaves."""

    barrier = threading.Barrier(2, timeout=60)
    alone = True

    def see(self, step):
        if not self.alone:
            self.barrier.wait()
        return step


def in_threads(*tasks: Callable[[], object]) -> list[object]:
    made: list[object] = [None] * len(tasks)

    def note(index: int) -> None:
        made[index] = tasks[index]()

    threads = [threading.Thread(target=note, args=(index,)) for index in range(len(tasks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return made


def test_two_fits_in_two_threads_give_the_bytes_that_they_give_alone(monkeypatch):
    monkeypatch.setitem(
        recipes.METHODS,
        "dip/denoise",
        replace(TINY, filters=Cited([lambda: Smoothed(0.9), Together], "tests")),
    )
    tasks = [
        lambda seed=seed: pf.denoise(array(seed=seed), channel_axis=-1, rng=seed, steps=12)
        for seed in (1, 2)
    ]
    alone = [task() for task in tasks]
    filters = list(warnings.filters)
    monkeypatch.setattr(Together, "alone", False)
    together = in_threads(*tasks)
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))
    assert not np.array_equal(*alone)
    assert warnings.filters == filters


def test_jobs_in_threads_write_the_bytes_that_they_write_alone(job, tmp_path, monkeypatch):
    jobs = [
        changed(job, input=photo(tmp_path / f"{seed}.png", seed=seed), seed=seed) for seed in (1, 2)
    ]
    alone, together = (
        [changed(each, output=tmp_path / f"{kind}{i}.png") for i, each in enumerate(jobs)]
        for kind in ("alone", "together")
    )
    for each in alone:
        pf.run(each)
    in_threads(*(lambda each=each: pf.run(each) for each in together))
    for one, other in zip(alone, together, strict=True):
        assert one.output.read_bytes() == other.output.read_bytes()
