"""One file from an address: measured, hashed, resumed, and there as a whole or not at all."""

import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import time
import urllib.request
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from priorfit.checkpoints.transfer import EndlessError, Meter, opener
from priorfit.disk.regular import read_regular
from priorfit.errors import CheckpointError
from priorfit.store.description import sha256 as file_hash

_CHUNK = 1 << 14
_SMALL_PIECE, _MOST_SMALL = 1 << 16, 1000  # bytes of a piece, and how many of such are put up with
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.ASCII)
_LONGEST_NOTE = 1 << 16
# What may be over in a moment: a server under load, or one that is being restarted.
_PASSING = {408, 425, 429, 500, 502, 503, 504}
# What no second attempt cures: no such host, nobody there, a certificate that is not right.
_HOPELESS = (socket.gaierror, ConnectionRefusedError, ssl.SSLCertVerificationError)
_LOST = (URLError, http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError)


class Progress(Protocol):
    """What is called while a file arrives."""

    def __call__(self, done: int, total: int | None) -> None:
        """Take bytes that are here, and bytes there will be, None where nobody says."""
        ...


@dataclass(frozen=True)
class Patience:
    """How much is put up with.

    Args:
        largest: bytes; a longer file is refused before any of it is written.
        timeout: seconds without a byte; in twice as many a little of the file has to come.
        pauses: seconds before each further attempt.
        whole: seconds for all of it, after which the next command goes on.
    """

    largest: int = 4 << 30
    timeout: float = 30.0
    pauses: tuple[float, ...] = (1.0, 4.0)
    whole: float = 24 * 3600.0


def download(
    url: str,
    target: Path,
    *,
    sha256: str | None = None,
    progress: Progress | None = None,
    patience: Patience | None = None,
) -> str:
    """Bring a file here, beginning where an attempt before was cut.

    What has come stands in `target` with `.part` behind its name until all of it is there and has
    the right hash. Whether the file at the address is still the same, its server says by the
    validator that it gave the first time; another one begins anew. Of what is refused nothing is
    left. A server that gives a file in pieces is asked for one after the other.

    Args:
        url: address, http or https.
        target: the file to make, in a folder that is made if missing.
        sha256: what the file must have, or with what it must begin.
        progress: is told how far it is.
        patience: limits.

    Returns:
        SHA-256 of the file.

    Raises:
        CheckpointError: it cannot be reached, is too long, or is another file.
    """
    patience = patience or Patience()
    part = _Part(target, url)
    made = not target.parent.exists()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = _persistently(part, progress, patience)
        if sha256 is not None and not digest.startswith(sha256):
            part.discard()
            raise CheckpointError(
                f"{url} is not the file that was published: expected the sha256 {sha256}, got "
                f"{digest}; nothing of it was kept"
            )
        part.finish()
    except OSError as error:
        raise CheckpointError(f"{target}: cannot be written: {_reason(error)}") from error
    finally:
        if made:
            with suppress(OSError):  # a folder that holds something stays
                target.parent.rmdir()
    return digest


class _Passing(Exception):
    """Something that may be over in a moment."""


class _More(Exception):
    """A piece has come as it was asked for, and there are more."""

    def __init__(self, length: int) -> None:
        self.length = length


class _Begun(NamedTuple):
    """What an attempt can build upon.

    Args:
        length: in bytes.
        validator: of the file that they are of.
        total: bytes of that file, None where nobody said.
    """

    length: int = 0
    validator: str = ""
    total: int | None = None


class _Piece(NamedTuple):
    """What an answer brings.

    Args:
        first: byte of the file that it begins with.
        end: byte behind its last one, None where nobody says.
        total: bytes of the file, likewise.
    """

    first: int
    end: int | None
    total: int | None


class _Part:
    """What has come of a file so far, and the note that says of which."""

    def __init__(self, target: Path, url: str) -> None:
        self.target, self.url = target, url
        self.path = target.with_name(target.name + ".part")
        self.note = target.with_name(target.name + ".part.json")

    def begun(self) -> _Begun:
        """What can be built upon."""
        try:
            note = json.loads(read_regular(self.note, _LONGEST_NOTE).decode())
            validator, total = note["validator"], note.get("total")
            sound = isinstance(validator, str) and validator.isprintable() and bool(validator)
            if note["url"] == self.url and sound and (total is None or type(total) is int):
                return _Begun(self.path.stat().st_size, validator, total)
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            pass
        return _Begun()

    def begin(self, validator: str, total: int | None) -> None:
        """Start from nothing."""
        self.discard()  # first of all: no note may be of bytes that it does not mean
        note = {"url": self.url, "validator": validator, "total": total}
        self.note.write_text(json.dumps(note), "utf-8")
        self.path.write_bytes(b"")

    def discard(self) -> None:
        """Forget what has come."""
        for path in (self.note, self.path):
            path.unlink(missing_ok=True)

    def finish(self) -> None:
        """Give the file its name."""
        self.path.replace(self.target)
        self.note.unlink(missing_ok=True)


def _persistently(part: _Part, progress: Progress | None, patience: Patience) -> str:
    until = time.monotonic() + patience.whole
    pauses, small = iter(patience.pauses), 0
    while True:
        try:
            return _attempt(part, progress, patience, until)
        except _More as more:
            small += more.length < _SMALL_PIECE
            if small > _MOST_SMALL:
                raise CheckpointError(
                    f"{part.url}: the server gives {more.length:,} bytes at a time; what has come "
                    "is kept"
                ) from more
        except _Passing as error:
            pause = next(pauses, None)
            if pause is None:
                kept = "; what has come is kept, and the next attempt goes on from there"
                if not part.begun().length:
                    kept = ""
                    part.discard()
                raise CheckpointError(f"{part.url}: {error}{kept}") from error
            time.sleep(pause)


def _attempt(part: _Part, progress: Progress | None, patience: Patience, until: float) -> str:
    begun = part.begun()
    request = urllib.request.Request(part.url, headers={"User-Agent": "priorfit"})
    if begun.length:
        request.add_header("Range", f"bytes={begun.length}-")
        request.add_header("If-Range", begun.validator)
    meter = Meter(2 * patience.timeout, until)
    try:
        with (
            closing(meter),
            opener(meter).open(request, timeout=patience.timeout) as response,
        ):
            return _received(response, part, progress, patience, meter)
    except HTTPError as error:
        if _is_whole(error, begun):
            return file_hash(part.path)  # all was here but for its name
        _refused(error, part)
        raise _Passing(f"the server answers {error.code} {error.reason}") from error
    except _LOST as error:
        cause = error.reason if isinstance(error, URLError) else error
        if isinstance(cause, _HOPELESS):
            host = urlsplit(part.url).netloc
            raise CheckpointError(f"{host} cannot be reached: {_reason(cause)}") from error
        raise _Passing(f"the connection was lost: {_reason(cause)}") from error
    except CheckpointError as error:
        if isinstance(error, EndlessError) or not part.begun().length:
            part.discard()
        raise CheckpointError(f"{part.url}: {error}") from error
    except ValueError as error:  # an address or a header that is none
        raise CheckpointError(f"{part.url}: the server answers with nonsense: {error}") from error


def _is_whole(error: HTTPError, begun: _Begun) -> bool:
    """Whether a refusal means that there is nothing behind what is here."""
    said = error.headers.get("Content-Range") == f"bytes */{begun.length}"
    return said and begun.length > 0 and begun.total in (None, begun.length)


def _refused(error: HTTPError, part: _Part) -> None:
    """Raise what a server's refusal means, or return if it may be over in a moment."""
    if error.code == 416:  # nothing there behind what we have: it must be of another file
        part.discard()
    elif 300 <= error.code < 400:
        where = error.headers.get("Location", "nowhere")
        raise CheckpointError(
            f"{part.url} leads to {where}: in circles, or where it is not safe to go"
        ) from error
    elif error.code not in _PASSING:
        raise CheckpointError(
            f"{part.url}: the server answers {error.code} {error.reason}"
        ) from error


def _received(
    response: http.client.HTTPResponse,
    part: _Part,
    progress: Progress | None,
    patience: Patience,
    meter: Meter,
) -> str:
    """Write what comes, behind what is there if the server goes on with that; its hash."""
    piece = _piece(response, part)
    _check(response)
    _check_length(part, piece, patience)
    digest = hashlib.sha256()
    if piece.first:
        with part.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
    else:
        part.begin(_validator(response), piece.total)
    done = piece.first
    with part.path.open("r+b") as file:
        file.seek(done)
        while chunk := response.read(_left(piece, done)):
            meter.keep(len(chunk))
            done += len(chunk)
            if done > patience.largest:
                part.discard()
                raise CheckpointError(_too_long(patience))
            file.write(chunk)
            digest.update(chunk)
            if progress is not None:
                progress(done, piece.total)
        file.flush()
        os.fsync(file.fileno())
    _check_whole(piece, done)
    return digest.hexdigest()


def _left(piece: _Piece, done: int) -> int:
    """How much to read at once, and no more than there is said to be."""
    return _CHUNK if piece.end is None else min(_CHUNK, piece.end - done)


def _check_whole(piece: _Piece, done: int) -> None:
    if piece.total is None or done >= piece.total:
        return
    if done == piece.end:
        raise _More(done - piece.first)
    raise _Passing(f"the connection was lost after {done:,} of {piece.total:,} bytes")


def _piece(response: http.client.HTTPResponse, part: _Part) -> _Piece:
    """Which part of the file an answer is.

    Raises:
        _Passing: a piece that does not fit; what is here was discarded.
    """
    said_length = response.headers.get("Content-Length", "")
    plain = said_length.isascii() and said_length.isdigit()
    length = int(said_length[:18]) if plain else None
    if response.status != http.client.PARTIAL_CONTENT:
        return _Piece(0, length, length)
    begun = part.begun()
    said = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if said and begun.length and _validator(response) in ("", begun.validator):
        first, end = int(said[1]), int(said[2]) + 1
        total = begun.total if said[3] == "*" else int(said[3])
        fits = first == begun.length < end and (length is None or length == end - first)
        if fits and begun.total in (None, total) and (total is None or end <= total):
            return _Piece(first, end, total)
    part.discard()
    raise _Passing("the server sends another piece than was asked for")


def _check(response: http.client.HTTPResponse) -> None:
    """Make sure that this is a file, as it was published."""
    if response.status not in (http.client.OK, http.client.PARTIAL_CONTENT):
        raise CheckpointError(f"the server answers {response.status}, not with a file")
    if response.headers.get_content_type() == "text/html":
        raise CheckpointError("gives a web page, not a file: it wants a browser")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise CheckpointError("the server packs the file, which nobody asked for")


def _check_length(part: _Part, piece: _Piece, patience: Patience) -> None:
    """Make sure, before anything is written, that there is room for what is to come."""
    if piece.total is None:
        return
    if piece.total > patience.largest:
        part.discard()
        raise CheckpointError(_too_long(patience))
    free = shutil.disk_usage(part.path.parent).free
    if piece.total - piece.first > free:
        raise CheckpointError(
            f"{piece.total - piece.first:,} bytes are to come, and there is room for {free:,} in "
            f"{part.path.parent}"
        )


def _validator(response: http.client.HTTPResponse) -> str:
    """What tells this version of a file from others; empty where nothing does for certain."""
    tag = response.headers.get("ETag", "")
    if tag and not tag.startswith("W/"):
        return tag
    return "" if tag else response.headers.get("Last-Modified", "")


def _too_long(patience: Patience) -> str:
    return f"has more than {patience.largest:,} bytes, the most that is fetched"


def _reason(error: object) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
