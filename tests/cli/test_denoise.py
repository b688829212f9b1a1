import json

import numpy as np
import pytest

from priorfit.records.sidecar import load_sidecar
from tests.markup import Elements
from tests.tiny import photo, pixels


def test_a_picture_in_a_picture_out(priorfit, folder):
    photo(folder / "a.png")
    how = ("--noise-std", "25/255", "--hand-out", "fit")
    answer = priorfit("denoise", "a.png", "-o", "b.png", *how)
    assert answer.status == 0
    assert answer.out.startswith("b.png: 4 steps, ")
    assert answer.lines == [
        "dip/denoise: 4 steps a picture; --time-limit or --steps sets another length"
    ]
    assert pixels(folder / "b.png").shape == (20, 24, 3)
    assert load_sidecar(folder / "b.png").noise_std == pytest.approx(25 / 255)


def test_several_pictures_keep_their_names_in_a_folder_that_is_made(priorfit, folder):
    for name in ("a.png", "b.jpg", "c.png"):
        photo(folder / name)
    how = ("-o", "new/out", "--steps", 2, "--hand-out", "fit")
    answer = priorfit("denoise", "a.png", "b.jpg", "c.png", *how)
    assert answer.status == 0
    assert answer.err.startswith("priorfit: b.jpg: compressed again")
    assert len(answer.out.splitlines()) == 3
    written = sorted(path.name for path in (folder / "new/out").iterdir())
    assert written == ["a.png", "a.png.json", "b.jpg", "b.jpg.json", "c.png", "c.png.json"]


@pytest.mark.parametrize("name", ["there", "there.d", "new", "new/er", "new.d/"])
def test_one_picture_goes_into_a_folder(priorfit, folder, name):
    photo(folder / "a.png")
    for there in ("there", "there.d"):
        (folder / there).mkdir()
    assert priorfit("denoise", "a.png", "-o", name, "--steps", 1).status == 0
    assert (folder / name / "a.png").exists()


def test_a_file_without_an_ending_is_no_folder(priorfit, folder):
    photo(folder / "a.png")
    (folder / "out").write_text("mine")
    answer = priorfit("denoise", "a.png", "-o", "out", "--steps", 1)
    assert (answer.status, len(answer.lines)) == (1, 1)
    assert (folder / "out").read_text() == "mine"


def test_json_is_one_object_a_picture_and_nothing_else(priorfit, folder):
    for name in ("a.png", "b.png"):
        photo(folder / name)
    (folder / "bad.png").write_text("words")
    answer = priorfit("denoise", "a.png", "bad.png", "b.png", "-o", "out", "--json")
    first, bad, second = map(json.loads, answer.out.splitlines())
    assert (first["input"], second["output"]) == ("a.png", "out/b.png")
    assert first["steps"] == 4
    assert bad["error"].startswith("bad.png: is not an image")
    assert answer.status == 1


def test_quiet_says_nothing(priorfit, folder):
    photo(folder / "a.png")
    answer = priorfit("denoise", "a.png", "-o", "b.png", "--quiet")
    assert answer == (0, "", "")


def test_a_reference_adds_metrics(priorfit, folder):
    photo(folder / "a.png")
    (folder / "clean").mkdir()
    photo(folder / "clean/a.png", seed=1)
    answer = priorfit("denoise", "a.png", "-o", "b.png", "--reference", "clean")
    assert "psnr" in answer.out
    assert set(load_sidecar(folder / "b.png").metrics) == {"psnr", "ssim"}


def test_the_sidecar_says_how_to_make_the_same_bytes(priorfit, folder):
    photo(folder / "a.png")
    priorfit("denoise", "a.png", "-o", "b.png", "--steps", 3, "--seed", 7)
    repeat = load_sidecar(folder / "b.png").repeat
    assert priorfit("denoise", "a.png", "-o", "c.png", *repeat).status == 0
    assert (folder / "b.png").read_bytes() == (folder / "c.png").read_bytes()


def test_an_output_is_replaced_on_request_only(priorfit, folder):
    photo(folder / "a.png")
    photo(folder / "b.png")
    before = (folder / "b.png").read_bytes()
    refused = priorfit("denoise", "a.png", "-o", "b.png")
    assert refused.status == 1
    assert "b.png: exists already" in refused.err
    assert (folder / "b.png").read_bytes() == before
    assert priorfit("denoise", "a.png", "-o", "b.png", "--overwrite").status == 0
    assert (folder / "b.png").read_bytes() != before


def test_a_time_limit_is_taken(priorfit, folder):
    photo(folder / "a.png")
    answer = priorfit("denoise", "a.png", "-o", "b.png", "--time-limit", 0.2)
    assert answer.status == 0
    assert load_sidecar(folder / "b.png").seconds > 0


def test_what_is_lost_is_said(priorfit, folder):
    photo(folder / "a.png", channels=0)
    answer = priorfit("denoise", "a.png", "-o", "b.webp", "--steps", 1)
    assert answer.status == 0
    assert answer.lines == ["priorfit: a.png: grey stored as RGB, all that WebP holds"]


def test_a_report_stands_beside_the_picture(priorfit, folder):
    pytest.importorskip("jinja2", reason="needs the extra report")
    photo(folder / "a.png")
    assert priorfit("denoise", "a.png", "-o", "b.png", "--report").status == 0
    assert "<html" in (folder / "b.png.html").read_text()


@pytest.mark.parametrize(
    "name", ["ü 日.png", "-a.png", "two\nlines.png", "\x1b[31mred.png", "\udcff.png"]
)
def test_any_name_will_do(priorfit, folder, name):
    photo(folder / name)
    (folder / "out").mkdir()
    answer = priorfit("denoise", "-o", "out", "--noise-std", 0.1, "--", name)
    assert (answer.status, len(answer.out.splitlines())) == (0, 1)
    assert "\x1b" not in answer.out
    assert load_sidecar(folder / "out" / name).inputs[0].name == name
    failed = priorfit("denoise", "-o", "out", "--noise-std", 0.1, "-q", "--", name)
    assert (failed.status, len(failed.lines)) == (1, 1)


def test_pictures_of_steps_are_kept_beside_the_result(priorfit, folder):
    photo(folder / "in.png")
    answer = priorfit("denoise", "in.png", "-o", "out.png", "--snapshots", "2,3")
    assert answer.status == 0
    kept = [pixels(folder / f"out-step{step}.png") for step in (2, 3)]
    assert kept[0].shape == kept[1].shape == (20, 24, 3)
    assert not np.array_equal(*kept)
    assert not (folder / "out-step1.png").exists()
    plain = priorfit("denoise", "in.png", "-o", "plain.png")
    assert plain.status == 0
    assert (folder / "plain.png").read_bytes() == (folder / "out.png").read_bytes()


def test_the_report_has_the_start_and_the_steps_that_were_kept(priorfit, folder):
    pytest.importorskip("jinja2")
    photo(folder / "in.png")
    assert priorfit("denoise", "in.png", "-o", "o.png", "--snapshots", "3", "--report").status == 0
    page = Elements((folder / "o.png.html").read_text("utf-8"))
    assert {"start", "step 3"} <= {image["alt"] for image in page.all("img")}


@pytest.mark.parametrize("text", ["", "0", "1,-2", "a", "1.5", "1,,2"])
def test_what_is_no_list_of_steps_is_wrong_usage(priorfit, folder, text):
    photo(folder / "in.png")
    answer = priorfit("denoise", "in.png", "-o", "out.png", f"--snapshots={text}")
    assert answer.status == 2 and "100,600,2400" in answer.err


def test_the_report_shows_what_the_fit_began_with_and_no_file_does(priorfit, folder):
    photo(folder / "in.png")
    assert priorfit("denoise", "in.png", "-o", "o.png", "--report").status == 0
    page = Elements((folder / "o.png.html").read_text("utf-8"))
    assert "start" in {image["alt"] for image in page.all("img")}
    assert not list(folder.glob("o-step*"))
