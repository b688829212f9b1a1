import numpy as np
import pytest
from PIL import Image

from priorfit.records.sidecar import load_sidecar
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
    how = ("-o", "b.png", "--no-paste-back", "--hand-out", "fit")
    priorfit("inpaint", "a.png", "--hole-mask", "mask.png", *how)
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


def antialiased(folder):
    """A picture, and a mask of it whose rim is grey: the columns that are filled."""
    photo(folder / "a.png")
    mask = np.zeros((20, 24), np.uint8)
    mask[:, 8:12] = 255
    mask[:, 7], mask[:, 12] = 40, 128
    Image.fromarray(mask).save(folder / "mask.png")
    Image.fromarray(255 - mask).save(folder / "known.png")
    return range(7, 13)


@pytest.mark.parametrize("mask", [("--hole-mask", "mask.png"), ("--known-mask", "known.png")])
def test_pixels_that_a_mask_covers_in_part_are_filled_and_counted(priorfit, folder, mask):
    columns = antialiased(folder)
    answer = priorfit("inpaint", "a.png", *mask, "-o", "b.png")
    assert "40 pixels covered by the mask in part, filled as well" in answer.err
    changed = (pixels(folder / "b.png") != pixels(folder / "a.png")).any((0, 2))
    assert list(np.flatnonzero(changed)) == list(columns)


def test_a_transparent_rim_is_filled(priorfit, folder):
    picture = np.random.default_rng(0).integers(0, 256, (20, 24, 4), dtype=np.uint8)
    picture[..., 3] = 255
    picture[4:8, 5:9, 3], picture[4:8, 9, 3] = 0, 200
    Image.fromarray(picture).save(folder / "a.png")
    answer = priorfit("inpaint", "a.png", "--hole-from-alpha", "-o", "b.png")
    assert "4 pixels covered by the mask in part" in answer.err
    changed = (pixels(folder / "b.png")[..., :3] != picture[..., :3]).any((0, 2))
    assert list(np.flatnonzero(changed)) == [5, 6, 7, 8, 9]


def test_compression_of_a_mask_covers_nothing_far_from_its_edge(priorfit, folder):
    photo(folder / "a.png", size=(48, 48))
    hole(folder / "mask.jpg", size=(48, 48), rows=slice(0, 48), columns=slice(20, 30))
    assert priorfit("inpaint", "a.png", "--hole-mask", "mask.jpg", "-o", "b.png").status == 0
    changed = (pixels(folder / "b.png") != pixels(folder / "a.png")).any((0, 2))
    assert set(range(20, 30)) <= set(np.flatnonzero(changed)) <= set(range(18, 32))


@pytest.mark.parametrize("pixels_wider", [1, 3])
def test_a_mask_is_grown(priorfit, folder, picture, pixels_wider):
    given = ("--hole-mask", "mask.png", "--grow-mask", pixels_wider)
    assert priorfit("inpaint", "a.png", *given, "-o", "b.png").status == 0
    changed = (pixels(folder / "b.png") != pixels(picture)).any(2)
    rows, columns = np.nonzero(changed)
    assert (rows.min(), rows.max()) == (5 - pixels_wider, 8 + pixels_wider)
    assert (columns.min(), columns.max()) == (6 - pixels_wider, 11 + pixels_wider)
    repeat = load_sidecar(folder / "b.png").repeat
    assert repeat[repeat.index("--grow-mask") + 1] == str(pixels_wider)


@pytest.mark.parametrize("option", ["--hole-mask", "--known-mask"])
def test_a_mask_that_may_be_upside_down_is_filled_and_remarked(priorfit, folder, option):
    photo(folder / "a.png")
    mask = np.full((20, 24), 255 if option == "--hole-mask" else 0, np.uint8)
    mask[:3] = 255 - mask[:3]
    Image.fromarray(mask).save(folder / "mask.png")
    answer = priorfit("inpaint", "a.png", option, "mask.png", "-o", "b.png")
    assert answer.status == 0
    other = {"--hole-mask": "--known-mask", "--known-mask": "--hole-mask"}[option]
    assert f"85% of the picture is to be filled: {other} reads a mask the other way" in answer.err
    assert np.array_equal(pixels(folder / "b.png")[:3], pixels(folder / "a.png")[:3])
