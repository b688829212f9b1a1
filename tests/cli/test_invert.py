"""`priorfit invert`, and generators among the options of every command."""

import json
import os

import numpy as np
import pytest

from priorfit import recipes
from priorfit.records.code_file import read_code
from priorfit.records.sidecar import load_sidecar
from priorfit.testing import tiny_generator
from tests.tiny import hole, photo, pixels

GIVEN = ("--generator", "tiny", "--steps", 2)


@pytest.fixture(autouse=True)
def pictures(folder):
    network = tiny_generator(classes=3)
    network.source["classes"] = ["sea", "wood", "hill"]
    network.save_pretrained(folder / "tiny")
    photo(folder / "in.png")


def test_a_code_and_its_picture_are_written_and_can_be_repeated(priorfit, folder):
    wanted = ("--image", "drawn.png", "--class", "sea", "--space", "w+")
    answer = priorfit("invert", "in.png", "-o", "a.safetensors", *GIVEN, *wanted, "--json")
    assert answer.status == 0
    told = json.loads(answer.out)
    assert told["synthesised"] and told["options"]["label"] == "sea"
    code = folder / "a.safetensors"
    assert read_code(code).space == "w+" and (folder / "drawn.png").exists()
    before = code.read_bytes()
    again = priorfit("invert", "in.png", "-o", "a.safetensors", "--overwrite", *told["repeat"])
    assert again.status == 0 and code.read_bytes() == before


def test_several_pictures_give_a_code_each(priorfit, folder):
    photo(folder / "other.jpg", seed=1)
    assert priorfit("invert", "in.png", "other.jpg", "-o", f"codes{os.sep}", *GIVEN).status == 0
    names = {path.name for path in (folder / "codes").glob("*.safetensors")}
    assert names == {"in.safetensors", "other.safetensors"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--space", "x"), "'z', 'w', 'w+'"),
        (("--recipe", "dip/denoise"), "'--generator': this recipe needs no trained network"),
        (("--image", "in.png"), "in.png is read by this command"),
    ],
)
def test_misuse_is_a_line_and_status_2(priorfit, more, message):
    answer = priorfit("invert", "in.png", "-o", "a.safetensors", *GIVEN, *more)
    assert answer.status == 2 and message in answer.err and len(answer.lines) == 1


def test_a_generator_is_refused_by_recipes_without_one(priorfit):
    answer = priorfit("denoise", "in.png", "-o", "a.png", *GIVEN)
    assert answer.status == 2
    assert "'--generator': this recipe needs no trained network" in answer.err


@pytest.mark.parametrize("name", ["latent/inpaint", "latent/upscale"])
def test_holes_and_zooms_are_drawn_too(priorfit, folder, name):
    command = recipes.find(name).tasks[0]
    hole(folder / "hole.png")
    more = ("--hole-mask", "hole.png") if command == "inpaint" else ()
    assert (
        priorfit(command, "in.png", "-o", "done.png", "--recipe", name, *GIVEN, *more).status == 0
    )
    assert load_sidecar(folder / "done.png").synthesised
    done, was = pixels(folder / "done.png"), pixels(folder / "in.png")
    if command == "inpaint":
        known = np.ones(was.shape[:2], bool)
        known[5:9, 6:12] = False
        assert np.array_equal(done[known], was[known])
