import itertools
from dataclasses import replace
from types import SimpleNamespace

import pytest

from priorfit import recipes
from priorfit.pipeline import perform, plan, run
from priorfit.priors.inputs import Guide
from priorfit.recipes.setting import Cited
from tests.tiny import TINY, changed


@pytest.mark.usefixtures("ticking")
def test_a_guide_is_computed_once(job, monkeypatch):
    calls = []

    def counted(problem):
        calls.append(problem)
        return problem.observation

    guided = replace(TINY, inputs=Cited([Guide(counted)], "tests"))
    monkeypatch.setitem(recipes.SETTINGS, "dip/denoise", guided)
    run(changed(job, time_limit=2.0))
    assert len(calls) == 1


@pytest.fixture
def ticking(monkeypatch):
    """A clock that goes on by a twentieth of a second whenever somebody looks at it."""
    ticks = itertools.count()
    clock = SimpleNamespace(perf_counter=lambda: next(ticks) / 20)
    monkeypatch.setattr(plan, "time", clock)
    monkeypatch.setattr(perform, "time", clock)


@pytest.mark.usefixtures("ticking")
def test_a_time_limit_is_kept_and_filled(job, tmp_path):
    limited = changed(job, time_limit=3.0)
    outcome = run(limited)
    assert 2 < outcome.sidecar.seconds < 3
    assert outcome.sidecar.planned > 20
    repeat = changed(
        job,
        output=tmp_path / "again.png",
        steps=outcome.sidecar.planned,
        stop_after=outcome.sidecar.steps,
    )
    run(repeat)
    assert repeat.output.read_bytes() == limited.output.read_bytes()


def test_a_time_limit_that_is_over_still_makes_a_step(job):
    outcome = run(changed(job, time_limit=0.001, steps=4))
    assert (outcome.sidecar.steps, outcome.sidecar.planned) == (1, 4)
    assert outcome.sidecar.stop_reason == "the time limit"
    assert outcome.sidecar.repeat[-2:] == ("--stop-after", "1")


def test_the_time_limit_counts_from_the_start_of_the_command(job):
    outcome = run(changed(job, time_limit=100.0), started=perform.time.perf_counter() - 200)
    assert outcome.sidecar.steps == 1
    assert outcome.sidecar.seconds > 200


def test_the_longest_useful_fit_bounds_the_plan(job, monkeypatch):
    monkeypatch.setitem(recipes.SETTINGS, "dip/denoise", replace(TINY, most=3))
    assert run(changed(job, time_limit=60.0)).sidecar.planned == 3
