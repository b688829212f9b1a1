import socket

import numpy as np
import pytest
import torch

from priorfit.cli import main as priorfit
from priorfit.demo import main
from priorfit.demo.damage import EXHIBITS, hole_of
from priorfit.demo.run import in_a_process
from priorfit.errors import PriorfitError
from priorfit.metrics import psnr
from priorfit.report.sheet import side_by_side
from tests.markup import Elements
from tests.tiny import photo, pixels

each_exhibit = pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda exhibit: exhibit.name)

FILES = ["damaged.png", "restored.png", "restored.png.html", "restored.png.json", "truth.png"]


@pytest.fixture
def _as_before():
    """What the command line switches on in torch is switched off again."""
    yield
    torch.set_flush_denormal(False)


@each_exhibit
def test_the_photographs_are_there_without_a_network(exhibit, monkeypatch):
    monkeypatch.setattr(socket, "socket", None)
    truth = exhibit.truth()
    assert truth.shape[-2:] == (256, 256) and truth.shape[1] in (1, 3)
    assert 0.1 < truth.std() < 0.5  # a photograph, not a plain wall


@each_exhibit
def test_damage_is_the_same_every_time(exhibit):
    a, b = exhibit.damage(exhibit.truth()), exhibit.damage(exhibit.truth())
    assert torch.equal(a.observation, b.observation)
    assert a.observation.shape[1] == exhibit.truth().shape[1]
    levels = a.observation * 255
    assert torch.allclose(levels, levels.round(), atol=1e-4)


@each_exhibit
def test_the_cheap_method_improves_the_picture(exhibit):
    truth = exhibit.truth()
    problem = exhibit.damage(truth)
    large = torch.nn.functional.interpolate(problem.observation, (256, 256))
    assert psnr(exhibit.comparator.solve(problem), truth) > psnr(large, truth) + 2


@pytest.mark.parametrize("number, least, most", [(0, 0.1, 0.2), (1, 0.02, 0.06)])
def test_holes_are_as_large_as_the_page_says(number, least, most):
    exhibit = EXHIBITS[number]
    assert least < float(hole_of(exhibit.damage(exhibit.truth())).mean()) < most


@pytest.mark.usefixtures("tiny_recipes", "_as_before")
def test_the_demonstration_restores_with_the_command_line(tmp_path, capsys):
    folder = tmp_path / "new" / "demo"
    main(folder, length=["--steps", "2"], command=priorfit)
    for exhibit in EXHIBITS:
        for file in FILES:
            assert (folder / f"{exhibit.name}-{file}").is_file()
        assert pixels(folder / f"{exhibit.name}-before-after.png").shape[1] > 3 * 256
    page = Elements((folder / "index.html").read_text("utf-8"))
    assert len(page.all("input")) == len(EXHIBITS)
    for link in page.all("a"):
        assert link["href"].startswith("#") or (folder / link["href"]).is_file()
    assert all(image["src"].startswith("data:") for image in page.all("img"))
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "[1/4] text written over it: priorfit inpaint"
    assert said[-1] == f"before and after: {(folder / 'index.html').as_uri()}"


@pytest.mark.usefixtures("tiny_recipes", "_as_before")
def test_a_failure_is_told_and_the_others_are_shown(tmp_path):
    stale = photo(tmp_path / "scratch-restored.png", size=(256, 256))

    def command(arguments):
        return 1 if "scratch" in arguments[1] else priorfit(arguments)

    with pytest.raises(PriorfitError, match=r"^1 of 2 restorations failed, see above: scratch$"):
        main(tmp_path, length=["--steps", "2"], exhibits=EXHIBITS[1:3], command=command)
    page = Elements((tmp_path / "index.html").read_text("utf-8"))
    assert not stale.exists()
    assert len(page.all("input")) == 1
    assert "This restoration failed" in " ".join(page.words)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PriorfitError, match="file cannot be made"):
        main(tmp_path / "file")


def test_pictures_side_by_side_keep_their_pixels():
    small, large = torch.zeros(1, 1, 16, 20), torch.full((1, 3, 64, 80), 0.2)
    sheet = np.array(side_by_side([("a", small), ("b", large)]))
    assert sheet.shape == (64 + 26 + 8, 2 * 80 + 3 * 8, 3)
    assert (sheet[26:90, 8:88] == 0).all() and (sheet[26:90, 96:176] == 51).all()


def test_the_command_runs_in_a_process_of_its_own(capfd):
    assert in_a_process(["--version"]) == 0
    assert capfd.readouterr().out.startswith("priorfit ")
    assert in_a_process(["no-such-command"]) == 2


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
