"""PSNR of pictures that others published, image by image.

`published.csv` was computed from the output pictures of the authors' project page
(github.com/DmitryUlyanov/dmitryulyanov.github.io, assets/deep-image-prior) by the protocols of the
suites: dB over all channels for noise and missing pixels, on luma inside a border of four pixels
for upscaling, whole images. `authors` is Deep Image Prior [ulyanov2018]_, `CSC` convolutional
sparse coding, `NLM` non-local means; the other columns are named as the page names them.
"""

import csv
from functools import cache
from importlib.resources import files

AUTHORS = "authors"
"""The column of the authors' own pictures."""


def look_up(suite: str, image: str) -> dict[str, float]:
    """PSNR in dB by method; empty where nothing is known of the image."""
    return _table().get((suite, image), {})


def names(suite: str) -> tuple[str, ...]:
    """The images of a suite, in the order of the table."""
    return tuple(image for of, image in _table() if of == suite)


@cache
def _table() -> dict[tuple[str, str], dict[str, float]]:
    text = files("priorfit.bench").joinpath("published.csv").read_text("utf-8")
    rows = {}
    for row in csv.DictReader(text.splitlines()):
        key = (row.pop("suite"), row.pop("image"))
        del row["size"]
        rows[key] = {method: float(value) for method, value in row.items() if value}
    return rows
