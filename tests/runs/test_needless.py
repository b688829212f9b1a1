"""What needs no restoring is left alone, and said so; with --force it is restored all the same."""

import numpy as np
import pytest
import torch
from PIL import Image

from priorfit.classical.needless import INVISIBLE, without_artefacts, without_noise
from priorfit.classical.noise_level import estimate_noise
from priorfit.records.sidecar import load_sidecar
from priorfit.runs import run
from priorfit.tasks import Dejpeg, Denoise
from tests.tiny import changed, pixels


def smooth(noise: float = 0.0) -> np.ndarray:
    rows, columns = np.mgrid[0:64, 0:64] / 64
    slope = 20 + 120 * rows + 90 * columns
    drawn = noise * np.random.default_rng(0).normal(size=(64, 64, 3))
    return (slope[..., None] + drawn).round().clip(0, 255).astype(np.uint8)


@pytest.fixture
def clean(job, tmp_path):
    Image.fromarray(smooth()).save(job.input)
    return changed(job, task=Denoise())


def test_a_clean_picture_is_written_as_it_was_byte_for_byte(clean):
    outcome = run(clean, watch=pytest.fail)
    assert clean.output.read_bytes() == clean.input.read_bytes()
    written = load_sidecar(clean.output)
    assert written == outcome.sidecar
    assert (written.steps, written.planned) == (0, 0)
    assert "hardly any noise" in written.notes[-1] and "--force" in written.notes[-1]


def test_what_is_left_alone_is_said_to_be_no_fit(clean):
    sidecar = run(clean).sidecar
    assert (sidecar.handed_out, sidecar.share_of_fit) == ("as it was", 0.0)


def test_another_format_has_the_same_pixels(clean, tmp_path):
    other = changed(clean, output=tmp_path / "out.webp", reference=clean.input)
    outcome = run(other, watch=pytest.fail)
    assert outcome.sidecar.metrics["psnr"] == float("inf")
    assert pixels(other.output).shape == (64, 64, 3)


@pytest.mark.parametrize("change", [{"force": True}, {"task": Denoise(noise_std=0.01)}])
def test_who_insists_or_knows_the_noise_is_heard(clean, change):
    assert run(changed(clean, **change)).sidecar.steps == 4


def test_a_noise_level_of_0_means_that_there_is_none(clean):
    Image.fromarray(smooth(noise=8)).save(clean.input)
    said = changed(clean, task=Denoise(noise_std=0.0))
    outcome = run(said, watch=pytest.fail)
    assert said.output.read_bytes() == said.input.read_bytes()
    assert "level given is 0" in outcome.sidecar.notes[-1]
    assert not outcome.sidecar.noise_std_estimated
    assert run(changed(said, force=True, overwrite=True)).sidecar.steps == 4


def test_noise_that_is_seen_is_removed(clean):
    Image.fromarray(smooth(noise=8)).save(clean.input)
    assert run(clean).sidecar.steps == 4


def test_jpeg_of_the_highest_quality_is_left_alone(job, tmp_path):
    for quality, steps in ((100, 0), (40, 4)):
        path = tmp_path / f"{quality}.jpg"
        Image.fromarray(smooth(noise=4)).save(path, quality=quality)
        again = changed(job, input=path, task=Dejpeg(), recipe="dip/dejpeg", overwrite=True)
        assert run(again).sidecar.steps == steps


def test_noise_counts_against_what_the_picture_spans():
    """A tenth of the scale, as in a dark exposure, shows noise that a full one hides."""
    wide = torch.linspace(0, 1, 100).reshape(1, 1, 10, 10)
    assert without_noise(wide, 0.9 * INVISIBLE) is not None
    assert without_noise(0.1 * wide, 0.9 * INVISIBLE) is None
    assert without_noise(0.1 * wide, 0.09 * INVISIBLE) is not None


def test_a_flat_picture_without_noise_is_left_alone():
    flat = torch.full((1, 3, 64, 64), 0.5)
    assert without_noise(flat, estimate_noise(flat).std) is not None


def test_the_bound_is_the_same_for_compression():
    assert without_artefacts(INVISIBLE) is not None
    assert without_artefacts(1.01 * INVISIBLE) is None
