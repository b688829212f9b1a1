"""A fit that is saved and gone on with, in Python."""

from functools import partial

import torch

from priorfit.loop.fit import Fit, Recipe
from priorfit.loop.steps import Rewinding, Until
from priorfit.records.state_file import load_state, save_state
from tests.test_restore import FILTERS, PROBLEMS, TWO_STAGES, recipe


def test_a_fit_that_is_over_gives_the_same_picture_after_it_was_read_from_a_file(tmp_path):
    method = Recipe(recipe().prior, TWO_STAGES, FILTERS)
    first = Fit(PROBLEMS["identity"], method, [3])
    for _ in first:
        save_state(tmp_path / "fit", first.state_dict())
    second = Fit(PROBLEMS["identity"], method, [3], resume=load_state(tmp_path / "fit"))
    assert list(second) == []
    assert torch.equal(second.result().image, first.result().image)
    third = Fit(PROBLEMS["identity"], method, [3], resume=second.state_dict())
    assert torch.equal(third.result().image, first.result().image)


def test_a_fit_that_a_filter_had_ended_takes_no_further_step():
    method = recipe(filters=[partial(Until, lambda step: step.state.taken == 2, "so")])
    first = Fit(PROBLEMS["identity"], method, [0])
    taken = len(list(first))
    second = Fit(PROBLEMS["identity"], method, [0], resume=first.state_dict())
    assert (taken, list(second), second.result().why_stopped) == (2, [], "so")


def test_a_saved_fit_shares_what_nothing_moves():
    fit = Fit(PROBLEMS["identity"], recipe(filters=[partial(Rewinding, every=2)]), [0])
    for _ in fit:
        pass
    state = fit.state_dict()
    kept = state["filters"][0]["kept"]["code"]
    for name, tensor in state["loop"]["code"].items():
        assert (kept[name] is tensor) == (not name.startswith(("network", "buffers")))
