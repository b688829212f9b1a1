"""Archives that torch.save writes today: a pickle, and the memory of its tensors beside it."""

from typing import Any

from priorfit.checkpoints.readers import pickles
from priorfit.checkpoints.readers.source import Source
from priorfit.checkpoints.readers.stand_ins import shown
from priorfit.checkpoints.readers.tensors import Tensors
from priorfit.checkpoints.readers.zips import Archive
from priorfit.errors import CheckpointError

_LONGEST_PICKLE = 1 << 28
_INSIDE = (".pth", ".pt", ".pkl", ".ckpt", ".safetensors", ".npy", ".npz")


def read_zip(archive: Archive) -> tuple[Any, Tensors]:
    """The value of an archive that torch.save has written, and what makes its tensors.

    Raises:
        CheckpointError: it is another archive, or damaged.
    """
    names = archive.names
    roots = [name.removesuffix("data.pkl") for name in names if name.endswith("/data.pkl")]
    if len(roots) != 1:
        raise CheckpointError(_what_else(names))
    (root,) = roots
    if f"{root}constants.pkl" in names:
        raise CheckpointError(
            "is a program of TorchScript, expected a checkpoint: save its state_dict() with torch"
        )
    order = f"{root}byteorder"
    if order in names and archive.bytes_of(order, 16) != b"little":
        raise CheckpointError("was written by a machine with the other order of bytes")
    value = pickles.load(Source.of(archive.bytes_of(f"{root}data.pkl", _LONGEST_PICKLE)))
    return value, Tensors(lambda key, size: archive.tensor_of(f"{root}data/{key}", size))


def _what_else(names: list[str]) -> str:
    inside = [n for n in names if n.endswith(_INSIDE) and not n.endswith("/data.pkl")]
    if inside:
        some = shown(inside[0])
        return f"is a ZIP archive of other files, such as {some}: unpack it and import one"
    return "is a ZIP archive, but none that torch.save or NumPy has written"
