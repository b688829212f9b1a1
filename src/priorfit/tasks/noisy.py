"""A noisy picture as it is posed for files and for arrays alike: how strong its noise is."""

from dataclasses import dataclass

from priorfit.clipping import before_clipping
from priorfit.images import Picture
from priorfit.needless import said_to_be_none, without_noise
from priorfit.noise_level import NoiseEstimate, estimate_noise
from priorfit.tasks.problems import Posed, denoising, own_units


@dataclass(frozen=True)
class Noisy:
    """A noisy picture.

    Args:
        posed: the problem, its noise level on the scale of the picture.
        estimate: of the noise, in the units of the picture's own range; None where it was given.
        needless: why there is nothing to restore; None where there is.
    """

    posed: Posed
    estimate: NoiseEstimate | None = None
    needless: str | None = None


def pose_noisy(picture: Picture, noise_std: float | None = None) -> Noisy:
    """Pose the removal of noise, whose strength is estimated where it is not given.

    Args:
        picture: the noisy one.
        noise_std: standard deviation of the noise as a fraction of full scale, if known.

    Raises:
        ProblemError: pixels that are not numbers, or a standard deviation outside [0, 1].
    """
    image = picture.tensor()
    posed = denoising(image, noise_std)
    if noise_std is not None:
        return Noisy(posed, needless=said_to_be_none(noise_std))
    units = own_units(posed.problem, picture.limits)
    seen = units.inward(image)
    noise = estimate_noise(seen)
    std = min(before_clipping(seen, noise.std) * units.span, 1.0)
    return Noisy(denoising(image, std), noise, without_noise(seen, noise.std))
