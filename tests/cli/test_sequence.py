"""Frames in order: each fit after the first begins where the one before it ended."""

import json

import numpy as np
import pytest
from PIL import Image

from priorfit.engine.course import Progress
from priorfit.errors import PriorfitError
from priorfit.records.sidecar import load_sidecar
from priorfit.runs import Job, resume, run
from priorfit.tasks import Denoise
from tests.tiny import photo

RECIPE = "dip/denoise"
FRAMES = ("1.png", "2.png", "3.png")
OPTIONS = ("--sequence", 2, "--noise-std", "0.1", "--threads", 1)


def begun(folder, name):
    """The loss of the first step."""
    return load_sidecar(folder / name).loss_curve[0][1]


def test_a_frame_goes_on_from_the_one_before(priorfit, folder):
    for name in FRAMES:
        photo(folder / name)
    assert priorfit("denoise", *FRAMES, "-o", "out", *OPTIONS, "--steps", 5, "-q").status == 0
    sidecars = [load_sidecar(folder / "out" / name) for name in FRAMES]
    assert [one.steps for one in sidecars] == [5, 2, 2]
    assert [one.follows for one in sidecars] == [None, "1.png", "2.png"]
    assert begun(folder, "out/2.png") < begun(folder, "out/1.png")


def test_without_the_option_no_picture_knows_of_another(priorfit, folder):
    for name in FRAMES:
        photo(folder / name)
    priorfit("denoise", *FRAMES, "-o", "out", "--steps", 2, "-q")
    assert begun(folder, "out/2.png") == begun(folder, "out/1.png")
    assert load_sidecar(folder / "out/2.png").follows is None


def test_a_sequence_makes_the_same_bytes_again(priorfit, folder):
    for seed, name in enumerate(FRAMES):
        photo(folder / name, seed=seed)
    for out in ("a", "b"):
        assert priorfit("denoise", *FRAMES, "-o", out, *OPTIONS, "-q").status == 0
    for name in FRAMES:
        assert (folder / "a" / name).read_bytes() == (folder / "b" / name).read_bytes()


def test_a_frame_that_fails_is_stepped_over(priorfit, folder):
    photo(folder / "1.png")
    (folder / "2.png").write_text("words")
    photo(folder / "3.png")
    answer = priorfit("denoise", *FRAMES, "-o", "out", *OPTIONS, "--json")
    assert answer.status == 1
    first, bad, third = map(json.loads, answer.out.splitlines())
    assert "error" in bad
    assert (first["follows"], third["follows"]) == (None, "1.png")


def test_a_frame_that_was_left_alone_is_nothing_to_begin_from(priorfit, folder):
    Image.fromarray(np.full((64, 64, 3), 128, np.uint8)).save(folder / "1.png")
    for name in FRAMES[1:]:
        photo(folder / name, size=(64, 64))
    assert (
        priorfit("denoise", *FRAMES, "-o", "out", "--sequence", 2, "--steps", 5, "-q").status == 0
    )
    sidecars = [load_sidecar(folder / "out" / name) for name in FRAMES]
    assert [one.steps for one in sidecars] == [0, 5, 2]
    assert [one.follows for one in sidecars] == [None, None, "2.png"]


def test_a_frame_of_other_channels_is_one_plain_line(priorfit, folder):
    photo(folder / "1.png")
    photo(folder / "2.png", channels=0)
    answer = priorfit("denoise", "1.png", "2.png", "-o", "out", *OPTIONS, "-q")
    assert answer.status == 1
    assert "2.png: cannot begin where a fit of another kind ended" in answer.lines[0]


def test_the_report_says_where_a_frame_began(priorfit, folder):
    for name in FRAMES[:2]:
        photo(folder / name)
    priorfit("denoise", *FRAMES[:2], "-o", "out", *OPTIONS, "-q", "--report")
    assert "the fit of 1.png ended" in (folder / "out/2.png.html").read_text()


def test_a_frame_alone_has_nothing_to_begin_from(folder):
    job = Job(input=photo(folder / "2.png"), output="out.png", task=Denoise(), recipe="dip/denoise")
    before = job.model_copy(update={"input": folder / "1.png"})
    with pytest.raises(PriorfitError, match="fit that one first"):
        run(job.following(before, 2))


def test_a_frame_that_was_interrupted_ends_as_it_would_have_ended(folder):
    """Its run folder holds all that it was handed, so nobody needs the frame before again."""

    def denoising(name: str, output: str) -> Job:
        return Job(
            input=photo(folder / name), output=output, task=Denoise(noise_std=0.1), recipe=RECIPE
        )

    def stop(progress: Progress) -> None:
        if progress.step == 2:
            raise KeyboardInterrupt

    first = run(denoising("1.png", "1-out.png"))
    handed = first.tuned
    whole, broken = (
        denoising("2.png", name).following(first.job, 4) for name in ("whole.png", "broken.png")
    )
    run(whole, before=handed)
    interrupted = run(broken, stop, before=handed)
    assert interrupted.run_folder is not None
    resume(interrupted.run_folder)
    assert (folder / "whole.png").read_bytes() == (folder / "broken.png").read_bytes()
    assert load_sidecar(folder / "broken.png").follows == "1.png"
