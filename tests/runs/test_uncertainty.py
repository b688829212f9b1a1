"""The uncertainty beside a picture: what the runs do not agree on."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile
from PIL import Image

from priorfit import recipes
from priorfit.classical.guides import total_variation
from priorfit.errors import ImageFileError, RecipeError
from priorfit.priors.inputs import Guide
from priorfit.recipes.method import Cited
from priorfit.runs import resume, run
from priorfit.tasks import Inpaint
from tests.tiny import TINY, changed, hole


@pytest.fixture
def several(job, monkeypatch):
    """The job with a recipe of three runs."""
    for task in ("denoise", "inpaint"):
        setting = replace(TINY, runs=Cited(3, "tests"))
        monkeypatch.setitem(recipes.METHODS, f"dip/{task}-several", setting)
    return changed(job, recipe="dip/denoise-several")


def test_numbers_go_into_files_of_numbers(several, tmp_path):
    found = {}
    for ending in ("npy", "tif"):
        path = tmp_path / f"spread.{ending}"
        outcome = run(changed(several, uncertainty=path, overwrite=True))
        found[ending] = np.load(path) if ending == "npy" else tifffile.imread(path)
        sidecar = outcome.sidecar.uncertainty
        assert (sidecar.file, sidecar.white) == (path.name, 1.0)
    assert found["npy"].dtype == found["tif"].dtype == np.float32
    assert np.array_equal(found["npy"], found["tif"])
    assert found["npy"].shape == (20, 24, 3)
    assert found["npy"].max() == pytest.approx(sidecar.largest, abs=1e-6)
    assert 0 < sidecar.mean < sidecar.largest
    assert np.allclose(found["npy"].transpose(2, 0, 1), outcome.deviation[0], atol=1e-6)


def test_a_png_is_scaled_as_the_sidecar_says(several, tmp_path):
    path = tmp_path / "spread.png"
    sidecar = run(changed(several, uncertainty=path)).sidecar.uncertainty
    assert sidecar.largest <= sidecar.white < 2 * sidecar.largest
    with Image.open(path) as picture:
        assert picture.size == (24, 20)
    exact = tmp_path / "spread.npy"
    run(changed(several, uncertainty=exact, output=tmp_path / "again.png"))
    from priorfit import images

    scaled = images.read(path).pixels * sidecar.white
    assert np.allclose(scaled, np.load(exact).transpose(2, 0, 1), atol=sidecar.white / 65535)


def test_the_picture_is_the_same_with_and_without(several, tmp_path):
    run(several)
    asked = changed(several, output=tmp_path / "b.png", uncertainty=tmp_path / "u.npy")
    run(asked)
    assert several.output.read_bytes() == asked.output.read_bytes()


def test_pixels_that_are_known_are_certain(several, tmp_path):
    mask = hole(tmp_path / "mask.png")
    task = Inpaint(hole_mask=mask)
    job = changed(several, task=task, recipe="dip/inpaint-several", uncertainty=tmp_path / "u.npy")
    run(job)
    found, missing = np.load(job.uncertainty), np.asarray(Image.open(mask)) > 0
    assert found[~missing].max() == 0
    assert found[missing].min() > 0


def test_a_recipe_of_one_picture_has_none_and_says_which_have(several, job, tmp_path):
    with pytest.raises(RecipeError, match=r"'dip/denoise' draws one picture.*dip/denoise-several"):
        run(changed(job, uncertainty=tmp_path / "u.npy"))
    assert not job.output.exists()


def test_no_format_of_eight_bits_holds_it(several, tmp_path):
    with pytest.raises(ImageFileError, match=r"go into \.png, \.tif or \.npy"):
        run(changed(several, uncertainty=tmp_path / "u.jpg"))


def test_it_is_no_file_to_write_over(several, tmp_path):
    path = tmp_path / "u.npy"
    path.write_bytes(b"")
    with pytest.raises(ImageFileError, match="exists"):
        run(changed(several, uncertainty=path))


def test_an_interrupted_average_goes_on_to_the_same_bytes(several, tmp_path):
    def leave(progress):
        if progress.step == 2:
            raise KeyboardInterrupt

    whole = changed(several, output=tmp_path / "whole.png", uncertainty=tmp_path / "whole.npy")
    broken = changed(several, uncertainty=tmp_path / "broken.npy")
    run(whole)
    assert run(broken, leave).interrupted
    resume(broken.run_folder)
    assert broken.output.read_bytes() == whole.output.read_bytes()
    assert broken.uncertainty.read_bytes() == whole.uncertainty.read_bytes()


def test_the_guide_of_several_runs_is_one_picture(job, monkeypatch):
    guided = replace(TINY, runs=Cited(2, "tests"), inputs=Cited([Guide(total_variation)], "tests"))
    monkeypatch.setitem(recipes.METHODS, "dip/denoise-guided", guided)
    outcome = run(changed(job, recipe="dip/denoise-guided"))
    assert outcome.comparators["total_variation"].shape == outcome.result.shape
