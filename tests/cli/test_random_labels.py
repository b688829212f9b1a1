import json

import pytest

from tests.markup import Elements
from tests.tiny import photo

QUICK = ("analyse", "random-labels", "-o", "c.json", "--epochs", 1, "--size", 8)
LESSONS = ["true labels", "random labels", "shuffled pixels", "random pixels", "normal noise"]


@pytest.fixture
def classes(folder):
    """Two classes of three photographs."""
    for name in ("cats", "dogs"):
        (folder / "all" / name).mkdir(parents=True)
        for seed in range(3):
            photo(folder / "all" / name / f"{seed}.png", seed=seed)
    return folder


def test_five_curves_of_ones_own_photographs(priorfit, classes):
    answer = priorfit(*QUICK, "all", "--report")
    assert answer.status == 0
    record = json.loads((classes / "c.json").read_text())
    assert list(record["curves"]) == list(record["values"]) == LESSONS
    assert record["inputs"][0]["name"] == "all"
    assert answer.out.startswith("c.json: ")
    page = Elements((classes / "c.json.html").read_text("utf-8"))
    assert set(LESSONS) <= {image["alt"] for image in page.all("img")}


def test_the_record_says_how_to_make_the_same_numbers(priorfit, classes):
    assert priorfit(*QUICK, "all", "-q", "--seed", 5, "--threads", 1).status == 0
    first = json.loads((classes / "c.json").read_text())
    words = (*first["task"].split(), "all", "-o", "d.json", *first["repeat"])
    assert priorfit(*words, "-q").status == 0
    again = json.loads((classes / "d.json").read_text())
    assert again["curves"] == first["curves"]


def test_without_a_folder_there_are_photographs_too(priorfit, folder, monkeypatch):
    monkeypatch.setattr("priorfit.analysis.labels.crops.__defaults__", (8, 2))
    assert priorfit(*QUICK, "-q").status == 0
    assert json.loads((folder / "c.json").read_text())["inputs"] == []


def test_photographs_without_classes_are_one_plain_line(priorfit, folder):
    (folder / "all").mkdir()
    photo(folder / "all/a.png")
    answer = priorfit(*QUICK, "all", "-q")
    assert (answer.status, len(answer.lines)) == (1, 1)
    assert "a folder with a folder for each" in answer.err
