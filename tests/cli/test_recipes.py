import pytest

from priorfit.recipes import SETTINGS


def test_every_recipe_is_listed_on_one_line(priorfit):
    answer = priorfit("recipes", "list")
    rows = [line.split("\t") for line in answer.out.splitlines()]
    assert answer.status == 0
    assert [row[0] for row in rows[1:]] == sorted(SETTINGS)
    assert {len(row) for row in rows} == {4}
    tasks = {"denoise", "inpaint", "upscale", "deblur", "dejpeg", "fuse"}
    assert {row[1] for row in rows[1:]} == tasks


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_every_number_is_shown_with_its_source(priorfit, name):
    answer = priorfit("recipes", "show", name)
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in answer.out.splitlines()}
    assert answer.status == 0
    assert all(rows[cited][1] for cited in ("network", "rate", "steps", "objective"))
    assert "0x" not in answer.out


def test_an_unknown_recipe_is_wrong_usage(priorfit):
    answer = priorfit("recipes", "show", "dip/denoize")
    assert answer.status == 2
    assert "did you mean 'dip/denoise'" in answer.err
