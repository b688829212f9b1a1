"""Names for what is read and written: what a stranger types, and what is said of it."""

import numpy as np
import pytest
from PIL import Image

from tests.tiny import array, hole, photo


@pytest.fixture
def pictures(folder):
    for name in ("a.png", "b.png"):
        photo(folder / name)
    return folder


INPUTS = {
    "scans/": "is a folder, not a file: name the pictures in it, say scans/*",
    "https://example.com/a.png": "is an address, and nothing is downloaded",
    "ftp://example.com/a.png": "is an address",
    "-": "standard input is not read",
    "scans/*.jpg": "nothing that this pattern matches",
    "missing.bmp": "No such file",
    "scans/Thumbs.db": "is not an image",
    "notes.txt": "is not an image",
}
INPUTS["scans"] = INPUTS["scans/"]


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("output", ["out", "out/", "b.png", "b.xyz"])
def test_the_message_is_about_the_input(priorfit, folder, name, output):
    (folder / "scans").mkdir()
    (folder / "scans/Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(99))
    (folder / "notes.txt").write_text("words")
    answer = priorfit("denoise", name, "-o", output, "--steps", 1)
    assert answer.status == 1
    assert len(answer.lines) == 1
    assert INPUTS[name] in answer.err
    assert name.rstrip("/") in answer.err  # as it was typed
    assert "cannot be written" not in answer.err
    assert "expected a name ending" not in answer.err
    assert not (folder / "out").exists()


@pytest.mark.parametrize("option", ["--reference", "--hole-mask"])
def test_files_beside_the_picture_may_be_no_address_either(priorfit, pictures, option):
    given = [] if option == "--hole-mask" else ["--hole-mask", hole(pictures / "mask.png").name]
    address = "https://example.com/m.png"
    answer = priorfit("inpaint", "a.png", "-o", "c.png", option, address, *given)
    assert answer.status == 1
    assert f"{address}: is an address, and nothing is downloaded" in answer.lines[-1]


@pytest.mark.parametrize("name", ["new.png", "new.TIF", "made.jpg", "x.heic", "x.bmp", "x.jp2"])
def test_a_name_for_one_picture_is_no_folder_for_two(priorfit, pictures, name):
    answer = priorfit("denoise", "a.png", "b.png", "-o", name)
    assert answer.status == 2
    assert f"{name} is a name for one picture, expected a folder for 2" in answer.err
    assert not (pictures / name).exists()


@pytest.mark.parametrize("name", ["there.png", "there"])
def test_a_file_is_no_folder(priorfit, pictures, name):
    (pictures / name).write_bytes(b"mine")
    answer = priorfit("denoise", "a.png", "b.png", "-o", name)
    assert answer.status == 1
    assert f"{name} is a file, expected a folder for 2 pictures" in answer.err
    assert (pictures / name).read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["new", "new.png/", "v1.2"])
def test_a_folder_by_any_other_name_is_made(priorfit, pictures, name):
    assert priorfit("denoise", "a.png", "b.png", "-o", name).status == 0
    assert {"a.png", "b.png"} <= {path.name for path in (pictures / name).iterdir()}


OUTPUTS = [
    ("denoise", "a.png", "-o"),
    ("compare", "a.png", "-o"),
    ("denoise", "a.png", "-o", "c.png", "--uncertainty"),
    ("bench", "dip", "samples-denoise25", "--out"),
    ("demo", "--out"),
    ("train", "generator", "--data", "a.png", "-o"),
    ("analyse", "impedance", "a.png", "-o"),
]


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "https://example.com/a.png", "s3://x/a.png"])
@pytest.mark.parametrize("command", OUTPUTS)
def test_nothing_is_written_to_a_stream_or_an_address(priorfit, pictures, command, name):
    answer = priorfit(*command, name)
    assert answer.status == 2
    assert len(answer.lines) == 1
    assert "nothing is written to" in answer.err
    assert {path.name for path in pictures.iterdir()} == {"a.png", "b.png"}


@pytest.mark.parametrize("name", ["a.dat", "a", "a.b.c"])
@pytest.mark.parametrize(("kind", "ending"), [("PNG", ".png"), ("JPEG", ".jpg"), ("TIFF", ".tif")])
def test_a_result_in_a_folder_has_an_ending_of_its_kind(priorfit, folder, name, kind, ending):
    """Nobody names the results there, so nobody could have chosen another."""
    Image.fromarray(array()).save(folder / name, format=kind)
    assert priorfit("denoise", name, "-o", "out/").status == 0
    assert (folder / "out" / (name.removesuffix(".dat").removesuffix(".c") + ending)).exists()


def test_standard_deviations_in_a_folder_have_an_ending_that_holds_them(priorfit, folder):
    photo(folder / "a.jpg")
    given = ("--recipe", "dip/denoise-posterior", "--steps", 1, "--uncertainty", "spread/")
    answer = priorfit("denoise", "a.jpg", "-o", "out/", *given)
    assert "standard deviations go into" not in answer.err


@pytest.mark.parametrize("device", ["gpu", "warp", "cuda:63"])
def test_a_device_that_is_not_there_is_said_once(priorfit, pictures, device):
    answer = priorfit("denoise", "a.png", "b.png", "-o", "out", "--device", device)
    assert answer.status == 1
    assert len(answer.lines) == 1
    assert device in answer.err
    assert not (pictures / "out").exists()


@pytest.mark.parametrize(
    ("command", "option"),
    [("deblur", "--psf"), ("inpaint", "--hole-mask"), ("inpaint", "--known-mask")],
)
def test_a_file_for_all_pictures_that_is_missing_is_said_once(priorfit, pictures, command, option):
    answer = priorfit(command, "a.png", "b.png", "-o", "out", option, "missing.png")
    assert answer.status == 1
    assert answer.lines == ["priorfit: missing.png: cannot be read: No such file or directory"]


@pytest.mark.parametrize("size", ["10", "10KB", "1MB"])
def test_too_little_memory_for_anything_is_named(priorfit, pictures, size):
    answer = priorfit("denoise", "a.png", "-o", "c.png", "--memory-limit", size)
    assert answer.status == 1
    assert "0 pixels" not in answer.err
    assert "the program takes without any picture: give --memory-limit more" in answer.lines[-1]


def test_a_picture_too_large_for_the_limit_names_it(priorfit, folder, monkeypatch):
    monkeypatch.setattr("priorfit.runs.reading.used", lambda: 0)
    np.save(folder / "a.npy", np.zeros((400, 400), np.float32))
    answer = priorfit("denoise", "a.npy", "-o", "b.npy", "--memory-limit", "100KB")
    assert answer.status == 1
    assert "give --memory-limit more" in answer.lines[-1]
