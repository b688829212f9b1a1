import numpy as np
import pytest

from priorfit.sidecar import load_sidecar
from tests.tiny import hole, photo, pixels


@pytest.fixture
def picture(folder):
    photo(folder / "a.png")
    hole(folder / "mask.png")
    known = 255 - pixels(folder / "mask.png")
    np.save(folder / "known.npy", known)
    return folder / "a.png"


@pytest.mark.parametrize("mask", [("--hole-mask", "mask.png"), ("--known-mask", "known.npy")])
def test_both_conventions_fill_the_same_hole(priorfit, folder, picture, mask):
    assert priorfit("inpaint", "a.png", *mask, "-o", "b.png").status == 0
    changed = (pixels(folder / "b.png") != pixels(picture)).any(2)
    assert changed.any()
    assert not changed[pixels(folder / "mask.png") == 0].any()


def test_both_masks_at_once_are_wrong_usage(priorfit, picture):
    masks = ("--hole-mask", "mask.png", "--known-mask", "known.npy")
    answer = priorfit("inpaint", "a.png", *masks, "-o", "b.png")
    assert answer.status == 2
    assert "one mask" in answer.err


def test_known_pixels_are_fitted_without_pasting_back(priorfit, folder, picture):
    priorfit("inpaint", "a.png", "--hole-mask", "mask.png", "-o", "b.png", "--no-paste-back")
    changed = (pixels(folder / "b.png") != pixels(picture)).any(2)
    assert changed[pixels(folder / "mask.png") == 0].any()
    assert "--no-paste-back" in load_sidecar(folder / "b.png").repeat


def test_masks_in_a_folder_are_matched_by_name(priorfit, folder):
    (folder / "masks").mkdir()
    hole(folder / "masks/a.png", rows=slice(0, 4))
    hole(folder / "masks/b.tif", rows=slice(8, 12))
    for name in ("a.png", "b.png", "c.png"):
        photo(folder / name)
    answer = priorfit("inpaint", "a.png", "b.png", "c.png", "--hole-mask", "masks", "-o", "out")
    assert answer.status == 1
    assert answer.lines[-1].startswith("priorfit: c.png: masks/c.png: cannot be read")
    changed = (pixels(folder / "out/b.png") != pixels(folder / "b.png")).any((1, 2))
    assert list(np.flatnonzero(changed)) == [8, 9, 10, 11]


def known_pixels(folder, every):
    photo(folder / "a.png")
    known = np.zeros(pixels(folder / "a.png").shape[:2], np.uint8)
    known.flat[::every] = 255
    np.save(folder / "known.npy", known)


@pytest.mark.parametrize(("every", "recipe"), [(40, "dip/inpaint-sparse"), (10, "dip/inpaint")])
def test_the_recipe_is_chosen_by_how_much_is_known(priorfit, folder, every, recipe):
    known_pixels(folder, every)
    answer = priorfit("inpaint", "a.png", "--known-mask", "known.npy", "-o", "b.png")
    assert answer.status == 0
    assert sum("filled with dip/inpaint-sparse" in line for line in answer.lines) == (every == 40)
    sidecar = load_sidecar(folder / "b.png")
    assert sidecar.recipe == recipe
    assert sidecar.repeat[sidecar.repeat.index("--recipe") + 1] == recipe


def test_a_recipe_that_is_named_is_taken_whatever_the_mask(priorfit, folder):
    known_pixels(folder, 40)
    given = ("--known-mask", "known.npy", "-o", "b.png", "--recipe", "dip/inpaint")
    answer = priorfit("inpaint", "a.png", *given)
    assert not any("sparse" in line for line in answer.lines)
    assert load_sidecar(folder / "b.png").recipe == "dip/inpaint"


def test_a_transparent_hole_is_filled(priorfit, folder):
    photo(folder / "a.png", channels=4)
    assert priorfit("inpaint", "a.png", "--hole-from-alpha", "-o", "b.png").status == 0
    assert (pixels(folder / "b.png")[..., 3] == 255).all()


def test_nan_pixels_are_filled(priorfit, folder):
    picture = np.random.default_rng(0).random((20, 24)).astype(np.float32)
    picture[4:7, 5:9] = np.nan
    np.save(folder / "a.npy", picture)
    assert priorfit("inpaint", "a.npy", "-o", "b.npy").status == 0
    filled = np.load(folder / "b.npy")
    assert np.isfinite(filled).all()
    assert np.array_equal(filled[np.isfinite(picture)], picture[np.isfinite(picture)])
