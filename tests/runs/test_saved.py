from dataclasses import replace
from functools import partial

import pytest

from priorfit import recipes
from priorfit.errors import PriorfitError
from priorfit.loop.steps import Best, Smoothed
from priorfit.priors.inputs import Guide
from priorfit.recipes.method import Cited
from priorfit.runs import load_saved, resume, run
from tests.tiny import TINY, changed, photo


def interrupting(at):
    def watch(progress):
        if progress.step == at:
            raise KeyboardInterrupt

    return watch


FILTERS = {
    "averaged": [partial(Smoothed, 0.9)],
    "best": [Best],
    "plain": [],
}


@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize("at", [1, 2, 5])
def test_an_interrupted_run_goes_on_to_the_same_bytes(job, tmp_path, monkeypatch, at, filters):
    setting = replace(TINY, filters=Cited(filters, "tests"))
    monkeypatch.setitem(recipes.METHODS, "dip/denoise", setting)
    job = changed(job, steps=6)
    whole = changed(job, output=tmp_path / "whole.png")
    run(whole)
    outcome = run(job, interrupting(at))
    assert outcome.run_folder == job.run_folder
    assert (outcome.sidecar.steps, outcome.sidecar.stop_reason) == (at, "interrupted")
    assert job.output.exists()
    assert (outcome.sidecar.planned, outcome.sidecar.repeat[-2:]) == (6, ("--steps", str(at)))
    seconds = load_saved(job.run_folder).seconds
    resumed = resume(job.run_folder)
    assert job.output.read_bytes() == whole.output.read_bytes()
    assert (resumed.sidecar.steps, len(resumed.sidecar.loss_curve)) == (6, 6)
    assert resumed.sidecar.seconds > seconds
    assert not job.run_folder.exists()


def test_a_run_can_be_interrupted_again_and_again(job, tmp_path):
    whole = changed(job, output=tmp_path / "whole.png")
    run(whole)
    run(job, interrupting(1))
    for at in (2, 3):
        assert resume(job.run_folder, interrupting(at)).sidecar.steps == at
    resume(job.run_folder)
    assert job.output.read_bytes() == whole.output.read_bytes()


def test_an_interruption_at_the_last_step_cuts_nothing_short(job):
    outcome = run(job, interrupting(4))
    assert outcome.run_folder is None
    assert outcome.sidecar.stop_reason == "the steps of the recipe are done"


def test_an_interruption_before_the_first_step_writes_nothing(job, monkeypatch):
    def interrupted(problem):
        raise KeyboardInterrupt

    guided = replace(TINY, inputs=Cited([Guide(interrupted)], "tests"))
    monkeypatch.setitem(recipes.METHODS, "dip/denoise", guided)
    with pytest.raises(KeyboardInterrupt):
        run(job)
    assert {path.name for path in job.output.parent.iterdir()} == {"in.png"}


def test_the_picture_so_far_is_that_of_stopping_there(job, tmp_path):
    run(job, interrupting(2))
    stopped = changed(job, output=tmp_path / "stopped.png", steps=2)
    run(stopped)
    assert job.output.read_bytes() == stopped.output.read_bytes()


def test_a_run_does_not_go_on_with_other_files(job):
    run(job, interrupting(1))
    photo(job.input, seed=1)
    with pytest.raises(PriorfitError, match="have changed"):
        resume(job.run_folder)


def test_a_run_does_not_go_on_with_another_network(job, monkeypatch):
    run(job, interrupting(1))
    monkeypatch.setitem(recipes.METHODS, "dip/denoise", recipes.METHODS["dip/denoise-paper"])
    with pytest.raises(PriorfitError, match="does not fit its recipe"):
        resume(job.run_folder)


def test_what_is_no_run_folder_is_refused(tmp_path):
    with pytest.raises(PriorfitError, match="is no folder of an interrupted run"):
        resume(tmp_path)
    (tmp_path / "checkpoint.safetensors").write_text("{}")
    with pytest.raises(PriorfitError, match="damaged"):
        resume(tmp_path)


def test_pictures_of_steps_survive_an_interruption(job, tmp_path):
    job = changed(job, snapshots=(1, 3))
    whole = changed(job, output=tmp_path / "whole.png")
    assert list(run(whole).snapshots) == [1, 3]
    run(job, interrupting(2))
    assert not job.snapshot(3).exists()
    assert list(resume(job.run_folder).snapshots) == [1, 3]
    for step in (1, 3):
        assert job.snapshot(step).read_bytes() == whole.snapshot(step).read_bytes()
