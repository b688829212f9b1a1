"""Recipes of a tiny network, and tiny pictures: milliseconds a fit."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from priorfit import recipes
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.recipes import latent
from priorfit.recipes.dip import published, published_holes
from priorfit.recipes.method import Cited, Method
from priorfit.runs import Job

TINY = replace(
    published.DENOISE,
    about="tests",
    network=Cited(partial(Hourglass, scales=[Scale(4, 4)]), "tests"),
    steps=Cited(4, "tests"),
    published=False,
)
FUSE = replace(TINY, task="fuse", inputs=published_holes.FUSE.inputs, jitter=Cited(0.0, "tests"))
TASKS = (
    "denoise",
    "inpaint",
    "inpaint-large",
    "inpaint-sparse",
    "upscale",
    "deblur",
    "dejpeg",
    "enhance",
)


def tiny_settings() -> dict[str, Method]:
    tiny = {f"dip/{name}": replace(TINY, task=name.split("-")[0]) for name in TASKS}
    short = {"candidates": Cited(3, "tests"), "steps": Cited(4, "tests")}
    drawn = {name: replace(setting, **short) for name, setting in latent.FAMILY.methods.items()}
    return {**tiny, "dip/fuse": FUSE, **drawn}


def register() -> None:
    """For a process of its own; in a test the fixture `tiny_recipes` undoes it."""
    recipes.METHODS.update(tiny_settings())


def array(size=(20, 24), dtype=np.uint8, channels=3, seed=0):
    top = 1.0 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    shape = (*size, channels) if channels else size
    return (np.random.default_rng(seed).random(shape) * top).astype(dtype)


def photo(path: Path, **how) -> Path:
    """Write a picture of noise; JPEG and PNG by the name."""
    Image.fromarray(array(**how)).save(path)
    return path


def hole(path: Path, size=(20, 24), rows=slice(5, 9), columns=slice(6, 12)) -> Path:
    """Write a mask, white in a rectangle."""
    mask = np.zeros(size, np.uint8)
    mask[rows, columns] = 255
    Image.fromarray(mask).save(path)
    return path


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.array(picture)


def changed(job: Job, **fields) -> Job:
    return job.model_copy(update=fields)
