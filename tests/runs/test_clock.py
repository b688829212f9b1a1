import itertools
from dataclasses import replace
from types import SimpleNamespace

import pytest

from priorfit import recipes
from priorfit.engine import clock
from priorfit.priors.inputs import Guide
from priorfit.recipes.method import Cited
from priorfit.runs import perform, resume, run
from tests.tiny import TINY, changed


@pytest.mark.usefixtures("ticking")
def test_a_guide_is_computed_once(job, monkeypatch):
    calls = []

    def counted(problem):
        calls.append(problem)
        return problem.observation

    guided = replace(TINY, inputs=Cited([Guide(counted)], "tests"))
    monkeypatch.setitem(recipes.METHODS, "dip/denoise", guided)
    run(changed(job, time_limit=2.0))
    assert len(calls) == 1


@pytest.fixture
def ticking(monkeypatch):
    """A clock that goes on by a twentieth of a second whenever somebody looks at it."""
    ticks = itertools.count()
    slow = SimpleNamespace(perf_counter=lambda: next(ticks) / 20)
    monkeypatch.setattr(clock, "time", slow)
    monkeypatch.setattr(perform, "time", slow)


@pytest.mark.usefixtures("ticking")
def test_a_time_limit_is_kept_and_filled(job, tmp_path):
    limited = changed(job, time_limit=3.0)
    outcome = run(limited)
    assert 2 < outcome.sidecar.seconds < 3
    assert outcome.sidecar.stop_reason == "the time limit"
    assert outcome.sidecar.planned == outcome.sidecar.steps > 4
    steps = str(outcome.sidecar.steps)
    assert outcome.sidecar.repeat[-2:] == ("--steps", steps)
    repeat = changed(job, output=tmp_path / "again.png", steps=int(steps))
    run(repeat)
    assert repeat.output.read_bytes() == limited.output.read_bytes()


@pytest.mark.usefixtures("ticking")
def test_the_plan_follows_the_clock_and_an_interrupted_run_goes_on_to_it(job):
    plans = []

    def watch(progress):
        plans.append(progress.planned)
        if len(plans) == 3:
            raise KeyboardInterrupt

    outcome = run(changed(job, time_limit=4.0), watch)
    assert all(3 < planned < 80 for planned in plans)
    assert (outcome.sidecar.steps, outcome.sidecar.planned) == (3, plans[-1])
    resumed = resume(job.run_folder).sidecar
    assert resumed.steps == resumed.planned == plans[-1]
    assert resumed.repeat[-2:] == ("--steps", str(plans[-1]))


def test_a_time_limit_that_is_over_still_makes_a_step(job):
    outcome = run(changed(job, time_limit=0.001, steps=4))
    assert outcome.sidecar.steps == 1
    assert outcome.sidecar.stop_reason == "the time limit"
    assert outcome.sidecar.repeat[-2:] == ("--steps", "1")


@pytest.mark.usefixtures("ticking")
def test_of_steps_and_time_limit_the_first_to_come_ends_the_fit(job):
    outcome = run(changed(job, time_limit=60.0, steps=6))
    assert (outcome.sidecar.steps, outcome.sidecar.planned) == (6, 6)
    assert outcome.sidecar.stop_reason == "the steps of the recipe are done"


def test_an_interruption_when_the_time_is_over_cuts_nothing_short(job):
    def watch(progress):
        raise KeyboardInterrupt

    outcome = run(changed(job, time_limit=0.001), watch)
    assert outcome.run_folder is None
    assert outcome.sidecar.stop_reason == "the time limit"


def test_the_clock_ends_before_a_step_as_long_as_the_longest(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(clock, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    watch = clock.Clock(0.0, 10.0, closing=1.0)
    seen = []
    for moment in (0.0, 4.0, 4.5, 5.0, 6.5, 7.0):
        now[0] = moment
        watch.tick()
        seen.append((watch.over, watch.more(99)))
    # The first step counts until there is a second one; the median foretells, the longest decides.
    assert seen == [(False, 0), (False, 1), (False, 9), (False, 8), (False, 5), (False, 4)]
    now[0] = 7.6
    assert watch.over


def test_the_time_limit_counts_from_the_start_of_the_command(job):
    outcome = run(changed(job, time_limit=100.0), started=perform.time.perf_counter() - 200)
    assert outcome.sidecar.steps == 1
    assert outcome.sidecar.seconds > 200


def test_the_longest_useful_fit_bounds_the_plan(job, monkeypatch):
    monkeypatch.setitem(recipes.METHODS, "dip/denoise", replace(TINY, longest=Cited(3, "tests")))
    assert run(changed(job, time_limit=60.0)).sidecar.planned == 3
