"""What the situations of `strangers` stand on: pictures made by code, commands as users type."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data, transform

Array = NDArray[np.generic]

ENOUGH = 600
"""Seconds after which a command is given up."""


@dataclass(frozen=True)
class Seen:
    """What came of a situation.

    Args:
        ours: in a few words.
        ok: whether that is right.
    """

    ours: str
    ok: bool


@dataclass(frozen=True)
class Situation:
    """One thing that happens to a stranger.

    Args:
        item: number of the kind of fault.
        name: in a few words.
        right: what ought to come of it.
        look: tries it in a folder of its own.
    """

    item: int
    name: str
    right: str
    look: Callable[["Desk"], Seen]


@dataclass(frozen=True)
class Ran:
    """A command that has ended.

    Args:
        status: of its exit; -9 where it was given up.
        out: its stdout.
        err: its stderr.
        seconds: by the clock.
    """

    status: int
    out: str
    err: str
    seconds: float

    @property
    def said(self) -> str:
        """All that it said, on one line."""
        return " ".join((self.out + " " + self.err).split())

    @property
    def records(self) -> list[dict]:
        """The objects that `--json` makes, one a picture."""
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]

    @property
    def is_plain(self) -> bool:
        """Whether nothing in it is for programmers."""
        return not re.search(r"Traceback|internal error|Warning:|File \"", self.said)


@dataclass(frozen=True)
class Desk:
    """Where a situation is tried.

    Args:
        folder: of its own, empty.
        quick: few steps and small pictures.
    """

    folder: Path
    quick: bool
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Of a fit whose quality counts little."""
        return 60 if self.quick else 400

    @property
    def side(self) -> int:
        """Of a picture whose size counts little."""
        return 64 if self.quick else 128

    def command(self, *arguments: object, limit: float = ENOUGH) -> Ran:
        """Run `priorfit` in the folder, on one thread."""
        begun = time.perf_counter()
        done = self._start(arguments)
        try:
            out, err = done.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            done.kill()
            out, err = done.communicate()
        return Ran(done.returncode, out, err, time.perf_counter() - begun)

    def interrupted(self, *arguments: object, after: float) -> Ran:
        """Run it and send Ctrl-C so many seconds after it has begun; the seconds are those then."""
        done = self._start(arguments)
        latest = time.perf_counter() + ENOUGH
        while done.poll() is None and not self._has_begun() and time.perf_counter() < latest:
            time.sleep(0.05)
        try:
            done.wait(after)
        except subprocess.TimeoutExpired:
            done.send_signal(signal.SIGINT)
        begun = time.perf_counter()
        out, err = done.communicate(timeout=ENOUGH)
        return Ran(done.returncode, out, err, time.perf_counter() - begun)

    def _has_begun(self) -> bool:
        return any(self.folder.glob("*.run"))

    def _start(self, arguments: Iterable[object]) -> subprocess.Popen:
        line = [sys.executable, "-m", "priorfit", *map(str, arguments)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"} | self.environment
        return subprocess.Popen(
            line,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def png(self, name: str, pixels: Array) -> Path:
        """Write an 8- or 16-bit PNG, grey, colour or with alpha."""
        path = self.folder / name
        Image.fromarray(np.ascontiguousarray(pixels)).save(path)
        return path

    def read(self, name: str) -> Array:
        """Samples of a result that Pillow reads: floats, of the file's own scale."""
        with Image.open(self.folder / name) as image:
            return np.asarray(image).astype(float)

    def there(self, name: str) -> bool:
        """Whether a file has been written."""
        return (self.folder / name).is_file()


def grey(side: int) -> NDArray[np.float64]:
    """A photograph, (side, side) in [0, 1]: the middle of camera, four times smaller or less."""
    return _reduced(data.camera()[64:448, 64:448] / 255, side)


def colour(side: int) -> NDArray[np.float64]:
    """A photograph, (side, side, 3) in [0, 1]: astronaut's face and shoulders."""
    return _reduced(data.astronaut()[:384, 64:448] / 255, side)


def large(height: int, width: int) -> NDArray[np.float64]:
    """A photograph of any size, (height, width, 3): coffee, enlarged."""
    return np.clip(transform.resize(data.coffee() / 255, (height, width), order=3), 0, 1)


def _reduced(image: Array, side: int) -> NDArray[np.float64]:
    size = (side, side, *image.shape[2:])
    return np.clip(transform.resize(image, size, order=3, anti_aliasing=True), 0, 1)


def noise(shape: tuple[int, ...], std: float, seed: int = 0) -> NDArray[np.float64]:
    """White noise."""
    return std * np.random.default_rng(seed).standard_normal(shape)


def eight(image: Array) -> NDArray[np.uint8]:
    """An image in [0, 1], in 8 bits."""
    return (255 * np.clip(image, 0, 1)).round().astype(np.uint8)


def sixteen(image: Array, white: float = 65535) -> NDArray[np.uint16]:
    """An image in [0, 1], in 16 bits, of which so much is white."""
    return (white * np.clip(image, 0, 1)).round().astype(np.uint16)


def psnr(found: Array, truth: Array, span: float = 1.0) -> float:
    """In dB of a span."""
    error = float(np.square(np.asarray(found, float) - truth).mean())
    return 10 * np.log10(span**2 / max(error, 1e-20))


def failed(ran: Ran) -> Seen | None:
    """What a command that ought to have worked came to where it did not."""
    if ran.status == 0 and ran.is_plain:
        return None
    return Seen(f"exit {ran.status}: {ran.said[-160:]}", False)
