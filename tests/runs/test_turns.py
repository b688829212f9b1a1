"""Several jobs: errors, skips, frames that follow each other, and leaving in between."""

from types import SimpleNamespace

import pytest

from priorfit.runs import run
from priorfit.runs.turns import in_turn
from tests.tiny import changed, photo


@pytest.fixture
def jobs(job, tmp_path):
    names = ("1", "2", "3")
    return [
        changed(job, input=photo(tmp_path / f"{n}.png"), output=tmp_path / f"out-{n}.png")
        for n in names
    ]


def recording(seen, error=None, at=1):
    def perform(job, *, first, before):
        seen.append((job, first, before))
        if error is not None and len(seen) == at + 1:
            raise error
        return SimpleNamespace(job=job, tuned={"part": len(seen)})

    return perform


def test_an_error_ends_its_own_picture(jobs):
    seen, error = [], ValueError("bad")
    turns = list(in_turn(jobs, recording(seen, error)))
    assert [turn.job for turn in turns] == jobs
    assert [turn.error for turn in turns] == [None, error, None]
    assert [turn.left for turn in turns] == [2, 1, 0]
    assert [first for _, first, _ in seen] == [True, False, False]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), BrokenPipeError()])
def test_what_ends_the_command_ends_all(jobs, error):
    seen = []
    with pytest.raises(type(error)):
        list(in_turn(jobs, recording(seen, error)))
    assert len(seen) == 2


def test_whoever_stops_iterating_begins_no_further_picture(jobs):
    seen = []
    for turn in in_turn(jobs, recording(seen)):
        if turn.left == 1:
            break
    assert len(seen) == 2


def test_a_finished_picture_is_skipped_where_that_is_asked_for(jobs):
    jobs[0].output.touch()  # a picture alone is no finished one
    run(jobs[1])
    seen = []
    turns = list(in_turn(jobs, recording(seen), skip_existing=True))
    assert [turn.skipped for turn in turns] == [False, True, False]
    assert [job for job, *_ in seen] == [jobs[0], jobs[2]]


@pytest.mark.parametrize("bad", [None, 1])
def test_a_frame_begins_where_the_last_good_one_ended(jobs, bad):
    seen = []
    error = None if bad is None else ValueError()
    list(in_turn(jobs, recording(seen, error), sequence=7))
    (one, _, nothing), (two, _, after), (three, _, last) = seen
    assert (one.steps, two.steps, three.steps) == (None, 7, 7)
    assert nothing is None and after == {"part": 1}
    assert last == {"part": 2 if bad is None else 1}
    assert three.follows == jobs[1 if bad is None else 0].input


def test_pictures_that_are_no_frames_know_nothing_of_each_other(jobs):
    seen = []
    list(in_turn(jobs, recording(seen)))
    assert [before for *_, before in seen] == [None, None, None]
