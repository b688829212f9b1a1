"""One file from an address: measured, hashed, resumed, and there as a whole or not at all."""

import hashlib
import http.client
import json
import os
import shutil
import socket
import ssl
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from priorfit.errors import CheckpointError
from priorfit.store.description import sha256 as file_hash

_CHUNK = 1 << 18
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
        timeout: seconds without a byte.
        pauses: seconds before each further attempt.
    """

    largest: int = 4 << 30
    timeout: float = 30.0
    pauses: tuple[float, ...] = (1.0, 4.0)


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
    validator that it gave the first time; another one begins anew.

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
    return digest


class _Passing(Exception):
    """Something that may be over in a moment."""


class _Part:
    """What has come of a file so far, and the note that says of which."""

    def __init__(self, target: Path, url: str) -> None:
        self.target, self.url = target, url
        self.path = target.with_name(target.name + ".part")
        self.note = target.with_name(target.name + ".part.json")

    def begun(self) -> tuple[int, str]:
        """Bytes that can be built upon, and the validator of the file that they are of."""
        try:
            if self.note.stat().st_size > _LONGEST_NOTE:
                return 0, ""
            note = json.loads(self.note.read_text("utf-8"))
            validator = note["validator"]
            if note["url"] == self.url and isinstance(validator, str) and validator.isprintable():
                return (self.path.stat().st_size, validator) if validator else (0, "")
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            pass
        return 0, ""

    def begin(self, validator: str) -> None:
        """Start from nothing."""
        self.note.write_text(json.dumps({"url": self.url, "validator": validator}), "utf-8")
        self.path.write_bytes(b"")

    def discard(self) -> None:
        """Forget what has come."""
        for path in (self.path, self.note):
            path.unlink(missing_ok=True)

    def finish(self) -> None:
        """Give the file its name."""
        self.path.replace(self.target)
        self.note.unlink(missing_ok=True)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to http and https alone, and never from https to http."""

    max_redirections = 5

    def redirect_request(  # noqa: PLR0917, as urllib has it
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        scheme = urlsplit(newurl).scheme
        if scheme != "https" and (scheme != "http" or req.type == "https"):
            raise CheckpointError(f"{req.full_url} leads to {newurl}, where it is not safe to go")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """An opener that knows http and https and nothing else, unlike that of the library."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPCookieProcessor(),  # SharePoint goes in circles without
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener


def _persistently(part: _Part, progress: Progress | None, patience: Patience) -> str:
    for pause in (*patience.pauses, None):
        try:
            return _attempt(part, progress, patience)
        except _Passing as error:
            if pause is None:
                kept = "; what has come is kept, and the next attempt goes on from there"
                kept = kept if part.begun()[0] else ""
                raise CheckpointError(f"{part.url}: {error}{kept}") from error
            time.sleep(pause)
    raise AssertionError("the last pause is None")


def _attempt(part: _Part, progress: Progress | None, patience: Patience) -> str:
    begun, validator = part.begun()
    request = urllib.request.Request(part.url, headers={"User-Agent": "priorfit"})
    if begun:
        request.add_header("Range", f"bytes={begun}-")
        request.add_header("If-Range", validator)
    try:
        with _opener().open(request, timeout=patience.timeout) as response:
            return _received(response, part, progress, patience)
    except HTTPError as error:
        if begun and error.headers.get("Content-Range") == f"bytes */{begun}":
            return file_hash(part.path)  # all was here but for its name
        _refused(error, part)
        raise _Passing(f"the server answers {error.code} {error.reason}") from error
    except _LOST as error:
        cause = error.reason if isinstance(error, URLError) else error
        if isinstance(cause, _HOPELESS):
            host = urlsplit(part.url).netloc
            raise CheckpointError(f"{host} cannot be reached: {_reason(cause)}") from error
        raise _Passing(f"the connection was lost: {_reason(cause)}") from error
    except ValueError as error:  # an address or a header that is none
        raise CheckpointError(f"{part.url}: the server answers with nonsense: {error}") from error


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
) -> str:
    """Write what comes, behind what is there if the server goes on with that; its hash."""
    done = _continued(response, part)
    total = _total(response, done)
    _check(response, part)
    _check_length(part, done, total, patience)
    digest = hashlib.sha256()
    if done:
        with part.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
    else:
        part.begin(_validator(response))
    with part.path.open("r+b") as file:
        file.seek(done)
        while chunk := response.read(_CHUNK):
            done += len(chunk)
            if done > patience.largest:
                raise CheckpointError(_too_long(part.url, patience))
            file.write(chunk)
            digest.update(chunk)
            if progress is not None:
                progress(done, total)
        file.flush()
        os.fsync(file.fileno())
    if total is not None and done < total:
        raise _Passing(f"the connection was lost after {done:,} of {total:,} bytes")
    return digest.hexdigest()


def _continued(response: http.client.HTTPResponse, part: _Part) -> int:
    """At which byte the answer goes on; 0 for a whole file.

    Raises:
        _Passing: it is a piece that does not fit; what is here was discarded.
    """
    if response.status != http.client.PARTIAL_CONTENT:
        return 0
    begun, validator = part.begun()
    where = response.headers.get("Content-Range", "")
    if begun and where.startswith(f"bytes {begun}-") and _validator(response) in ("", validator):
        return begun
    part.discard()
    raise _Passing("the server sends another piece than was asked for")


def _check(response: http.client.HTTPResponse, part: _Part) -> None:
    """Make sure that this is a file, as it was published."""
    if response.status not in (http.client.OK, http.client.PARTIAL_CONTENT):
        raise CheckpointError(f"{part.url}: the server answers {response.status}, not with a file")
    if response.headers.get_content_type() == "text/html":
        raise CheckpointError(f"{part.url} gives a web page, not a file: it wants a browser")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise CheckpointError(f"{part.url}: the server packs the file, which nobody asked for")


def _check_length(part: _Part, done: int, total: int | None, patience: Patience) -> None:
    """Make sure, before anything is written, that there is room for what is to come."""
    if total is None:
        return
    if total > patience.largest:
        raise CheckpointError(_too_long(part.url, patience))
    free = shutil.disk_usage(part.path.parent).free
    if total - done > free:
        raise CheckpointError(
            f"{part.url}: {total - done:,} bytes are to come, and there is room for {free:,} in "
            f"{part.path.parent}"
        )


def _total(response: http.client.HTTPResponse, done: int) -> int | None:
    """Bytes of the whole file, as the server says."""
    length = response.headers.get("Content-Length", "")
    return done + int(length) if length.isascii() and length.isdigit() else None


def _validator(response: http.client.HTTPResponse) -> str:
    """What tells this version of a file from others; empty where nothing does for certain."""
    tag = response.headers.get("ETag", "")
    if tag and not tag.startswith("W/"):
        return tag
    return "" if tag else response.headers.get("Last-Modified", "")


def _too_long(url: str, patience: Patience) -> str:
    return f"{url} has more than {patience.largest:,} bytes, the most that is fetched"


def _reason(error: object) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
