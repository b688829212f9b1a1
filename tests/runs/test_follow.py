from dataclasses import replace
from functools import partial

import pytest

from priorfit import recipes
from priorfit.errors import DivergenceError
from priorfit.loop.state import Filter
from priorfit.loop.steps import Smoothed
from priorfit.recipes.method import Cited
from priorfit.runs import run
from priorfit.terms.data import Mse
from priorfit.terms.objective import Term
from tests.tiny import TINY, changed, pixels


class Halfway(Filter):
    """Ends the run at its third step."""

    def see(self, step):
        self.why = "halfway" if step.state.taken == 3 else None
        return step


def test_a_fits_own_stop_is_told(job, monkeypatch):
    stopping = replace(TINY, filters=Cited([Halfway], "tests"))
    monkeypatch.setitem(recipes.METHODS, "dip/denoise", stopping)
    sidecar = run(job).sidecar
    assert (sidecar.steps, sidecar.planned, sidecar.stop_reason) == (3, 4, "halfway")
    assert sidecar.repeat[-2:] == ("--steps", "3")


class Breaking(Term):
    """A loss that is no number from some step on."""

    def __init__(self, at):
        self.at, self.count = at, 0

    def against(self, problem):
        healthy = Mse().against(problem)

        def loss(estimate):
            self.count += 1
            broken = self.count in self.at
            return healthy(estimate) * (float("nan") if broken else 1.0)

        return loss


def breaking(monkeypatch, at, filters=()):
    setting = replace(
        TINY, objective=Cited(Breaking(at), "tests"), filters=Cited(list(filters), "tests")
    )
    monkeypatch.setitem(recipes.METHODS, "dip/denoise", setting)


def test_a_fit_that_gives_up_within_a_time_limit_has_no_endless_plan(job, monkeypatch):
    breaking(monkeypatch, range(3, 1000))
    sidecar = run(changed(job, time_limit=20.0)).sidecar
    assert "did not return" in sidecar.stop_reason
    assert sidecar.steps <= sidecar.planned < 10**6


@pytest.mark.parametrize("filters", [[], [partial(Smoothed, 0.9)]], ids=["plain", "averaged"])
def test_a_loss_that_is_no_number_for_once_goes_back_and_on(job, monkeypatch, filters):
    breaking(monkeypatch, {3}, filters)
    sidecar = run(changed(job, steps=6)).sidecar
    assert sidecar.stop_reason == "the steps of the recipe are done"
    assert any("went back" in note for note in sidecar.notes)
    assert pixels(job.output).std() > 0


def test_a_loss_that_stays_broken_ends_with_the_last_good_picture(job, monkeypatch):
    breaking(monkeypatch, range(3, 1000))
    sidecar = run(changed(job, steps=100)).sidecar
    assert "did not return" in sidecar.stop_reason
    assert pixels(job.output).std() > 0
    breaking(monkeypatch, range(3, 1000))
    again = changed(job, steps=sidecar.steps, output=job.output.with_name("again.png"))
    run(again)
    assert again.output.read_bytes() == job.output.read_bytes()


def test_a_loss_that_never_was_a_number_is_an_error(job, monkeypatch):
    breaking(monkeypatch, range(1000))
    with pytest.raises(DivergenceError, match="another seed"):
        run(changed(job, steps=20))
    assert not job.output.exists()
