import json

import pytest


def test_a_suite_is_run_and_its_table_written(priorfit, folder):
    """The one test that runs a process: the command in it is the true one."""
    how = ["--only", "chelsea", "--corner", "32", "--steps", "1", "--threads", "1"]
    answer = priorfit("bench", "dip", "samples-denoise25", "--out", "made", *how)
    assert answer.status == 0, answer.err
    assert answer.out.splitlines()[-1] == "made/results.md: the table"
    (run,) = json.loads((folder / "made" / "results.json").read_text())["runs"]
    assert (run["steps"], run["threads"], run["image"]) == (1, 1, "chelsea")
    assert run["peak"] > 10**8
    assert "| chelsea |" in (folder / "made" / "results.md").read_text()
    again = priorfit("bench", "dip", "samples-denoise25", "--out", "made", *how)
    assert again.out.splitlines() == ["made/results.md: the table"]


def test_the_published_images_are_asked_for_in_a_line(priorfit):
    answer = priorfit("bench", "dip")
    assert answer.status == 1
    assert len(answer.lines) == 1 and "--images" in answer.err and "dmitryulyanov" in answer.err


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nothing"], "samples-x4"),
        (["set5_x4", "--recipe", "dip/denoise"], "is for denoise"),
        (["set5_x4", "--recipe", "dip/nothing"], "did you mean"),
        (["set5_x4", "--only", "F16"], "butterfly"),
    ],
)
def test_wrong_usage_is_a_line(priorfit, arguments, word):
    answer = priorfit("bench", "dip", *arguments)
    assert (answer.status, len(answer.lines)) == (2, 1)
    assert word in answer.err
