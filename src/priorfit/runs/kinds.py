"""The tasks as they cross a process or file boundary, and how each is problem from files."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, NonNegativeInt, field_validator, model_validator

from priorfit import images
from priorfit.classical import guides
from priorfit.classical.needless import without_artefacts
from priorfit.degradations import gaussian_psf, motion_psf
from priorfit.degradations.jpeg import JpegProjection
from priorfit.errors import ProblemError
from priorfit.images import Picture
from priorfit.problem import Problem
from priorfit.runs.holes import hole_of, opaque
from priorfit.runs.psf import read_psf
from priorfit.tasks import (
    KERNELS,
    Choice,
    deblurring,
    dejpegging,
    enhancing,
    for_hole,
    fusing,
    inpainting,
    pose_noisy,
    upscaling,
)
from priorfit.types import Image


@dataclass(frozen=True)
class Laid:
    """A problem laid out from files.

    Args:
        problem: on the scale of the picture.
        picture: the way the result is stored.
        estimated: the noise level was not given but estimated.
        comparators: what a viewer may hold beside the result, by name.
        notes: what the picture turned out to be like.
        needless: why there is nothing to restore; None where there is.
        filled: specks that were filled beforehand.
        white: whether the noise is what Stein's estimate takes it for.
        choice: the recipe that the picture asks for, where the task looks for one.
    """

    problem: Problem
    picture: Picture
    estimated: bool = False
    comparators: Mapping[str, Image] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    needless: str | None = None
    filled: int = 0
    white: bool = True
    choice: Choice | None = None


class Kind(BaseModel):
    """A task with its options."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    chooses: ClassVar[bool] = False
    """Whether `lay` chooses a recipe."""

    def absolute(self) -> Self:
        """The same with paths that hold from every folder."""
        return self.model_copy(
            update={name: value.absolute() for name, value in self if isinstance(value, Path)}
        )

    @abstractmethod
    def lay(self, picture: Picture, path: Path) -> Laid:
        """Pose the problem of a picture that was read from `path`."""

    @property
    def files(self) -> dict[str, Path]:
        """What is read beside the picture, by its part in the task."""
        return {}

    @property
    def options(self) -> dict[str, object]:
        """The options as others may read them: files by name, wherever they lie."""
        values = self.model_dump(mode="json", exclude={"kind"})
        names = {name: value.name for name, value in self if isinstance(value, Path)}
        return {**values, **names}

    @property
    def arguments(self) -> list[str]:
        """The command line's options for these."""
        return []


class Denoise(Kind):
    """Remove white noise; without a standard deviation it is estimated.

    Args:
        noise_std: standard deviation as a fraction of full scale.
        noise_std_counts: or in the picture's own units.
    """

    kind: Literal["denoise"] = "denoise"
    noise_std: float | None = None
    noise_std_counts: float | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.noise_std is not None and self.noise_std_counts is not None:
            raise ValueError("expected noise_std or noise_std_counts, got both")
        return self

    def level(self, picture: Picture) -> float | None:
        """The standard deviation that was given, as a fraction of full scale; None if none was.

        Raises:
            ProblemError: it is more than full scale.
        """
        if self.noise_std_counts is None:
            return self.noise_std
        full = (picture.scale.high - picture.scale.low) or 1.0
        if not 0 <= self.noise_std_counts <= full:
            raise ProblemError(
                f"expected noise of 0 to {full:g} counts, the full scale of the picture, "
                f"got {self.noise_std_counts:g} counts"
            )
        return self.noise_std_counts / full

    def lay(self, picture: Picture, path: Path) -> Laid:
        noisy = pose_noisy(picture, self.level(picture))
        return Laid(
            noisy.problem,
            picture,
            estimated=noisy.estimated,
            notes=noisy.notes,
            needless=noisy.needless,
            filled=noisy.specks,
            white=noisy.white,
        )

    @property
    def arguments(self) -> list[str]:
        if self.noise_std_counts is not None:
            return ["--noise-std", f"{self.noise_std_counts!r}counts"]
        return ["--noise-std", "auto" if self.noise_std is None else repr(self.noise_std)]


class Inpaint(Kind):
    """Fill a hole: white in a mask, not known in another, transparent, or NaN."""

    kind: Literal["inpaint"] = "inpaint"
    chooses: ClassVar[bool] = True
    hole_mask: Path | None = None
    known_mask: Path | None = None
    hole_from_alpha: bool = False
    grow_mask: NonNegativeInt = 0
    paste_back: bool = True

    def lay(self, picture: Picture, path: Path) -> Laid:
        hole = hole_of(picture, self.hole_mask, self.known_mask, from_alpha=self.hole_from_alpha)
        problem = inpainting(
            picture.tensor(), hole.where, grow=self.grow_mask, paste_back=self.paste_back
        )
        if self.hole_from_alpha and picture.alpha is not None:
            filled = np.full_like(picture.alpha, opaque(picture.alpha))
            picture = replace(picture, alpha=filled)
        return Laid(problem, picture, notes=hole.notes, choice=for_hole(problem))

    @property
    def files(self) -> dict[str, Path]:
        masks = {"hole mask": self.hole_mask, "known mask": self.known_mask}
        return {role: path for role, path in masks.items() if path is not None}

    @property
    def arguments(self) -> list[str]:
        given = [] if self.hole_mask is None else ["--hole-mask", self.hole_mask.name]
        given += [] if self.known_mask is None else ["--known-mask", self.known_mask.name]
        given += ["--hole-from-alpha"] if self.hole_from_alpha else []
        given += ["--grow-mask", str(self.grow_mask)] if self.grow_mask else []
        return given if self.paste_back else [*given, "--no-paste-back"]


class Upscale(Kind):
    """Enlarge by a whole factor."""

    kind: Literal["upscale"] = "upscale"
    factor: int
    kernel: str = "lanczos3"

    @field_validator("kernel")
    @classmethod
    def _known(cls, kernel: str) -> str:
        if kernel not in KERNELS:
            raise ValueError(f"expected a kernel among {', '.join(KERNELS)}, got '{kernel}'")
        return kernel

    def lay(self, picture: Picture, path: Path) -> Laid:
        problem = upscaling(picture.tensor(), self.factor, KERNELS[self.kernel])
        like, notes = images.enlarged(picture, self.factor)
        return Laid(problem, like, notes=notes)

    @property
    def arguments(self) -> list[str]:
        return ["--factor", str(self.factor), "--kernel", self.kernel]


class Deblur(Kind):
    """Undo a known blur: a PSF file, a Gaussian, or motion along a line."""

    kind: Literal["deblur"] = "deblur"
    psf: Path | None = None
    gaussian: float | None = None
    motion: tuple[float, float] | None = None

    def lay(self, picture: Picture, path: Path) -> Laid:
        return Laid(deblurring(picture.tensor(), self._psf()), picture)

    def _psf(self) -> torch.Tensor:
        if self.psf is not None:
            return read_psf(self.psf)
        if self.motion is not None:
            return motion_psf(*self.motion)
        if self.gaussian is not None:
            return gaussian_psf(self.gaussian)
        raise ProblemError("expected a PSF, a Gaussian or motion")

    @property
    def files(self) -> dict[str, Path]:
        return {} if self.psf is None else {"psf": self.psf}

    @property
    def arguments(self) -> list[str]:
        if self.psf is not None:
            return ["--psf", self.psf.name]
        if self.motion is not None:
            return ["--motion", f"{self.motion[0]!r},{self.motion[1]!r}"]
        return ["--gaussian", repr(self.gaussian)]


class Dejpeg(Kind):
    """Remove the artefacts of JPEG compression from a JPEG file."""

    kind: Literal["dejpeg"] = "dejpeg"

    def lay(self, picture: Picture, path: Path) -> Laid:
        if picture.jpeg is None:
            raise ProblemError(_on_no_tables(picture))
        projection = JpegProjection.from_file(path.read_bytes())
        # Stored with the tables of the input, a JPEG would have its artefacts again.
        problem = dejpegging(picture.tensor(), projection)
        needless = without_artefacts(projection.error_std)
        return Laid(problem, replace(picture, jpeg=None), estimated=True, needless=needless)


class Fuse(Kind):
    """Give the picture, taken without flash, the detail of one taken with it."""

    kind: Literal["fuse"] = "fuse"
    flash: Path

    def lay(self, picture: Picture, path: Path) -> Laid:
        flash = images.visible(images.read(self.flash)).tensor()
        return Laid(fusing(flash, picture.tensor()), picture, comparators={"flash": flash})

    @property
    def files(self) -> dict[str, Path]:
        return {"flash": self.flash}


class Enhance(Kind):
    """Boost detail."""

    kind: Literal["enhance"] = "enhance"
    amount: float = 1.0

    def lay(self, picture: Picture, path: Path) -> Laid:
        image = picture.tensor()
        problem = enhancing(image, self.amount)
        return Laid(
            problem, picture, comparators={"unsharp mask": guides.unsharp(image, self.amount)}
        )

    @property
    def arguments(self) -> list[str]:
        return ["--amount", repr(self.amount)]


def _on_no_tables(picture: Picture) -> str:
    if picture.format != "jpeg":
        return f"expected a JPEG file, got {images.FORMATS[picture.format].title}"
    kind = "12 bits" if picture.dtype.itemsize > 1 else "CMYK"
    return f"is a JPEG of {kind}, which is not read here: dejpeg takes 8 bits, grey or YCbCr"
