"""Remove noise: how strong it is, what of it is specks, and whether there is any."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, Unpack

from pydantic import Field, model_validator

from priorfit.tasks.arrays import Shared, on_arrays, start_on_array
from priorfit.tasks.base import Laid, Task
from priorfit.tasks.checks import require_numbers
from priorfit.tasks.levels import check_noise_std, read_level
from priorfit.tasks.options import Typed
from priorfit.wording import counted

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from priorfit.classical.noise_level import NoiseEstimate
    from priorfit.engine.case import Restored
    from priorfit.engine.run import Run
    from priorfit.guarantee.comparators import Comparator
    from priorfit.images import Picture
    from priorfit.problem import Problem
    from priorfit.types import Image

_FAINT = 3 / 255
"""Below, texture and rounding are not told apart from noise."""


class Denoise(Task):
    """Remove noise."""

    kind: Literal["denoise"] = "denoise"
    noise_std: Annotated[
        float | None,
        Field(
            description="Standard deviation of the noise: a fraction of full scale such as 0.1 or "
            "25/255, or 12counts in the picture's own units."
        ),
        Typed(metavar="S|auto", as_text=True, shown="auto"),
    ] = None
    noise_std_counts: float | None = None

    default_recipe: ClassVar[str] = "dip/denoise"
    synonyms: ClassVar[tuple[str, ...]] = ("denoising",)

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: Any) -> Any:
        """A level may be typed as text."""
        if isinstance(given, dict) and isinstance(given.get("noise_std"), str):
            level = read_level(given["noise_std"])
            return {**given, "noise_std": level.fraction, "noise_std_counts": level.counts}
        return given

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.noise_std is not None and self.noise_std_counts is not None:
            raise ValueError("expected noise_std or noise_std_counts, got both")
        return self

    @property
    def contenders(self) -> "Sequence[Comparator]":
        from priorfit.guarantee import comparators as cheap

        quick = (cheap.AS_IT_WAS, cheap.NON_LOCAL_MEANS, cheap.BLOCK_MATCHING)
        return (*quick, cheap.CAMERA, cheap.CAMERA_QUICK)

    @property
    def comparators(self) -> "Sequence[Comparator]":
        from priorfit.guarantee import comparators as cheap

        return (*cheap.SMOOTHING, cheap.BLOCK_MATCHING, cheap.ZERO_SHOT)

    @property
    def arguments(self) -> list[str]:
        if self.noise_std_counts is not None:
            return ["--noise-std", f"{self.noise_std_counts!r}counts"]
        return ["--noise-std", "auto" if self.noise_std is None else repr(self.noise_std)]

    def level(self, picture: "Picture") -> float | None:
        """The standard deviation that was given, as a fraction of full scale; None if none was.

        Raises:
            ProblemError: it is more than full scale.
        """
        from priorfit.errors import ProblemError

        if self.noise_std_counts is None:
            return self.noise_std
        full = (picture.scale.high - picture.scale.low) or 1.0
        if not 0 <= self.noise_std_counts <= full:
            raise ProblemError(
                f"expected noise of 0 to {full:g} counts, the full scale of the picture, "
                f"got {self.noise_std_counts:g} counts"
            )
        return self.noise_std_counts / full

    def lay(self, picture: "Picture", path: Path) -> Laid:
        return self.pose(picture)

    def pose(self, picture: "Picture") -> Laid:
        """Pose the removal of noise; its strength is estimated where it is not given.

        Raises:
            ProblemError: pixels that are not numbers, or a standard deviation outside [0, 1].
        """
        from priorfit.classical.needless import said_to_be_none, without_noise

        given = self.level(picture)
        seen = _look(picture, given)
        if given is None:
            std, needless = seen.std, without_noise(seen.image, seen.noise.std)
        else:
            std, needless = given, said_to_be_none(given)
        return Laid(
            denoising(seen.filled, std),
            picture,
            estimated=given is None,
            notes=_notes(seen, estimated=given is None),
            needless=needless,
            filled=seen.specks,
            white=seen.noise.white or seen.noise.std < _FAINT,
        )


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a look at a noisy picture tells.

    Args:
        filled: (1, C, H, W), without its specks.
        image: the same in units of its own.
        specks: how many were filled.
        unsure: how many single pixels were not: grain, dots, stars, or faults of no common value.
        noise: what is left, in units of its own.
        std: standard deviation of that, before anything was clipped, as a fraction of full scale.
    """

    filled: "Image"
    image: "Image"
    specks: int
    unsure: int
    noise: "NoiseEstimate"
    std: float


def _look(picture: "Picture", noise_std: float | None) -> _Seen:
    from priorfit.classical.clipping import before_clipping
    from priorfit.classical.noise_level import estimate_noise
    from priorfit.classical.specks import fill_specks, look_for_specks
    from priorfit.units import Units

    image = picture.tensor()
    denoising(image, noise_std)  # specks are looked for among numbers
    specks, unsure = look_for_specks(image)
    count = int(specks.any(1).sum())
    image = fill_specks(image, specks) if count else image
    units = Units.of(image, limits=picture.limits)
    seen = units.inward(image)
    noise = estimate_noise(seen)
    std = noise.std
    if noise_std is None:
        most = float(seen.std()) if seen[0].numel() > 1 else 1.0
        std = min(min(before_clipping(seen, noise.std), most) * units.span, 1.0)
    return _Seen(image, seen, count, unsure, noise, std)


def _notes(seen: _Seen, *, estimated: bool) -> tuple[str, ...]:
    noise, notes = seen.noise, []
    if seen.unsure:
        pixels = counted(seen.unsure, "pixel")
        notes.append(
            f"{pixels} had nothing to do with those around them, but may be grain, dots or stars: "
            "not filled (if they are hot pixels, `priorfit inpaint` with a mask of them fills them)"
        )
    if seen.specks:
        pixels = counted(seen.specks, "pixel")
        notes.append(
            f"{pixels} had nothing to do with those around them (specks: salt and pepper, hot or "
            "dead pixels) and were filled first"
        )
    if estimated and noise.doubt is not None and noise.std >= _FAINT:
        notes.append(noise.doubt)
    if not noise.white and noise.std >= _FAINT:
        notes.append(_coloured(noise))
    return tuple(notes)


def _coloured(noise: "NoiseEstimate") -> str:
    from priorfit.classical.noise_level import COLOURED

    if noise.correlation >= COLOURED:
        shared = (
            f"neighbouring pixels share it, with a correlation of about {noise.correlation:.1f}"
        )
    else:
        shared = "the channels share it"
    return f"the noise is not white: {shared}"


def denoising(image: "Image", noise_std: float | None = None) -> "Problem":
    """The removal of white noise.

    Args:
        image: (1, C, H, W).
        noise_std: standard deviation of the noise as a fraction of full scale, if known.

    Raises:
        ProblemError: pixels that are not numbers, or a standard deviation outside [0, 1].
    """
    from priorfit.degradations import Identity
    from priorfit.problem import Problem

    if noise_std is not None:
        check_noise_std(noise_std)
    return Problem(require_numbers(image), Identity(), noise_std=noise_std)


@on_arrays(Denoise)
def denoise(
    image: "ArrayLike",
    *,
    noise_std: float | None = None,
    force: bool = False,
    **shared: Unpack[Shared],
) -> "Run[Restored]":
    """Remove white noise.

    An image without it comes back as a copy: one whose noise, by estimate, is at most 2/255 of what
    it spans, or any with a `noise_std` of 0.

    Args:
        image: (H, W), or with channels.
        noise_std: standard deviation of the noise as a fraction of full scale; estimated if None.
        force: restore what seems to need no restoring too.
    """
    if noise_std is not None:
        check_noise_std(noise_std)
    task = Denoise.from_options({"noise_std": noise_std})
    return start_on_array(task, image, task.pose, shared, force=force)
