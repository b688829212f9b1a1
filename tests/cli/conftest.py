"""A folder to work in, tiny recipes, and the command line as a function."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from priorfit.cli import main


class Answer(NamedTuple):
    """What a command left."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """Lines on stderr."""
        return self.err.splitlines()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_recipes: None) -> Iterator[Path]:
    """An empty folder to stand in; what commands switch on in torch is switched off again."""
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    yield tmp_path
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)


@pytest.fixture
def priorfit(folder: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Run `priorfit …` on the CPU; file descriptors are watched, so that no library slips by."""

    def run(*arguments: object) -> Answer:
        capfd.readouterr()
        status = main([str(argument) for argument in arguments])
        return Answer(status, *capfd.readouterr())

    return run
