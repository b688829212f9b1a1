"""Processes that die at an operation on files, played by one that goes on with the tests."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest


class Killed(BaseException):
    """What no handler of ours may catch: the process is gone at this point."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C at this point; handlers and clean-up still run."""


class Dying:
    """Counts operations on files, and dies before one of them, which is after the one before.

    After a kill everything fails from then on, as nothing happens any more in such a process.
    """

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, at: int, death: type[BaseException] = Killed
    ) -> None:
        self.count, self.at, self.dead, self.death = 0, at, False, death
        self.patch(monkeypatch, os, "fsync")
        for name in ("open", "replace", "rename", "hardlink_to", "unlink", "mkdir", "rmdir"):
            self.patch(monkeypatch, Path, name)

    def patch(self, monkeypatch, owner, name):
        real = getattr(owner, name)

        def counted(*given, **named):
            if self.dead:
                raise Killed
            self.count += 1
            if self.count != self.at:
                return real(*given, **named)
            self.dead = self.death is Killed
            raise self.death

        monkeypatch.setattr(owner, name, counted)


def deaths(
    monkeypatch: pytest.MonkeyPatch,
    task: Callable[[], object],
    death: type[BaseException] = Killed,
) -> Iterator[int]:
    """Do a task again and again, to its death at the first operation, the second, and so on.

    Yields:
        The number of the operation, after each death; nothing where the task comes to its end.
    """
    ended, at = False, 0
    while not ended:
        at += 1
        with monkeypatch.context() as patched, suppress(death):
            Dying(patched, at, death)
            task()
            ended = True
        if not ended:
            yield at
