"""A noisy picture as it is posed for files and for arrays alike: how strong its noise is."""

from dataclasses import dataclass

from priorfit.classical.clipping import before_clipping
from priorfit.classical.needless import said_to_be_none, without_noise
from priorfit.classical.noise_level import COLOURED, NoiseEstimate, estimate_noise
from priorfit.classical.specks import fill_specks, find_specks
from priorfit.images import Picture
from priorfit.problem import Problem
from priorfit.tasks.problems import denoising
from priorfit.units import Units
from priorfit.wording import counted

_FAINT = 3 / 255
"""Below, texture and rounding are not told apart from noise."""


@dataclass(frozen=True)
class Noisy:
    """A noisy picture.

    Args:
        problem: its noise level on the scale of the picture, specks filled.
        estimate: of the noise, in the units of the picture's own range.
        estimated: whether the level is that estimate.
        needless: why there is nothing to restore; None where there is.
        specks: how many were filled.
        notes: what the picture turned out to be like.
    """

    problem: Problem
    estimate: NoiseEstimate
    estimated: bool
    needless: str | None = None
    specks: int = 0
    notes: tuple[str, ...] = ()

    @property
    def white(self) -> bool:
        """Whether what is fitted by Stein's estimate fits it."""
        return self.estimate.white or self.estimate.std < _FAINT


def pose_noisy(picture: Picture, noise_std: float | None = None) -> Noisy:
    """Pose the removal of noise, whose strength is estimated where it is not given.

    Args:
        picture: the noisy one.
        noise_std: standard deviation of the noise as a fraction of full scale, if known.

    Raises:
        ProblemError: pixels that are not numbers, or a standard deviation outside [0, 1].
    """
    image = picture.tensor()
    denoising(image, noise_std)  # specks are looked for among numbers
    specks = find_specks(image)
    count = int(specks.any(1).sum())
    image = fill_specks(image, specks) if count else image
    units = Units.of(image, limits=picture.limits)
    seen = units.inward(image)
    noise = estimate_noise(seen)
    if noise_std is None:
        most = float(seen.std()) if seen[0].numel() > 1 else 1.0
        std = min(min(before_clipping(seen, noise.std), most) * units.span, 1.0)
        needless = without_noise(seen, noise.std)
    else:
        std, needless = noise_std, said_to_be_none(noise_std)
    problem = denoising(image, std)
    notes = _notes(count, noise, estimated=noise_std is None)
    return Noisy(problem, noise, noise_std is None, needless, count, notes)


def _notes(specks: int, noise: NoiseEstimate, *, estimated: bool) -> tuple[str, ...]:
    notes = []
    if specks:
        pixels = counted(specks, "pixel")
        notes.append(
            f"{pixels} had nothing to do with those around them (specks: salt and pepper, hot or "
            "dead pixels) and were filled first"
        )
    if estimated and noise.doubt is not None and noise.std >= _FAINT:
        notes.append(noise.doubt)
    if not noise.white and noise.std >= _FAINT:
        notes.append(_coloured(noise))
    return tuple(notes)


def _coloured(noise: NoiseEstimate) -> str:
    if noise.correlation >= COLOURED:
        shared = (
            f"neighbouring pixels share it, with a correlation of about {noise.correlation:.1f}"
        )
    else:
        shared = "the channels share it"
    return f"the noise is not white: {shared}"
