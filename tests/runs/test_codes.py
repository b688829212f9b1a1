"""Inverting: codes that draw their pictures again, whatever these are like, and recipes of a family
that is no untrained network, under every limit."""

import re
import shutil
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from priorfit import images
from priorfit.errors import CheckpointError, CodeError, PriorfitError, ProblemError
from priorfit.images.synthetic import PARTLY, WHOLE
from priorfit.networks.biggan import BigGan, BigGanConfig
from priorfit.networks.initialise import initialised
from priorfit.priors.framing import Frame
from priorfit.records.code_file import read_code
from priorfit.records.sidecar import load_sidecar
from priorfit.runs import Job, draw_code, resume, run
from priorfit.runs import saved as run_folder
from priorfit.tasks import Denoise, Invert
from priorfit.testing import tiny_generator
from tests.tiny import changed, photo

SPACES = {"z": "latent/invert", "w": "latent/invert-w", "w+": "latent/invert-w+"}


@pytest.fixture(scope="module")
def generator(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny"
    network = tiny_generator(classes=3)
    network.source["classes"] = ["sea", "wood", "hill"]
    network.save_pretrained(folder)
    return folder


@pytest.fixture
def job(tmp_path, generator, tiny_recipes) -> Job:
    return Job(
        input=photo(tmp_path / "in.png"),
        output=tmp_path / "out.safetensors",
        task=Invert(image=tmp_path / "drawn.png"),
        recipe="auto",
        steps=4,
        device="cpu",
        checkpoints={"generator": str(generator)},
    )


PICTURES = {
    "colour": {},
    "grey": {"channels": None},
    "16 bits": {"channels": None, "dtype": np.uint16},
    "alpha": {"channels": 4},
    "long": {"size": (16, 90)},
    "of one size": {"size": (16, 16)},
}


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("kind", PICTURES)
def test_a_code_draws_its_picture_again(job, kind, space):
    how = {"channels": 3} | PICTURES[kind]
    photo(job.input, **how)
    outcome = run(changed(job, task=job.task.model_copy(update={"space": space})))
    before, after = images.read(job.input), images.read(job.task.image)
    assert after.shape == before.shape and after.dtype == before.dtype
    if before.alpha is not None:
        assert np.array_equal(after.alpha, before.alpha)
    code = read_code(job.output)
    assert (code.family, code.space, code.seed) == ("latent", space, 0)
    frame = Frame.from_json(code.framing)
    assert frame.picture == before.shape and frame.drawn == (3, 8, 8)
    drawn = draw_code(job.output, job.checkpoints["generator"])
    if before.dtype == np.uint8:
        written = torch.from_numpy(after.pixels)[None]
        assert (drawn - written).abs().max() <= 0.5 / 255 + 1e-6
    assert outcome.sidecar.recipe == SPACES[space]
    assert {"psnr", "ssim"} <= outcome.sidecar.metrics.keys()


def test_it_comes_closer_with_every_step_and_the_result_is_the_closest(job):
    errors = []
    for steps in (1, 10, 100):
        sidecar = run(changed(job, steps=steps, overwrite=True)).sidecar
        errors.append(sidecar.metrics["psnr"])
    assert errors == sorted(errors) and errors[2] > errors[0]


def test_the_sidecar_and_the_picture_say_who_drew_it(job, generator):
    run(job)
    sidecar = load_sidecar(job.output)
    code = read_code(job.output)
    assert sidecar.synthesised
    assert sidecar.checkpoints["generator"].name == str(generator)
    assert sidecar.checkpoints["generator"].sha256 == code.checkpoint.sha256
    assert code.checkpoint.name == "tiny"  # and not where it lies
    assert str(generator) in sidecar.repeat
    data = job.task.image.read_bytes()
    assert WHOLE.encode() in data and b"Drawn by a generator (tiny)" in data


def test_the_same_seed_makes_the_same_bytes(job, tmp_path):
    run(job)
    files = [job.output, job.task.image]
    before = [path.read_bytes() for path in files]
    run(changed(job, overwrite=True))
    assert [path.read_bytes() for path in files] == before
    run(changed(job, overwrite=True, seed=1))
    assert files[0].read_bytes() != before[0]


def interrupting(at: int):
    def watch(progress) -> None:
        if progress.step == at:
            raise KeyboardInterrupt

    return watch


def test_a_run_that_was_broken_off_goes_on_to_the_same_bytes(job, tmp_path):
    job = changed(job, steps=8)
    run(job)
    whole = job.output.read_bytes(), job.task.image.read_bytes()
    job = changed(job, overwrite=True)
    broken = run(job, interrupting(3))
    assert broken.interrupted and read_code(job.output).parts
    again = resume(job.run_folder)
    assert (job.output.read_bytes(), job.task.image.read_bytes()) == whole
    assert again.sidecar.synthesised


def test_a_run_does_not_go_on_with_other_weights(job, generator, tmp_path):
    own = shutil.copytree(generator, tmp_path / "own")
    job = changed(job, steps=8, checkpoints={"generator": str(own)})
    run(job, interrupting(3))
    saved = run_folder.load(job.run_folder)
    assert saved.checkpoints["generator"].name == str(own)
    tiny_generator(seed=1, classes=3).save_pretrained(own, overwrite=True)
    with pytest.raises(PriorfitError, match=r"own, whose weights have changed since"):
        resume(job.run_folder)
    with pytest.raises(CodeError, match=r"out\.safetensors: was made with own \(sha256 "):
        draw_code(job.output, str(own))
    shutil.rmtree(own)
    with pytest.raises(CheckpointError, match="no checkpoint"):
        resume(job.run_folder)


def test_a_folder_of_a_generator_is_found_from_everywhere(job, generator, monkeypatch, tmp_path):
    monkeypatch.chdir(generator.parent)
    run(changed(job, steps=8, checkpoints={"generator": "tiny"}), interrupting(3))
    monkeypatch.chdir(tmp_path)
    assert not resume(job.run_folder).interrupted


@pytest.mark.parametrize("label", ["wood", "WOOD", "1"])
def test_a_class_is_known_by_name_and_by_number(job, generator, label):
    run(changed(job, steps=1, task=job.task.model_copy(update={"label": label})))
    known = tiny_generator(classes=3).embed(torch.tensor([1]))
    assert (read_code(job.output).parts["c"] - known).norm() < 0.5


REFUSED = {
    "a class from 0 to 2, or sea, wood and hill, got 'lake'": {"task": {"label": "lake"}},
    "a class from 0 to 2, or sea, wood and hill, got '-1'": {"task": {"label": "-1"}},
    "no name for a code, expected one with .safetensors": {"output": "code.png"},
    "no checkpoint 'nothing'": {"checkpoints": {"generator": "nothing"}},
    "needs generator, got a encoder": {"checkpoints": {"encoder": "tiny"}},
    "dip/denoise finds no code: take": {"recipe": "dip/denoise", "checkpoints": {}},
    "and a code is not made of tiles": {"tile": 48, "size": (64, 80)},
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_is_refused_in_a_line(job, message, tmp_path):
    change = dict(REFUSED[message])
    photo(job.input, size=change.pop("size", (20, 24)))
    if "task" in change:
        change["task"] = job.task.model_copy(update=change["task"])
    if "output" in change:
        change["output"] = tmp_path / change["output"]
    with pytest.raises(PriorfitError, match=re.escape(message)) as refused:
        run(changed(job, **change))
    assert "\n" not in str(refused.value)
    assert not job.output.exists() and not job.task.image.exists()


def test_a_space_that_the_generator_has_not_is_refused(job, tmp_path):
    config = BigGanConfig(channels=(8, 4), attention=(), z_dim=6, classes=0, embedding=0)
    network = initialised(lambda: BigGan(config), torch.Generator().manual_seed(0))
    network.save_pretrained(tmp_path / "other")
    job = changed(job, checkpoints={"generator": str(tmp_path / "other")})
    with pytest.raises(ProblemError, match=r"this generator has latents in z, got 'w\+'"):
        run(changed(job, task=Invert(space="w+")))
    run(changed(job, task=Invert()))
    assert read_code(job.output).parts.keys() == {"z"}


LIMITS = {
    "plain": {},
    "time": {"time_limit": 60.0, "steps": 3},
    "memory": {"memory_limit": 8 << 30},
    "tiles": {"tile": 48},
    "uncut": {"hand_out": "fit"},
}


SLOW = [(kind, limit) for limit in ("memory", "tiles") for kind in ("grey", "long")]


@pytest.mark.parametrize(("kind", "limit"), [*product(PICTURES, ("plain", "time", "uncut")), *SLOW])
def test_a_generator_restores_pictures_of_every_kind_under_every_limit(job, kind, limit, tmp_path):
    how = {"channels": 3} | PICTURES[kind]
    height, width = how.pop("size", (20, 24))
    photo(job.input, **how, size=(4 * height, width) if limit == "tiles" else (height, width))
    output = tmp_path / "clean.png"
    task, recipe = Denoise(noise_std=0.1), "latent/denoise"
    outcome = run(changed(job, output=output, task=task, recipe=recipe, **LIMITS[limit]))
    before, after = images.read(job.input), images.read(output)
    assert after.shape == before.shape and after.dtype == before.dtype
    share = outcome.sidecar.share_of_fit
    assert outcome.sidecar.synthesised == (share > 0)
    assert (PARTLY.encode() in output.read_bytes()) == (share > 0)
    if limit == "uncut":
        assert share == 1
    assert outcome.sidecar.checkpoints["generator"].sha256


def test_codes_that_do_not_fit_the_generator_are_refused(job):
    run(job)
    code = read_code(job.output)
    network = job.checkpoints["generator"]
    wrong = type(code)(**{**vars(code), "parts": {"z": torch.zeros(1, 4), "c": torch.zeros(1, 5)}})
    with pytest.raises(ProblemError, match=r"'z' of the shape \(1, 5\), got \(1, 4\)"):
        draw_code(wrong, network)
    framed = type(code)(**{**vars(code), "framing": {"picture": [3, 4, 4]}})
    with pytest.raises(ProblemError, match="no frame"):
        draw_code(framed, network)
    family = type(code)(**{**vars(code), "family": "dgp"})
    with pytest.raises(CodeError, match="of the family 'dgp', expected 'latent'"):
        draw_code(family, network)
