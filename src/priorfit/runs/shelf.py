"""Where the files of a job go, and which of those that are there it has written itself."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from priorfit.disk.regular import read_regular
from priorfit.errors import ImageFileError
from priorfit.images import write_atomically
from priorfit.images.atomic import exists_already
from priorfit.records.sidecar import Sidecar, sidecar_path, source
from priorfit.runs.job import Job

NOTE = "written.json"
_LONGEST = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")
_KEPT = 2  # hashes of a file: before it is replaced, and after


@dataclass(eq=False)
class Shelf:
    """The files of a job.

    What is about to be written is noted in the run folder first. So a run that goes on knows its
    own files from those that somebody has put there meanwhile.

    Args:
        job: whose files they are.
        folder: of the run.
        advice: what to do about a file that is in the way.
        follow: whether a symbolic link stands for the file that it points to.
    """

    job: Job
    folder: Path
    advice: str = "(--overwrite)"
    follow: bool = True
    _known: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        self._known = _noted(self.folder / NOTE)

    def key(self, path: Path) -> str:
        """A name of a file that holds wherever the folder of the job is moved."""
        return os.path.relpath(path, self.job.output.parent)

    def adopt(self, sidecar: Sidecar) -> None:
        """Count the files of a set as written by this job, unless its picture is another now."""
        for name, digest in sidecar.files.items():
            self._known.setdefault(name, []).append(digest)
        beside = sidecar_path(self.job.output)
        same = self.is_own(self.job.output) or not os.path.lexists(self.job.output)
        if sidecar.files and same and beside.is_file():
            self._known.setdefault(self.key(beside), []).append(source("", beside).sha256)

    def is_own(self, path: Path) -> bool:
        """Whether a file is there, and is as this job has written it."""
        known = self._known.get(self.key(path), ())
        return bool(known) and path.is_file() and source("", path).sha256 in known

    def check(self, path: Path) -> None:
        """Find out whether a file may be written.

        Raises:
            ImageFileError: something is in the way.
        """
        if path.is_dir():
            raise ImageFileError(f"{path}: cannot be written: it is a folder")
        if not self.follow and path.is_symlink():
            raise ImageFileError(f"{path}: is a symbolic link, which a run folder must not follow")
        if not self.job.overwrite and os.path.lexists(path) and not self.is_own(path):
            raise ImageFileError(f"{exists_already(path)} {self.advice}")

    def put(self, files: Mapping[Path, bytes]) -> None:
        """Write files, one after the other.

        Raises:
            ImageFileError: something is in the way of one, and none was written; or one cannot be
                written.
        """
        for path in files:
            self.check(path)
        own = {path: self.job.overwrite or self.is_own(path) for path in files}
        self._note(files)
        for path, data in files.items():
            with suppress(
                OSError
            ):  # the folder vanished meanwhile; if it cannot be made, this ends
                path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, data, overwrite=own[path], follow=self.follow)

    def tidy(self) -> None:
        """Forget what was noted, unless a file of an unfinished set is there."""
        if not any(self.is_own(path) for path in self.job.products):
            (self.folder / NOTE).unlink(missing_ok=True)

    def _note(self, files: Mapping[Path, bytes]) -> None:
        for path, data in files.items():
            known = self._known.setdefault(self.key(path), [])
            known.append(hashlib.sha256(data).hexdigest())
            del known[:-_KEPT]
        with suppress(OSError, ImageFileError):  # no room for it is no reason not to write
            self.folder.mkdir(parents=True, exist_ok=True)
            text = json.dumps(self._known)
            write_atomically(self.folder / NOTE, text.encode(), overwrite=True, follow=False)


def _noted(path: Path) -> dict[str, list[str]]:
    try:
        known = json.loads(read_regular(path, _LONGEST))
        return {
            name: [digest for digest in digests if _SHA256.fullmatch(digest)]
            for name, digests in known.items()
        }
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}
