"""A web server on this machine that gives files, and behaves as badly as it is told to."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Shelf:
    """What the server gives, and what it was asked.

    Args:
        data: of the one file.
        tag: its ETag; empty for none.
        cut: after how many bytes of an answer the connection breaks; each is used once.
        ranges: whether it knows ranges.
        piece: bytes that it gives of a range at most.
        headers: further ones, which replace those of the same name.
        answers: statuses given before anything else, each once.
        location: where every request is sent.
    """

    data: bytes = b"published" * 1000
    tag: str = '"one"'
    cut: list[int] = field(default_factory=list)
    ranges: bool = True
    piece: int = 1 << 60
    headers: dict[str, str] = field(default_factory=dict)
    answers: list[int] = field(default_factory=list)
    location: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)

    def first_byte(self, asked: dict[str, str]) -> int:
        """Where the answer to a request begins."""
        wanted = asked.get("Range", "")
        same = asked.get("If-Range", self.tag) == self.tag
        if not (self.ranges and same and wanted.startswith("bytes=")):
            return 0
        return int(wanted.removeprefix("bytes=").rstrip("-"))


def _handler(shelf: Shelf) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = dict(self.headers.items())
            shelf.asked.append(asked)
            if shelf.answers:
                self._bare(shelf.answers.pop(0))
            elif shelf.location and self.path == "/file":
                self._bare(302, Location=shelf.location)
            else:
                self._give(shelf.first_byte(asked))

        def _give(self, first: int) -> None:
            size = len(shelf.data)
            if first and first >= size:
                return self._bare(416, **{"Content-Range": f"bytes */{size}"})
            last = min(size, first + shelf.piece) if first else size
            body = shelf.data[first:last]
            headers = {"Content-Length": str(len(body)), "Content-Type": "application/octet-stream"}
            if shelf.tag:
                headers["ETag"] = shelf.tag
            if first:
                headers["Content-Range"] = f"bytes {first}-{last - 1}/{size}"
            self._head(206 if first else 200, headers | shelf.headers)
            self.wfile.write(body[: shelf.cut.pop(0)] if shelf.cut else body)
            return None

        def _bare(self, status: int, **headers: str) -> None:
            self._head(status, {"Content-Length": "0", **headers})

        def _head(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if value:
                    self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def serving(shelf: Shelf) -> Iterator[str]:
    """Serve in a thread while the block runs; gives the address, without a path."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(shelf))
    server.daemon_threads = True
    run: Callable[[], None] = lambda: server.serve_forever(poll_interval=0.01)  # noqa: E731
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
