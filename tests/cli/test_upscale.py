import pytest

from priorfit.records.sidecar import load_sidecar
from priorfit.tasks import Upscale
from tests.tiny import photo, pixels


@pytest.mark.parametrize("kernel", ["lanczos3", "lanczos2", "bicubic", "area"])
def test_a_picture_becomes_larger(priorfit, folder, kernel):
    photo(folder / "a.png")
    answer = priorfit("upscale", "a.png", "--factor", 3, "--kernel", kernel, "-o", "b.png")
    assert answer.status == 0
    assert pixels(folder / "b.png").shape == (60, 72, 3)
    assert load_sidecar(folder / "b.png").options == {"factor": 3, "kernel": kernel}


def test_transparency_grows_with_the_picture(priorfit, folder):
    photo(folder / "a.png", channels=4)
    how = ("--factor", 2, "-o", "b.png", "--steps", 1, "--hand-out", "fit")
    answer = priorfit("upscale", "a.png", *how)
    assert answer == (0, answer.out, "priorfit: a.png: alpha resized with the image\n")
    assert pixels(folder / "b.png").shape == (40, 48, 4)


@pytest.mark.parametrize(
    ("recipe", "kernel"), [("upscale", "lanczos3"), ("upscale-paper", "lanczos2")]
)
def test_the_kernel_is_the_recipes_own_unless_somebody_says(recipe, kernel):
    assert Upscale().for_recipe(f"dip/{recipe}").kernel == kernel
    assert Upscale(kernel="area").for_recipe(f"dip/{recipe}").kernel == "area"
