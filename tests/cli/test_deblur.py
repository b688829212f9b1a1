import numpy as np
import pytest

from tests.tiny import photo, pixels

WAYS = {
    "psf": ("--psf", "psf.npy"),
    "gaussian": ("--gaussian", 1.5),
    "motion": ("--motion", "5,30"),
    "motion down": ("--motion", "4.5,-90"),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_picture_keeps_its_size(priorfit, folder, way):
    photo(folder / "a.png")
    np.save(folder / "psf.npy", np.ones((3, 6)))
    assert priorfit("deblur", "a.png", *way, "-o", "b.png").status == 0
    assert pixels(folder / "b.png").shape == (20, 24, 3)


WRONG = {
    "one of --psf": (),
    "one of --psf, ": ("--gaussian", 1, "--motion", "3,0"),
    "LENGTH,ANGLE, say 9,45, got '9'": ("--motion", "9"),
    "above 0": ("--gaussian", 0),
}


@pytest.mark.parametrize("message", WRONG)
def test_a_blur_that_makes_no_sense_is_wrong_usage(priorfit, folder, message):
    photo(folder / "a.png")
    answer = priorfit("deblur", "a.png", *WRONG[message], "-o", "b.png")
    assert answer.status == 2
    assert message in answer.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"words", "is no picture"),
        (b"\x93NUMPY\x01\x00\x08\x00{'descr'", "damaged"),
        (None, "No such file"),
    ],
)
@pytest.mark.parametrize("name", ["psf.npy", "psf.png"])
def test_a_psf_that_cannot_be_read_is_one_line(priorfit, folder, name, content, message):
    photo(folder / "a.png")
    if content is not None:
        (folder / name).write_bytes(content)
    answer = priorfit("deblur", "a.png", "--psf", name, "-o", "b.png", "--steps", 1)
    assert answer.status == 1
    assert len(answer.lines) == 1
    assert "cannot be read as a PSF" in answer.err
