"""Remove the artefacts of JPEG compression, by the tables of the file."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Unpack

from priorfit.errors import ProblemError
from priorfit.tasks.arrays import Shared, on_arrays, start_on_array
from priorfit.tasks.base import Laid, Task
from priorfit.tasks.checks import require_numbers, size_of
from priorfit.wording import counted

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from priorfit.degradations.jpeg import JpegProjection
    from priorfit.engine.case import Restored
    from priorfit.engine.run import Run
    from priorfit.guarantee.comparators import Comparator
    from priorfit.images import JpegTables, Picture
    from priorfit.problem import Problem
    from priorfit.types import Image


class Dejpeg(Task):
    """Remove the artefacts of JPEG compression."""

    kind: Literal["dejpeg"] = "dejpeg"

    default_recipe: ClassVar[str] = "dip/dejpeg"
    synonyms: ClassVar[tuple[str, ...]] = ("jpeg", "deartifact", "deblock")

    @property
    def contenders(self) -> "Sequence[Comparator]":
        from priorfit.guarantee import comparators as cheap

        return (cheap.AS_IT_WAS,)

    @property
    def comparators(self) -> "Sequence[Comparator]":
        from priorfit.guarantee import comparators as cheap

        return cheap.SMOOTHING

    def lay(self, picture: "Picture", path: Path) -> Laid:
        from priorfit.degradations.jpeg import JpegProjection

        if picture.jpeg is None:
            raise ProblemError(_on_no_tables(picture))
        return self.pose(picture, JpegProjection.from_file(path.read_bytes()))

    def pose(self, picture: "Picture", projection: "JpegProjection") -> Laid:
        """Pose the removal of artefacts, which may be too faint to be seen.

        Raises:
            ProblemError: see `dejpegging`.
        """
        from priorfit.classical.needless import without_artefacts

        problem = dejpegging(picture.tensor(), projection)
        needless = without_artefacts(projection.error_std)
        # Stored with the tables of the input, a JPEG would have its artefacts again.
        return Laid(problem, replace(picture, jpeg=None), estimated=True, needless=needless)


def _on_no_tables(picture: "Picture") -> str:
    from priorfit import images

    if picture.format != "jpeg":
        return f"expected a JPEG file, got {images.FORMATS[picture.format].title}"
    kind = "12 bits" if picture.dtype.itemsize > 1 else "CMYK"
    return f"is a JPEG of {kind}, which is not read here: dejpeg takes 8 bits, grey or YCbCr"


def dejpegging(image: "Image", projection: "JpegProjection") -> "Problem":
    """The removal of the artefacts of JPEG compression.

    Args:
        image: (1, 1 or 3, H, W), as decoded.
        projection: onto the images that the file can stand for.

    Raises:
        ProblemError: the projection is for another size or number of channels.
    """
    from priorfit.degradations import Identity
    from priorfit.loop.finish import RespectJpeg
    from priorfit.problem import Problem

    sides, channels = sorted(image.shape[-2:]), image.shape[1]  # it may lie on its side in the file
    if sides != sorted(projection.size) or channels != len(projection.tables.sampling):
        raise ProblemError(
            f"expected {projection} for a picture of {size_of(image)} pixels in "
            f"{counted(channels, 'channel')}"
        )
    # What compression left is not white, but Stein's estimate with its size is the best guard
    # against following it.
    std, finish = projection.error_std, [RespectJpeg(projection)]
    return Problem(require_numbers(image), Identity(), noise_std=std, finish=finish)


@on_arrays(Dejpeg)
def dejpeg(
    image: "ArrayLike",
    *,
    quality: int | None = None,
    tables: "JpegTables | None" = None,
    force: bool = False,
    **shared: Unpack[Shared],
) -> "Run[Restored]":
    """Remove the artefacts of JPEG compression; the result could be stored as the same file.

    An image that compression cost at most 2/255, by its tables, comes back as a copy.

    Args:
        image: (H, W), or with channels, as decoded.
        quality: 1 to 100 on libjpeg's scale, colours stored at half the resolution (4:2:0).
        tables: or what `priorfit.images.read(path).jpeg` found in the file.
        force: restore what seems to need no restoring too.
    """
    from priorfit.degradations.jpeg import JpegProjection

    if (quality is None) == (tables is None):
        raise ProblemError("expected the file's quality or its tables: one of the two")
    task = Dejpeg()

    def pose(picture: "Picture") -> Laid:
        stored = tables
        if stored is None:
            assert quality is not None
            stored = _usual_tables(quality, picture.shape[0])
        return task.pose(picture, JpegProjection.from_picture(stored, picture.tensor()))

    return start_on_array(task, image, pose, shared, force=force)


def _usual_tables(quality: int, channels: int) -> "JpegTables":
    """Tables that libjpeg uses at a quality, read from a file it makes."""
    import io

    from PIL import Image as PillowImage

    from priorfit.images.jpeg_tables import jpeg_tables

    if not 1 <= quality <= 100:
        raise ProblemError(f"expected a JPEG quality of 1 to 100, got {quality}")
    file = io.BytesIO()
    mode = "L" if channels == 1 else "RGB"
    PillowImage.new(mode, (16, 16)).save(file, "JPEG", quality=quality)
    return jpeg_tables(file.getvalue())
