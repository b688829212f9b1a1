"""What a file is, by its bytes; its name says nothing."""

from priorfit.checkpoints.readers.source import Source
from priorfit.errors import CheckpointError

EXPECTED = "expected a checkpoint: .pth, .pt, .pkl, .npy, .npz or .safetensors"

_HEAD = 1024

# A number that torch.save puts before everything else in files of its first form, as a pickle.
LEGACY_TORCH = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."

_STRANGERS = (
    (b"version https://git-lfs", "is a pointer of Git LFS, not the file itself: fetch that"),
    (b"\x89HDF", "is an HDF5 file, as Keras writes them"),
    (b"\x1f\x8b", "is packed with gzip: unpack it first"),
    (b"BZh", "is packed with bzip2: unpack it first"),
    (b"\xfd7zXZ", "is packed with xz: unpack it first"),
    (b"7z\xbc\xaf", "is a 7z archive: unpack it first"),
    (b"Rar!", "is a RAR archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "is packed with zstd: unpack it first"),
    (b"%PDF", "is a PDF"),
    (b"\x89PNG", "is a PNG picture"),
    (b"\xff\xd8\xff", "is a JPEG picture"),
    (b"GIF8", "is a GIF picture"),
    (b"\x7fELF", "is a program"),
    (b"MZ", "is a program"),
    (b"GGUF", "is a GGUF file"),
)
_PAGES = (b"<!doctype", b"<html", b"<head", b"<?xml", b"<script", b"<body")


def kind_of(source: Source) -> str:
    """One of "zip", "npy", "safetensors", "torch", "pickle"; the source stands at 0 again.

    Raises:
        CheckpointError: it is none of these.
    """
    head = source.read(_HEAD)
    source.seek(0)
    for magic, said in _STRANGERS:
        if head.startswith(magic):
            raise CheckpointError(f"{said}, {EXPECTED}")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(_PAGES):
        raise CheckpointError(
            "is a web page: the download has failed, open its address in a browser and save "
            "what the page offers"
        )
    return _readable(head, source.size)


def _readable(head: bytes, size: int) -> str:
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if head[257:262] == b"ustar":
        raise CheckpointError(f"is a tar archive, {EXPECTED}")
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= size:
        return "safetensors"
    if head[:1] == b"\x80" and LEGACY_TORCH in head[:40]:
        return "torch"
    # Protocols 2 to 5 say so; 0 and 1 begin with whatever their outermost object begins with.
    if (head[:1] == b"\x80" and head[1:2] <= b"\x05") or head[:1] in (b"(", b"]", b"}", b"c", b")"):
        return "pickle"
    raise CheckpointError(f"is something else, {EXPECTED}")
