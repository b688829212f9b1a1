import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from priorfit import recipes
from priorfit.classical.guides import non_local_means
from priorfit.errors import ImageFileError, ProblemError
from priorfit.guarantee.comparators import SAME
from priorfit.priors.inputs import Guide
from priorfit.recipes.method import Cited
from priorfit.records.sidecar import (
    Sidecar,
    from_json,
    load_sidecar,
    sidecar_path,
    thinned,
    to_json,
)
from priorfit.runs import Job, run
from priorfit.tasks import Deblur, Dejpeg, Denoise, Fuse, Inpaint, Upscale
from tests.tiny import TINY, array, changed, hole, photo, pixels


def test_a_job_survives_json(tmp_path):
    path = tmp_path / "a.png"
    tasks = [
        Denoise(),
        Inpaint(hole_mask=path, paste_back=False),
        Upscale(factor=3, kernel="area"),
        Deblur(motion=(9.0, 45.0)),
        Dejpeg(),
        Fuse(flash=path),
    ]
    for task in tasks:
        job = Job(input=path, output=path, task=task, recipe="x", time_limit=9.5)
        assert Job.model_validate_json(job.model_dump_json()) == job


def test_a_picture_and_its_sidecar_are_written(job):
    outcome = run(job)
    written = from_json(Sidecar, sidecar_path(job.output).read_bytes())
    assert written == outcome.sidecar
    assert (written.steps, written.planned, len(written.loss_curve)) == (4, 4, 4)
    assert written.stop_reason == "the steps of the recipe are done"
    assert pixels(job.output).shape == pixels(job.input).shape
    assert not job.run_folder.exists()


def test_the_same_job_makes_the_same_bytes(job, tmp_path):
    again = changed(job, output=tmp_path / "again.png")
    other = changed(job, output=tmp_path / "other.png", seed=1)
    for each in (job, again, other):
        run(each)
    assert job.output.read_bytes() == again.output.read_bytes()
    assert job.output.read_bytes() != other.output.read_bytes()


def test_a_reference_changes_no_pixel(job, tmp_path):
    measured = changed(job, output=tmp_path / "measured.png", reference=job.input)
    run(job)
    outcome = run(measured)
    assert job.output.read_bytes() == measured.output.read_bytes()
    assert set(outcome.sidecar.metrics) == {"psnr", "ssim"}
    assert outcome.sidecar.inputs[1].role == "reference"


def test_upscaling_is_measured_on_luma_too(job, tmp_path):
    large = photo(tmp_path / "large.png", size=(40, 48))
    outcome = run(
        changed(job, task=Upscale(factor=2), recipe="dip/upscale", reference=large, steps=1)
    )
    assert set(outcome.sidecar.metrics) == {"psnr", "ssim", "psnr_y"}
    assert outcome.sidecar.alternatives == ()


def test_a_reference_of_another_size_is_refused_before_the_fit(job, tmp_path):
    small = photo(tmp_path / "small.png", size=(16, 16))
    with pytest.raises(ProblemError, match="24×20 pixels of 3 channels"):
        run(changed(job, reference=small), watch=pytest.fail)


def test_a_float_reference_is_measured_by_what_it_spans(job, tmp_path):
    picture = np.random.default_rng(0).normal(5, 2, (20, 24)).astype(np.float32)
    np.save(tmp_path / "in.npy", picture)
    clipped = picture.clip(3, 7)  # its own range is another
    np.save(tmp_path / "clean.npy", clipped)
    outcome = run(
        changed(
            job,
            input=tmp_path / "in.npy",
            output=tmp_path / "out.npy",
            reference=tmp_path / "clean.npy",
        )
    )
    result = np.load(tmp_path / "out.npy")
    error = ((result - clipped) / (clipped.max() - clipped.min())) ** 2
    assert outcome.sidecar.metrics["psnr"] == pytest.approx(-10 * np.log10(error.mean()), abs=1e-3)


def test_a_guide_is_named_and_measured(job, monkeypatch):
    def halved(problem):
        return problem.observation / 2

    guided = replace(TINY, inputs=Cited([*TINY.inputs.value, Guide(halved)], "tests"))
    monkeypatch.setitem(recipes.METHODS, "dip/denoise", guided)
    outcome = run(changed(job, reference=job.input))
    assert outcome.sidecar.guide.name == "halved"
    assert outcome.sidecar.guide.metrics["psnr"] < 20
    assert torch.allclose(outcome.comparators["halved"], outcome.observed / 2)


def test_an_estimated_noise_level_is_recorded(job):
    outcome = run(changed(job, task=Denoise()))
    assert outcome.sidecar.noise_std_estimated
    assert 0 < outcome.sidecar.noise_std < 1


def test_known_pixels_of_sixteen_bits_come_back_in_the_file(job, tmp_path):
    image = np.random.default_rng(0).integers(0, 2**16, (20, 24)).astype(np.uint16)
    photo(tmp_path / "in16.png", dtype=np.uint16, channels=0)
    image = pixels(tmp_path / "in16.png")
    mask = pixels(hole(tmp_path / "mask.png")) > 0
    task = Inpaint(hole_mask=tmp_path / "mask.png")
    run(changed(job, input=tmp_path / "in16.png", task=task, recipe="dip/inpaint"))
    result = pixels(job.output)
    assert np.array_equal(result[~mask], image[~mask])
    assert (result[mask] != image[mask]).any()


@pytest.mark.parametrize("name", ["out.png", "out.png.json", "out.png.html"])
def test_what_exists_is_not_overwritten(job, name):
    (job.output.parent / name).write_text("mine")
    job = changed(job, report=True)
    with pytest.raises(ImageFileError, match=f"{name}: exists already"):
        run(job, watch=pytest.fail)
    run(changed(job, overwrite=True))
    assert load_sidecar(job.output) is not None


def test_alpha_is_opaque_where_a_transparent_hole_was_filled(job, tmp_path):
    whole = array(channels=4)
    whole[:10, :, 3] = 255
    Image.fromarray(whole).save(tmp_path / "rgba.png")
    outcome = run(
        changed(
            job,
            input=tmp_path / "rgba.png",
            task=Inpaint(hole_from_alpha=True),
            recipe="dip/inpaint",
        )
    )
    before, after = pixels(tmp_path / "rgba.png"), pixels(job.output)
    opaque = before[..., 3] >= 253  # what is transparent in part is filled too
    assert (after[..., 3] == 255).all()
    assert np.array_equal(after[opaque][:, :3], before[opaque][:, :3])
    assert outcome.sidecar.options["hole_from_alpha"]


def test_the_sidecar_names_files_and_not_where_they_lie(job, tmp_path):
    (tmp_path / "there").mkdir()
    mask = hole(tmp_path / "there" / "mask.png")
    run(changed(job, task=Inpaint(hole_mask=mask), recipe="dip/inpaint"))
    sidecar = load_sidecar(job.output)
    assert sidecar.options["hole_mask"] == "mask.png"
    assert [(source.role, source.name) for source in sidecar.inputs][1] == ("hole mask", "mask.png")
    assert str(tmp_path) not in sidecar_path(job.output).read_text()


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_the_result_of_dejpeg_fits_the_file(job, tmp_path, suffix):
    source = photo(tmp_path / "in.jpg", size=(32, 32))
    output = tmp_path / f"out.{suffix}"
    outcome = run(changed(job, input=source, output=output, task=Dejpeg(), recipe="dip/dejpeg"))
    assert pixels(output).shape == (32, 32, 3)
    assert not torch.equal(outcome.result, outcome.observed)


@pytest.mark.parametrize(
    "psf", [np.ones((5, 3)), np.eye(9, dtype=np.uint8) * 255], ids=["npy", "png"]
)
def test_a_psf_comes_from_a_file(job, tmp_path, psf):
    path = tmp_path / "psf.npy"
    np.save(path, psf)
    outcome = run(changed(job, task=Deblur(psf=path), recipe="dip/deblur"))
    assert outcome.result.shape == outcome.observed.shape
    assert outcome.sidecar.inputs[1].role == "psf"


def test_fusion_keeps_the_picture_without_flash(job, tmp_path):
    flash = photo(tmp_path / "flash.jpg")
    outcome = run(changed(job, task=Fuse(flash=flash), recipe="dip/fuse"))
    assert set(outcome.comparators) == {"flash"}
    assert [source.role for source in outcome.sidecar.inputs] == ["input", "flash"]


def test_a_curve_keeps_its_ends():
    curve = [(step, 1 / step) for step in range(1, 1001)]
    points = thinned(curve)
    assert len(points) == 200
    assert (points[0], points[-1]) == (curve[0], curve[-1])
    assert thinned(curve[:7]) == tuple(curve[:7])


def test_infinite_metrics_survive_json(job):
    endless = run(job).sidecar.model_copy(update={"metrics": {"psnr": math.inf}})
    assert from_json(Sidecar, to_json(endless).encode()) == endless


def test_a_report_sets_the_cheap_methods_beside_the_result(job, tmp_path):
    clean = photo(tmp_path / "clean.png", seed=1)
    outcome = run(changed(job, reference=clean, report=True))
    names = ["as it was", "non-local means", "total variation", "block matching"]
    assert [each.name for each in outcome.sidecar.alternatives] == names
    assert all(each.seconds >= 0 for each in outcome.sidecar.alternatives)
    assert all(set(each.metrics) == {"psnr", "ssim"} for each in outcome.sidecar.alternatives)
    assert set(names[1:]) <= set(outcome.comparators)
    best = max(each.metrics["psnr"] for each in outcome.sidecar.alternatives)
    worse = outcome.sidecar.metrics["psnr"] < best + SAME
    assert any("cheap alternative" in note for note in outcome.sidecar.notes) == worse


def test_nothing_is_claimed_without_a_reference(job):
    outcome = run(changed(job, report=True))
    assert all("Stein's estimate" in note for note in outcome.sidecar.notes)
    assert all(each.metrics == {} for each in outcome.sidecar.alternatives)


def test_a_report_changes_no_byte_of_the_picture(job, tmp_path):
    run(job)
    run(changed(job, output=tmp_path / "again.png", report=True))
    assert job.output.read_bytes() == (tmp_path / "again.png").read_bytes()


def test_a_guide_that_is_a_cheap_method_too_is_shown_once(job, monkeypatch):
    guided = replace(TINY, inputs=Cited([*TINY.inputs.value, Guide(non_local_means)], "tests"))
    monkeypatch.setitem(recipes.METHODS, "dip/denoise", guided)
    outcome = run(changed(job, report=True))
    assert "non-local means" not in outcome.comparators
    assert "non_local_means" in outcome.comparators
    assert len(outcome.sidecar.alternatives) == 4
