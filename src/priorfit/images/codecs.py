"""imagecodecs, which is not always installed and documents no set of exceptions."""

from collections.abc import Callable
from importlib.util import find_spec
from types import ModuleType

import numpy as np

from priorfit.errors import ImageFileError

INSTALL = "pip install 'priorfit[tiff]'"


def imagecodecs_for(need: str) -> ModuleType:
    """The package imagecodecs.

    Args:
        need: what needs it, as the beginning of a message: "is a JPEG XL file, which needs".

    Raises:
        ImageFileError: it is not installed.
    """
    if find_spec("imagecodecs") is None:
        raise ImageFileError(f"{need} imagecodecs: {INSTALL}")
    import imagecodecs

    return imagecodecs


def decoded(decode: Callable[[], np.ndarray]) -> np.ndarray:
    """What a decoder of imagecodecs gives.

    Raises:
        ImageFileError: it fails.
    """
    try:
        return decode()
    except (RuntimeError, ValueError, TypeError, MemoryError) as error:
        raise ImageFileError("is damaged or truncated: its pixels cannot be decoded") from error
