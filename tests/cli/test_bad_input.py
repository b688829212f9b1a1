"""Whatever is wrong: one clear line, the right exit status, nothing lost."""

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from priorfit.classical import noise_level
from priorfit.engine import large
from tests.tiny import array, hole, photo, pixels

ROOT = Path(__file__).resolve().parents[2]


def png_that_claims(width, height):
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    rest = chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + rest


def truncated(path):
    whole = photo(path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def stack(path):
    pages = [Image.fromarray(array()) for _ in range(2)]
    pages[0].save(path, format="TIFF", save_all=True, append_images=pages[1:])


def infinite(path):
    picture = array(dtype=np.float32, channels=0)
    picture[0, 0] = np.inf
    with path.open("wb") as file:
        np.save(file, picture)


def with_nan(path):
    picture = array(dtype=np.float32, channels=0)
    picture[0, 0] = np.nan
    with path.open("wb") as file:
        np.save(file, picture)


FILES = {
    "missing": (lambda path: None, "No such file"),
    "a folder": (lambda path: path.mkdir(), ""),
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "a text file": (lambda path: path.write_text("words"), "is not an image"),
    "truncated": (truncated, ""),
    "far too large": (lambda p: p.write_bytes(png_that_claims(100_000, 100_000)), "100000×100000"),
    "too small": (lambda path: photo(path, size=(8, 8)), "at least 16×16"),
    "a stack": (stack, ""),
    "a FITS file": (lambda path: path.write_bytes(b"SIMPLE  =" + b" " * 99), "FITS"),
    "infinite pixels": (infinite, "infinite"),
    "NaN pixels": (with_nan, "inpaint"),
}


@pytest.mark.parametrize(("make", "message"), FILES.values(), ids=FILES)
def test_one_bad_picture_is_one_line_and_the_others_are_done(priorfit, folder, make, message):
    names = [f"{number}.png" for number in range(3)]
    for name in names:
        photo(folder / name)
    make(folder / "bad.png")
    how = ("--steps", 1, "--hand-out", "fit")
    answer = priorfit("denoise", names[0], "bad.png", *names[1:], "-o", "out", *how)
    assert answer.status == 1
    assert len(answer.lines) == 1
    assert answer.lines[0].startswith("priorfit: bad.png: ")
    assert message in answer.lines[0]
    assert len(answer.out.splitlines()) == 3
    assert all((folder / "out" / name).exists() for name in names)
    assert not (folder / "out/bad.png").exists()


USAGE = {
    "no recipe is called 'dip/denoize': did you mean 'dip/denoise'": ("--recipe", "dip/denoize"),
    "Invalid value for '--steps'": ("--steps", 0),
    "25/255 for grey levels of 8 bits, or 25counts for the picture's": ("--noise-std", 25),
    "got 8.5: say 8.5/255 for grey levels": ("--noise-std", 8.5),
    "got 300/255: say 300counts": ("--noise-std", "300/255"),
    "or auto, got 'loud'": ("--noise-std", "loud"),
    "or auto, got '-1'": ("--noise-std", -1),
    "or auto, got '-1counts'": ("--noise-std", "-1counts"),
    "or auto, got 'counts'": ("--noise-std", "counts"),
    "or auto, got '1/0'": ("--noise-std", "1/0"),
    "or auto, got 'inf'": ("--noise-std", "inf"),
    "or auto, got 'nan'": ("--noise-std", "nan"),
    "'--seed'": ("--seed", -1),
    "seconds above 0": ("--time-limit", 0),
    "seconds above 0, got nan": ("--time-limit", "nan"),
    "o such option": ("--noise", 0.1),
    "'--threads'": ("--threads", 0),
}


@pytest.mark.parametrize("message", USAGE)
def test_wrong_usage_is_one_plain_line(priorfit, folder, message):
    photo(folder / "a.png")
    answer = priorfit("denoise", "a.png", "-o", "b.png", *USAGE[message])
    assert answer.status == 2
    assert answer.out == ""
    assert len(answer.lines) == 1
    assert message.split(", got nan")[0] in answer.err
    assert answer.err.startswith("priorfit: ")
    assert [path.name for path in folder.iterdir()] == ["a.png"]


@pytest.mark.parametrize("arguments", [["denoise"], ["denoise", "a.png"], ["denoice"], ["--what"]])
def test_an_incomplete_command_is_wrong_usage(priorfit, arguments):
    answer = priorfit(*arguments)
    assert (answer.status, answer.out, len(answer.lines)) == (2, "", 1)


@pytest.mark.parametrize("factor", [0, 1, -2, "1.5", 100_000])
def test_a_factor_that_enlarges_nothing_is_refused(priorfit, folder, factor):
    photo(folder / "a.png")
    answer = priorfit("upscale", "a.png", "--factor", factor, "-o", "b.png", "-q")
    assert answer.status == (1 if factor == 100_000 else 2)
    assert len(answer.lines) == 1


@pytest.mark.parametrize("device", ["cuda:63", "mps:7", "warp"])
def test_a_device_that_is_not_there_is_one_line(priorfit, folder, device):
    photo(folder / "a.png")
    answer = priorfit("denoise", "a.png", "-o", "b.png", "--device", device, "-q")
    assert answer.status == 1
    assert len(answer.lines) == 1
    assert device in answer.err


MASKS = {
    "another size": (lambda path: hole(path, size=(24, 20)), "expected 24×20"),
    "nothing to fill": (lambda path: hole(path, rows=slice(0)), "nothing to fill"),
    "everything to fill": (
        lambda path: hole(path, rows=slice(None), columns=slice(None)),
        "nothing to go by",
    ),
    "missing": (lambda path: None, "No such file"),
    "a text file": (lambda path: path.write_text("words"), "is not an image"),
}


@pytest.mark.parametrize(("make", "message"), MASKS.values(), ids=MASKS)
def test_a_bad_mask_is_one_line(priorfit, folder, make, message):
    photo(folder / "a.png")
    make(folder / "mask.png")
    answer = priorfit("inpaint", "a.png", "--hole-mask", "mask.png", "-o", "b.png", "-q")
    assert answer.status == 1
    assert len(answer.lines) == 1
    assert answer.err.startswith("priorfit: a.png: ")
    assert message in answer.err


def test_inpainting_without_a_hole_says_what_to_give(priorfit, folder):
    photo(folder / "a.png")
    for option in ((), ("--hole-from-alpha",)):
        answer = priorfit("inpaint", "a.png", *option, "-o", "b.png", "-q")
        assert answer.status == 1
        assert "--hole-mask" in answer.err


def test_names_that_collide_are_wrong_usage_before_any_work(priorfit, folder):
    for place in ("one", "two"):
        (folder / place).mkdir()
        photo(folder / place / "a.png")
    answer = priorfit("denoise", "one/a.png", "two/a.png", "-o", "out")
    assert answer.status == 2
    assert "out/a.png" in answer.err
    assert not (folder / "out").exists()


@pytest.mark.parametrize("output", ["a.png", "../{}/a.png", "mask.png", "."])
def test_what_is_read_is_never_overwritten(priorfit, folder, output):
    photo(folder / "a.png")
    hole(folder / "mask.png")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    target = output.format(folder.name)
    command = ("inpaint", "a.png", "--hole-mask", "mask.png", "-o", target, "--overwrite")
    answer = priorfit(*command)
    assert answer.status == 2
    assert "is read by this command" in answer.err
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("output", ["b.bmp", "b", "none/b.png", "a.png/b.png"])
def test_a_place_that_cannot_be_written_is_refused_before_the_fit(
    priorfit, folder, monkeypatch, output
):
    photo(folder / "a.png")
    monkeypatch.setattr(large, "Fit", pytest.fail)
    answer = priorfit("denoise", "a.png", "-o", output, "--noise-std", 0.1, "-q")
    assert answer.status == 1
    assert len(answer.lines) == 1


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_without_the_right_to_write_is_refused(priorfit, folder):
    photo(folder / "a.png")
    photo(folder / "b.png")
    (folder / "out").mkdir(mode=0o500)
    answer = priorfit("denoise", "a.png", "b.png", "-o", "out", "-q")
    assert (answer.status, len(answer.lines)) == (1, 1)


def test_a_file_in_the_place_of_the_folder_is_refused(priorfit, folder):
    for name in ("a.png", "b.png", "out"):
        photo(folder / "x.png").rename(folder / name)
    answer = priorfit("denoise", "a.png", "b.png", "-o", "out", "-q")
    assert (answer.status, len(answer.lines)) == (1, 1)


def test_an_existing_output_fails_alone(priorfit, folder):
    (folder / "out").mkdir()
    for name in ("a.png", "b.png", "out/a.png"):
        photo(folder / name)
    before = (folder / "out/a.png").read_bytes()
    answer = priorfit("denoise", "a.png", "b.png", "-o", "out", "--steps", 1)
    assert answer.status == 1
    assert "--overwrite" in answer.err
    assert (folder / "out/a.png").read_bytes() == before
    assert (folder / "out/b.png").exists()


def test_alpha_that_the_format_cannot_hold_is_refused_before_the_fit(priorfit, folder, monkeypatch):
    photo(folder / "a.png", channels=4)
    monkeypatch.setattr(large, "Fit", pytest.fail)
    answer = priorfit("denoise", "a.png", "-o", "b.jpg", "--noise-std", 0.1, "-q")
    assert (answer.status, len(answer.lines)) == (1, 1)
    assert "alpha" in answer.err


def interrupt(*arguments, **named):
    raise KeyboardInterrupt


def test_ctrl_c_before_the_first_step_writes_nothing(priorfit, folder, monkeypatch):
    photo(folder / "a.png")
    monkeypatch.setattr(noise_level, "estimate_noise", interrupt)
    answer = priorfit("denoise", "a.png", "-o", "b.png", "-q")
    assert answer.status == 130
    assert answer.lines == [
        "priorfit: a.png: interrupted before the first step, nothing was written"
    ]
    assert [path.name for path in folder.iterdir()] == ["a.png"]


def test_ctrl_c_while_writing_leaves_no_half_of_anything(priorfit, folder, monkeypatch):
    photo(folder / "a.png")
    monkeypatch.setattr(os, "fsync", interrupt)
    answer = priorfit("denoise", "a.png", "-o", "b.png", "-q", "--noise-std", 0.1)
    assert answer.status == 130
    assert [path.name for path in folder.iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "more memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "more memory"),
        (OSError(28, "No space left on device"), "No space left"),
        (ZeroDivisionError("oh"), "please report it: ZeroDivisionError: oh"),
    ],
)
def test_what_nobody_expects_is_one_line_too(priorfit, folder, monkeypatch, error, message):
    def break_down(*arguments, **named):
        raise error

    photo(folder / "a.png")
    monkeypatch.setattr(large.Fit, "__init__", break_down)
    answer = priorfit("denoise", "a.png", "-o", "b.png", "-q", "--noise-std", 0.1)
    assert answer.status == 1
    assert len(answer.lines) == 1
    assert message in answer.err
    monkeypatch.setenv("PRIORFIT_DEBUG", "1")
    if isinstance(error, ZeroDivisionError):
        with pytest.raises(ZeroDivisionError):
            priorfit("denoise", "a.png", "-o", "b.png", "-q", "--noise-std", 0.1)


def test_help_imports_nothing_heavy():
    heavy = "{'torch', 'numpy', 'skimage', 'PIL', 'rich.progress'}"
    script = (
        "import sys\nfrom priorfit.cli import main\n"
        f"main(['--help']); main(['denoise', '--help'])\nsys.exit(repr({heavy} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.strip() == "set()"
    assert "Restore damaged pictures" in done.stdout


def test_the_picture_is_untouched_by_a_failure_of_the_sidecar(priorfit, folder, monkeypatch):
    photo(folder / "a.png")
    (folder / "b.png.json").mkdir()
    answer = priorfit("denoise", "a.png", "-o", "b.png", "-q")
    assert (answer.status, len(answer.lines)) == (1, 1)
    assert not (folder / "b.png").exists()
    assert pixels(folder / "a.png").shape == (20, 24, 3)
