"""A way to the web that no server can make endless: http and https, measured as it comes."""

import http.client
import io
import time
import urllib.request
from functools import partial
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import IO, Any
from urllib.parse import urlsplit

from priorfit.errors import CheckpointError

_OVERHEAD = 1 << 20
"""Bytes of headers, chunk sizes and the like for which nobody asks why."""


class EndlessError(CheckpointError):
    """A server sends far more than a file."""


class Meter:
    """Counts what a server sends, and ends what brings nothing or comes to no end.

    Args:
        stall: seconds in which something of the file has to come.
        until: when all of it has to be here, by `time.monotonic`.
    """

    def __init__(self, stall: float, until: float) -> None:
        self._stall, self._until = stall, until
        self._sent = self._kept = 0
        self._latest = time.monotonic()
        self._sources: list[io.RawIOBase] = []

    def watch(self, source: io.RawIOBase) -> io.BufferedReader:
        """The same bytes, each of which is counted before anything is made of it."""
        self._sources.append(source)
        return io.BufferedReader(_Metered(source, self))

    def close(self) -> None:
        """Close what was watched, which libraries leave open after an error."""
        for source in self._sources:
            source.close()

    def keep(self, length: int) -> None:
        """Count bytes of the file itself."""
        self._kept += length
        self._latest = time.monotonic()

    def see(self, length: int) -> None:
        """Count bytes of any kind.

        Raises:
            TimeoutError: nothing of the file has come for too long.
            EndlessError: there is far more than the file.
            CheckpointError: its time is over.
        """
        self._sent += length
        now = time.monotonic()
        if now > self._until:
            raise CheckpointError("takes too long; what has come is kept")
        if now - self._latest > self._stall:
            raise TimeoutError("next to nothing comes")
        if self._sent > _OVERHEAD + 2 * self._kept:
            raise EndlessError("the server sends no end of what is no file")


def opener(meter: Meter) -> urllib.request.OpenerDirector:
    """An opener that knows http and https and nothing else, unlike that of the library."""
    found = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        _Plain(meter),
        _Secure(meter),
        urllib.request.HTTPCookieProcessor(),  # SharePoint goes in circles without
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
        _Redirects(),
    ):
        found.add_handler(handler)
    return found


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
            raise CheckpointError(f"leads to {newurl}, where it is not safe to go")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Metered(io.RawIOBase):
    """Bytes from a socket that are counted."""

    def __init__(self, raw: io.RawIOBase, meter: Meter) -> None:
        self._raw, self._meter = raw, meter

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        length = self._raw.readinto(buffer)
        self._meter.see(length or 0)
        return length

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, meter: Meter, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.fp = meter.watch(self.fp.detach())


class _Plain(urllib.request.HTTPHandler):
    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._connect = partial(_connected, HTTPConnection, meter)

    def http_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(self._connect, req)


class _Secure(urllib.request.HTTPSHandler):
    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._connect = partial(_connected, HTTPSConnection, meter)

    def https_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(self._connect, req)


def _connected(kind: type[HTTPConnection], meter: Meter, *given: Any, **named: Any) -> Any:
    connection = kind(*given, **named)
    connection.response_class = partial(_Response, meter)  # type: ignore[assignment]
    return connection
