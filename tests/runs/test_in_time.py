"""A time limit that what comes before the first step would use up is refused; a short fit noted."""

import time
from dataclasses import replace

import pytest

from priorfit import recipes
from priorfit.engine import in_time
from priorfit.engine.handing import guard_for
from priorfit.errors import PriorfitError
from priorfit.guarantee.comparators import BLOCK_MATCHING
from priorfit.guarantee.guard import patience_within
from priorfit.priors.inputs import Guide
from priorfit.recipes.method import Cited
from priorfit.runs import desk, run
from tests.tiny import TINY, changed, photo


@pytest.fixture
def slow(monkeypatch, tiny_recipes):
    """A recipe whose guide takes a millisecond a hundred pixels, looked at without patience."""

    def guide(problem):
        time.sleep(1e-5 * problem.observation[0, 0].numel())
        return problem.observation

    slow = replace(TINY, sooner="dip/denoise-unguided", inputs=Cited([Guide(guide)], "tests"))
    monkeypatch.setitem(recipes.METHODS, "dip/denoise", slow)
    monkeypatch.setattr(desk, "_GRACE", 0.0)
    monkeypatch.setattr(in_time, "_SLOWEST", 1.0)


@pytest.mark.usefixtures("slow")
def test_too_little_time_for_the_start_is_refused_before_anything_is_written(job, tmp_path):
    large = changed(job, input=photo(tmp_path / "large.png", size=(200, 300)), time_limit=0.6)
    before = set(tmp_path.iterdir())
    with pytest.raises(
        PriorfitError, match=r"cannot begin .* 0\.6 s: .*--recipe dip/denoise-unguided"
    ):
        run(large)
    assert set(tmp_path.iterdir()) == before


@pytest.mark.usefixtures("slow")
def test_time_enough_is_taken(job):
    assert run(changed(job, time_limit=60.0, steps=2)).sidecar.steps == 2


def test_small_pictures_and_fits_without_a_limit_are_not_probed(job, monkeypatch):
    monkeypatch.setattr(in_time, "seconds_before", None)
    assert run(changed(job, steps=2, time_limit=0.01)).sidecar.steps >= 1
    assert run(changed(job, steps=2, overwrite=True)).sidecar.steps == 2


def test_a_fit_that_has_hardly_begun_is_noted(job):
    noted = run(changed(job, time_limit=0.001)).sidecar
    assert any("after 1 step: the fit had hardly begun" in note for note in noted.notes)
    whole = run(changed(job, steps=2, overwrite=True)).sidecar
    assert not any("hardly" in note for note in whole.notes)


def test_what_begins_sooner_is_for_the_same_task_and_has_nothing_sooner():
    sooner = {name: m.sooner for name, m in recipes.METHODS.items() if m.sooner is not None}
    assert sooner
    for name, other in sooner.items():
        assert recipes.find(other).tasks == recipes.find(name).tasks
        assert recipes.find(other).sooner is None


def test_where_no_fit_comes_half_of_the_time_is_for_a_cheap_estimate(job, tiny_recipes):
    """A tile of block matching takes 0.04 s by its cost: more than a share beside a fit."""
    case = desk.lay_out(changed(job, time_limit=9.0), "cpu").case
    patience = patience_within(0.15)
    beside, alone = (guard_for(case, 10, patience, alone=alone) for alone in (False, True))
    assert beside is not None and alone is not None
    assert set(alone.errors) - set(beside.errors) == {BLOCK_MATCHING.name}
