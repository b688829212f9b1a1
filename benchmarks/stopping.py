"""Curves with everything a stop rule may look at, recorded once so that rules are scored offline.

`python -m benchmarks stopping --threads 1 --out FOLDER` goes on where it was left. A curve is one
`.npz` file: `columns`, names; `values`, (steps, columns).
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image as PillowImage

from benchmarks.stopping_signals import Signals
from benchmarks.suites import SHARED
from priorfit import recipes
from priorfit.degradations import Border, Downsample, Identity, Lanczos, Mask
from priorfit.degradations.jpeg import JpegProjection
from priorfit.degradations.simulate import (
    GaussianNoise,
    NoiseModel,
    PoissonNoise,
    SaltAndPepper,
    SpeckleNoise,
    jpeg,
    simulate,
)
from priorfit.loop.fit import Fit
from priorfit.loop.steps import Rewinding
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.networks.layers import bilinear
from priorfit.problem import Problem
from priorfit.recipes import Cited
from priorfit.recipes.dip import Setting
from priorfit.recipes.dip.parts import ADAM, FASTEST
from priorfit.terms.data import Mse
from priorfit.types import Image

IMAGES = ("F16", "baboon", "hill", "kodim01", "kodim02", "kodim03", "kodim12", "lena", "peppers")
TUNED, REPORTED = IMAGES[:5], IMAGES[5:]
SIDE = 128
HELD_OUT = 0.02
"""Share of the pixels, and again of the single values, that the loss does not see."""

FALLEN, EARLIEST = 0.5, 300
"""In decibels, how far below its best a curve is followed, and the step before which none ends."""

NOISES: dict[str, NoiseModel] = {
    "gauss15": GaussianNoise(15 / 255),
    "gauss25": GaussianNoise(25 / 255),
    "gauss50": GaussianNoise(50 / 255),
    "poisson": PoissonNoise(30.0),
    "speckle": SpeckleNoise(0.25),
    "impulse": SaltAndPepper(0.05),
}
KINDS = (
    ("gauss25", "plain32", 1300),
    ("x4", "dip/upscale-guided", 1500),
    ("gauss50", "plain32", 700),
    ("missing", "plain32", 1500),
    ("poisson", "plain32", 1000),
    ("gauss25", "dip/denoise", 900),
    ("gauss15", "plain32", 1600),
    ("impulse", "plain32", 1000),
    ("missing", "dip/inpaint", 1000),
    ("speckle", "plain32", 900),
    ("x4", "plain32", 900),
    ("jpeg", "dip/dejpeg", 500),
)
"""Damage, fit and its length."""

_STD = {"gauss15": 15 / 255, "gauss25": 25 / 255, "gauss50": 50 / 255}

_WIDE = recipes.METHODS["dip/denoise-paper"]


def _narrow(width: int) -> Setting:
    """The released recipe for noise with fewer channels, in bfloat16 where that is faster."""
    scales = [Scale(width, width, skip=4, upsample=bilinear)] * 5
    return replace(
        _WIDE,
        network=Cited(partial(Hourglass, scales=scales), f"{width} channels instead of 128"),
        filters=Cited([partial(Rewinding, drop=10.0)], "the curve averages by itself"),
        optimizer=ADAM,
        precision=FASTEST,
    )


@dataclass(frozen=True)
class Curve:
    """One fit to record.

    Args:
        image: of `IMAGES`.
        damage: of `NOISES`, or missing, x4, jpeg.
        fit: plain32, plain128, or the name of a recipe of ours.
        steps: length.
        seed: of noise and fit.
        whole: nothing is held out, to see what holding out costs.
    """

    image: str
    damage: str
    fit: str
    steps: int
    seed: int = 0
    whole: bool = False

    @property
    def name(self) -> str:
        """Of its file."""
        end = "whole" if self.whole else str(self.seed)
        return f"{self.fit.replace('/', '-')}-{self.damage}-{self.image}-{end}"

    @classmethod
    def named(cls, name: str, steps: int) -> "Curve":
        """The curve of a file, by its name and how long it became."""
        fit, damage, image, end = name.rsplit("-", 3)
        whole = end == "whole"
        seed = 0 if whole else int(end)
        return cls(image, damage, fit.replace("-", "/", 1), steps, seed, whole)


def planned() -> Iterator[Curve]:
    """Every curve, in an order that is worth something wherever it is broken off."""
    for round_ in range(2):
        for i, (damage, fit, steps) in enumerate(KINDS):
            for half in (TUNED, REPORTED):
                image = half[(i + round_) % len(half)]
                yield Curve(image, damage, fit, steps)
                if i < 2 and not round_:
                    yield Curve(image, damage, fit, steps, whole=True)
    for image in ("F16", "baboon"):
        yield Curve(image, "gauss25", "plain64", 1500)


def record(folder: Path, only: str = "") -> None:
    """Record every planned curve whose file is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for curve in planned():
        path = folder / f"{curve.name}.npz"
        if only in curve.name and not path.exists():
            started = time.perf_counter()
            columns, values = follow(curve)
            with path.with_suffix(".part").open("wb") as file:
                np.savez_compressed(file, columns=columns, values=values)
            path.with_suffix(".part").rename(path)
            best = max(values[:, columns.index("psnr.average")])
            line = {"curve": curve.name, "seconds": round(time.perf_counter() - started, 1)}
            print(json.dumps({**line, "best": round(float(best), 2)}), flush=True)


def follow(curve: Curve) -> tuple[list[str], np.ndarray]:
    """Fit, and look at every step."""
    truth = crop(curve.image)
    observed, posed = damaged(truth, curve)
    generator = torch.Generator().manual_seed(1000 + curve.seed)
    kept, pixels, values = withheld(observed, generator)
    if curve.damage == "missing":  # where its other colours are known a value is too easy
        kept, values = 1 - pixels, torch.zeros_like(values)
    if curve.whole:
        kept = torch.ones_like(kept)
    setting, problem = _to_fit(curve, posed, kept)
    signals = Signals(truth, posed, kept, pixels, values)
    rows = []
    best = 0.0
    for step in Fit(problem, setting.recipe(curve.steps), [curve.seed]):
        rows.append(signals.look(step))
        best = max(best, rows[-1]["psnr.average"])
        if len(rows) >= EARLIEST and rows[-1]["psnr.average"] < best - FALLEN:
            break
    return list(rows[0]), np.array([list(row.values()) for row in rows], np.float32)


def crop(image: str) -> Image:
    """The middle of one of the nine clean photographs, (1, 3, 128, 128)."""
    pixels = np.asarray(PillowImage.open(SHARED / "denoise25" / f"{image}_GT.png"))
    top, left = ((side - SIDE) // 2 for side in pixels.shape[:2])
    cut = pixels[top : top + SIDE, left : left + SIDE].astype(np.float32) / 255
    return torch.from_numpy(cut).permute(2, 0, 1)[None].contiguous()


def damaged(truth: Image, curve: Curve) -> tuple[Image, Problem]:
    """What the camera gave, stored in 8 bits, and the problem that it poses."""
    generator = torch.Generator().manual_seed(IMAGES.index(curve.image) + 100 * curve.seed)
    if curve.damage == "missing":
        mask = Mask((torch.rand(1, 1, SIDE, SIDE, generator=generator) < 0.5).float())
        return mask(truth), Problem(mask(truth), mask)
    if curve.damage == "x4":
        small = Downsample(4, Lanczos(3), border=Border.RENORMALISE)
        y = _stored(small(truth))
        return y, Problem(y, small)
    if curve.damage == "jpeg":
        y, _, files = jpeg(truth, 20)
        std = JpegProjection.from_file(files[0]).error_std
        return y, Problem(y, Identity(), noise_std=std)
    noisy = simulate(truth, Identity(), NOISES[curve.damage], generator=generator)
    y = _stored(noisy)
    return y, Problem(y, Identity(), noise_std=_STD.get(curve.damage))


def withheld(y: Image, generator: torch.Generator) -> tuple[Image, Image, Image]:
    """Maps of 0 and 1, (1, 3, h, w): seen by the loss, hidden pixels, hidden single values."""
    pixel = (torch.rand(1, 1, *y.shape[2:], generator=generator) < HELD_OUT).float()
    value = (torch.rand(y.shape, generator=generator) < HELD_OUT).float() * (1 - pixel)
    return (1 - pixel) * (1 - value), pixel.expand(y.shape).clone(), value


def filled(y: Image, kept: Image) -> Image:
    """Put the mean of the neighbours that are kept where a value is not."""
    around = torch.ones(y.shape[1], 1, 3, 3)
    total = F.conv2d(y * kept, around, padding=1, groups=y.shape[1])
    count = F.conv2d(kept, around, padding=1, groups=y.shape[1])
    return torch.where(kept > 0, y, total / count.clamp_min(1))


def _to_fit(curve: Curve, posed: Problem, kept: Image) -> tuple[Setting, Problem]:
    """The setting and the problem with what is held out taken from both."""
    if curve.fit in ("dip/denoise", "dip/dejpeg"):
        kept.fill_(1)  # Stein's estimate is their own judge
        return _alone(recipes.METHODS[curve.fit]), posed
    if curve.fit == "dip/inpaint":
        mask = posed.degradation
        assert isinstance(mask, Mask)
        hidden = Mask(mask.known * kept.amin(1, keepdim=True))
        return _alone(recipes.METHODS[curve.fit]), Problem(hidden(posed.observation), hidden)
    problem = replace(posed, observation=filled(posed.observation, kept))
    if isinstance(posed.degradation, Mask):
        problem = posed  # a network fed with noise sees its target through the loss alone
    own = recipes.METHODS.get(curve.fit)
    setting = _alone(own) if own is not None else _narrow(int(curve.fit.removeprefix("plain")))
    return replace(setting, objective=Cited(Mse(kept), "less what is held out")), problem


def _alone(setting: Setting) -> Setting:
    """The setting without its average, which the curve takes by itself."""
    return replace(setting, filters=Cited(setting.filters.value[:1], "rewinding alone"))


def _stored(image: Image) -> Image:
    return (image.clamp(0, 1) * 255).round() / 255
