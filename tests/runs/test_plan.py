"""Jobs for several pictures, without a command line: what is refused, and by which name."""

from pathlib import Path

import pytest

from priorfit.errors import ImageFileError, RequestError
from priorfit.runs import Places, Request, plan_jobs
from priorfit.runs.plan import make_folders, matched
from priorfit.tasks import Denoise, Inpaint
from tests.tiny import hole, photo

REQUEST = Request(recipe="dip/denoise", steps=1)


def planned(names, places, request=REQUEST, task=None):
    task = task or Denoise()
    return plan_jobs([Path(name) for name in names], places, request, lambda path: task)


@pytest.fixture(autouse=True)
def pictures(tmp_path, monkeypatch, tiny_recipes):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    for name in ("a.png", "b.png", "other/a.png"):
        photo(tmp_path / name)
    return tmp_path


def test_each_picture_has_a_job_with_what_all_have_in_common():
    jobs = planned(["a.png", "b.png"], Places("out/", uncertainty="spread/"))
    assert [str(job.output) for job in jobs] == ["out/a.png", "out/b.png"]
    assert [str(job.uncertainty) for job in jobs] == ["spread/a.png", "spread/b.png"]
    for job in jobs:
        assert {name: getattr(job, name) for name in Request.model_fields} == dict(REQUEST)


def test_a_reference_is_one_for_all_or_of_the_same_name():
    one = planned(["a.png", "b.png"], Places("out/", reference=Path("a.png")))
    each = planned(["a.png", "b.png"], Places("out/", reference=Path("other")))
    assert [str(job.reference) for job in one] == ["a.png", "a.png"]
    assert [str(job.reference) for job in each] == ["other/a.png", "other/b.png"]


def test_a_file_of_the_same_stem_matches_too(tmp_path):
    photo(tmp_path / "other/b.tif")
    assert matched(Path("other"), Path("b.png")) == Path("other/b.tif")


WRONG = {
    "recipe": {"recipe": "dip/denoize"},
    "stop": {"stop": "soon"},
    "hand_out": {"hand_out": "biharmonic"},
}


@pytest.mark.parametrize("about", WRONG)
def test_a_setting_that_is_wrong_for_all_is_named(about):
    with pytest.raises(RequestError) as error:
        planned(["a.png"], Places("out/"), REQUEST.model_copy(update=WRONG[about]))
    assert error.value.about == about


COLLIDING = {
    "the name of one picture": (["a.png", "b.png"], Places("new.png"), "output"),
    "one for two, of deviations": (["a.png", "b.png"], Places("o/", None, "u.png"), "uncertainty"),
    "the same name twice": (["a.png", "other/a.png"], Places("out/"), "output"),
    "an input": (["a.png"], Places("a.png"), "output"),
    "an input of another": (["a.png", "other/a.png"], Places("other/"), "output"),
    "deviations over the result": (["a.png"], Places("c.png", None, "c.png"), "output"),
}


@pytest.mark.parametrize("case", COLLIDING)
def test_names_that_collide_are_refused_before_any_work(case, pictures):
    names, places, about = COLLIDING[case]
    before = sorted(pictures.rglob("*"))
    with pytest.raises(RequestError) as error:
        planned(names, places)
    assert error.value.about == about
    assert sorted(pictures.rglob("*")) == before


def test_what_all_pictures_need_is_looked_for_once():
    task = Inpaint(hole_mask=Path("missing.png"))
    with pytest.raises(ImageFileError, match=r"missing\.png: cannot be read: No such file"):
        planned(["a.png", "b.png"], Places("out/"), task=task)
    hole(Path("missing.png"))
    assert len(planned(["a.png", "b.png"], Places("out/"), task=task)) == 2


def test_folders_are_made_and_told():
    assert make_folders(Places("new/deep/", None, "spread/"), several=True) == [
        Path("new/deep"),
        Path("spread"),
    ]
    assert make_folders(Places("new/deep/"), several=True) == []
    with pytest.raises(ImageFileError, match=r"a\.png/x: cannot be written"):
        make_folders(Places("a.png/x/"), several=True)
