import io
import re
import socket
import time

import numpy as np
import pytest
import torch

from priorfit.cli import main as priorfit
from priorfit.demo import main
from priorfit.demo.damage import EXHIBITS, SIDE, hole_of
from priorfit.demo.pace import Pace, measure, seconds_of_a_step
from priorfit.demo.pulse import pulse
from priorfit.demo.run import WHOLE, foretold, limit_of
from priorfit.errors import PriorfitError
from priorfit.metrics import psnr
from priorfit.report.sheet import side_by_side
from priorfit.tasks import Denoise, Inpaint
from tests.markup import Elements
from tests.tiny import photo, pixels

each_exhibit = pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda exhibit: exhibit.name)

FILES = ["damaged.png", "restored.png", "restored.png.html", "restored.png.json", "truth.png"]


@pytest.fixture
def _as_before():
    """What the command line switches on in torch is switched off again."""
    yield
    torch.set_flush_denormal(False)
    torch.set_num_threads(1)


@pytest.fixture
def side(monkeypatch: pytest.MonkeyPatch) -> int:
    """Crops so small that their restoration takes no time."""
    monkeypatch.setattr("priorfit.demo.damage.SIDE", 64)
    return 64


def brisk() -> Pace:
    return Pace(threads=1, slowness=1.0)


@each_exhibit
def test_the_photographs_are_there_without_a_network(exhibit, monkeypatch):
    monkeypatch.setattr(socket, "socket", None)
    truth = exhibit.truth()
    assert truth.shape[-2:] == (SIDE, SIDE) and truth.shape[1] in (1, 3)
    assert 0.1 < truth.std() < 0.5  # a photograph, not a plain wall


@each_exhibit
def test_damage_is_the_same_every_time(exhibit):
    a, b = exhibit.damage(exhibit.truth()), exhibit.damage(exhibit.truth())
    assert torch.equal(a.observation, b.observation)
    assert a.observation.shape[1] == exhibit.truth().shape[1]
    levels = a.observation * 255
    assert torch.allclose(levels, levels.round(), atol=1e-4)


@each_exhibit
def test_the_cheap_methods_improve_the_picture(exhibit, side):
    truth = exhibit.truth()
    problem = exhibit.damage(truth)
    large = torch.nn.functional.interpolate(problem.observation, (side, side))
    for method in exhibit.comparators:
        assert psnr(method.solve(problem), truth) > psnr(large, truth) + 2


@each_exhibit
def test_the_command_that_is_shown_is_what_is_done(exhibit, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("priorfit.cli.session._each", lambda jobs, common: seen.extend(jobs) or 0)
    monkeypatch.chdir(tmp_path)
    for name in ("in.png", f"{exhibit.name}-hole.png"):
        photo(tmp_path / name)
    priorfit([*exhibit.command, "in.png", "-o", "out.png"])
    assert seen[0].recipe == exhibit.recipe
    task = exhibit.task(tmp_path / f"{exhibit.name}-hole.png").for_recipe(exhibit.recipe)
    assert seen[0].task.arguments == task.arguments


@pytest.mark.parametrize("number, least, most", [(0, 0.1, 0.2), (1, 0.02, 0.06)])
def test_holes_are_as_large_as_the_page_says(number, least, most):
    exhibit = EXHIBITS[number]
    assert least < float(hole_of(exhibit.damage(exhibit.truth())).mean()) < most


@pytest.mark.usefixtures("tiny_recipes", "_as_before")
def test_the_demonstration_restores_and_its_page_says_what_its_lines_say(tmp_path, capsys, side):
    folder = tmp_path / "new" / "demo"
    main(folder, steps=2, pace=brisk)
    for exhibit in EXHIBITS:
        for file in FILES:
            assert (folder / f"{exhibit.name}-{file}").is_file()
        assert pixels(folder / f"{exhibit.name}-before-after.png").shape[1] > 3 * side
    page = Elements((folder / "index.html").read_text("utf-8"))
    assert len(page.all("input")) == len(EXHIBITS)
    for link in page.all("a"):
        assert link["href"].startswith("#") or (folder / link["href"]).is_file()
    assert all(image["src"].startswith("data:") for image in page.all("img"))
    said = capsys.readouterr().out
    assert said.startswith("4 photographs, damaged and restored: about ")
    assert "[1/4] text written over it: priorfit inpaint --hole-mask text-hole.png\n" in said
    assert said.endswith(f"before and after: {(folder / 'index.html').as_uri()}\n")
    words = " ".join(page.words)
    figures = re.findall(r"([\d.]+) dB", said)
    assert len(figures) >= 3 * len(EXHIBITS) + 1  # noise has two cheap methods
    assert all(figure in words for figure in figures)
    assert "block matching" in words and "block matching" in said
    assert "?" not in said


@pytest.mark.usefixtures("tiny_recipes", "_as_before")
def test_a_failure_is_told_and_the_others_are_shown(tmp_path, monkeypatch, capsys, side):
    stale = photo(tmp_path / "scratch-restored.png", size=(side, side))

    def lay(self, picture, path):
        raise PriorfitError("no luck")

    monkeypatch.setattr(Inpaint, "lay", lay)
    with pytest.raises(PriorfitError, match=r"^1 of 2 restorations failed, see above: scratch$"):
        main(tmp_path, steps=2, exhibits=EXHIBITS[1:3], pace=brisk)
    page = Elements((tmp_path / "index.html").read_text("utf-8"))
    assert not stale.exists()
    assert len(page.all("input")) == 1
    assert "failed: no luck" in " ".join(page.words)
    assert "failed: no luck" in capsys.readouterr().out


@pytest.mark.usefixtures("tiny_recipes", "_as_before", "side")
def test_ctrl_c_shows_what_is_done(tmp_path, monkeypatch):
    def restart(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Denoise, "lay", restart)
    with pytest.raises(KeyboardInterrupt):
        main(tmp_path, steps=2, exhibits=EXHIBITS[1:3], pace=brisk)
    page = Elements((tmp_path / "index.html").read_text("utf-8"))
    assert len(page.all("input")) == 1


@pytest.mark.parametrize("slowness", [0.1, 1.0, 3.0, 10.0, 1000.0])
def test_however_busy_the_machine_the_whole_is_bounded(slowness, tmp_path):
    spent = 0.0
    for number in range(len(EXHIBITS)):
        limit = limit_of(EXHIBITS[number:], Pace(1, slowness), WHOLE - spent)
        assert limit >= 10
        spent += limit
    assert spent <= WHOLE + len(EXHIBITS)
    assert re.search(r"about \d+ min on 1 thread,", foretold(EXHIBITS, Pace(1, slowness), tmp_path))


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [({1: 1.0, 2: 0.5, 4: 0.3}, 4), ({1: 1.0, 2: 3.0, 4: 9.0}, 1), ({1: 1.0, 2: 0.95, 4: 0.94}, 1)],
)
@pytest.mark.usefixtures("_as_before")
def test_the_number_of_threads_is_the_fastest_one_that_is_worth_it(seconds, expected):
    pace = measure(step=seconds.__getitem__, cores=4)
    assert (pace.threads, torch.get_num_threads()) == (expected, expected)
    assert pace.slowness == pytest.approx(
        seconds[expected] / seconds[1] * measure(lambda n: 1.0, 1).slowness
    )


@pytest.mark.usefixtures("_as_before")
def test_a_step_takes_some_time(monkeypatch):
    monkeypatch.setattr("priorfit.demo.pace._PATIENCE", 0.0)
    monkeypatch.setattr("priorfit.demo.pace._STEPS", 1)
    assert 0 < seconds_of_a_step(1) < 10


def test_there_is_a_sign_of_life_in_every_second_where_there_is_no_terminal():
    stream = io.StringIO()
    with pulse(1.0, stream, every=0.01) as doing:
        before = stream.getvalue()
        time.sleep(0.15)
        assert doing.now == "preparing"
    assert len(stream.getvalue()) > len(before) + 8
    assert re.fullmatch(r" +(\.|10|20|30)+\n", stream.getvalue())


def test_on_a_terminal_a_bar_says_what_is_being_done(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    with pulse(60.0, stream, every=0.01) as doing:
        doing.now = "step 3 of about 40"
        time.sleep(0.25)
    shown = stream.getvalue()
    assert "of about 60 s" in shown and "step 3 of about 40" in shown
    assert "?" not in re.sub(r"\x1b\[\?\d+[hl]", "", shown)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PriorfitError, match="file cannot be made"):
        main(tmp_path / "file")


def test_pictures_side_by_side_keep_their_pixels():
    small, large = torch.zeros(1, 1, 16, 20), torch.full((1, 3, 64, 80), 0.2)
    sheet = np.array(side_by_side([("a", small), ("b", large)]))
    assert sheet.shape == (64 + 26 + 8, 2 * 80 + 3 * 8, 3)
    assert (sheet[26:90, 8:88] == 0).all() and (sheet[26:90, 96:176] == 51).all()


@pytest.mark.usefixtures("_as_before")
@pytest.mark.parametrize("begun", [True, False])
def test_ctrl_c_says_which_folder_holds_what_is_done(tmp_path, monkeypatch, capsys, begun):
    def interrupted(folder):
        if begun:
            folder.mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr("priorfit.demo.main", interrupted)
    assert priorfit(["demo", "--out", str(tmp_path / "demo")]) == 130
    said = f"what is done is in {tmp_path / 'demo'}" if begun else "nothing was written"
    assert capsys.readouterr().err == f"priorfit: interrupted, {said}\n"
