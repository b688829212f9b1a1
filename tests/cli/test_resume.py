import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from priorfit import recipes
from priorfit.loop.state import Filter
from priorfit.recipes.method import Cited
from tests.tiny import TINY, photo

CHILD = """
import os, sys, time
from dataclasses import replace
from functools import partial
import torch
from priorfit import recipes
from priorfit.cli import main
from priorfit.recipes.method import Cited
from priorfit.loop.state import Filter
from tests.tiny import TINY

class Waiting(Filter):
    # Tells the parent when the third step is under way, and waits for its word.
    def see(self, step):
        if step.state.taken == 3:
            print("ready", flush=True)
            while not os.path.exists("go"):
                time.sleep(0.01)
        return step

recipes.METHODS["dip/denoise"] = replace(TINY, filters=Cited([Waiting], "tests"))
torch.set_num_threads(1)
sys.exit(main(sys.argv[1:]))
"""


FIT = ("--hand-out", "fit")


class Interrupting(Filter):
    """Presses Ctrl-C at the second step, once."""

    done: ClassVar[list[bool]] = []

    def see(self, step):
        if step.state.taken == 2 and not self.done:
            self.done.append(True)
            os.kill(os.getpid(), signal.SIGINT)
        return step


@pytest.fixture
def interrupted(priorfit, folder, monkeypatch):
    for name in ("a.png", "b.png"):
        photo(folder / name)
    pressing = replace(TINY, filters=Cited([Interrupting], "tests"))
    monkeypatch.setitem(recipes.METHODS, "dip/denoise", pressing)
    Interrupting.done.clear()
    return priorfit("denoise", "a.png", "b.png", "-o", "out", "--noise-std", 0.1, "-q", *FIT)


def test_ctrl_c_keeps_the_picture_so_far_and_says_how_to_go_on(interrupted, folder):
    assert interrupted.status == 130
    assert interrupted.lines == [
        "priorfit: out/a.png: interrupted, the picture after 2 of 4 steps is written; "
        "to go on: priorfit resume out/a.png.run; 1 more picture was not begun"
    ]
    written = {path.name for path in (folder / "out").iterdir()}
    assert written == {"a.png", "a.png.json", "a.png.run"}


def test_a_run_goes_on_to_the_same_bytes(priorfit, interrupted, folder):
    priorfit("denoise", "a.png", "-o", "whole.png", "--noise-std", 0.1, *FIT)
    assert (folder / "out/a.png").read_bytes() != (folder / "whole.png").read_bytes()
    answer = priorfit("resume", "out/a.png.run")
    assert (answer.status, answer.err) == (0, "")
    assert (folder / "out/a.png").read_bytes() == (folder / "whole.png").read_bytes()
    assert not (folder / "out/a.png.run").exists()


def test_a_run_goes_on_from_another_folder(priorfit, interrupted, folder, monkeypatch):
    monkeypatch.chdir("/")
    assert priorfit("resume", folder / "out/a.png.run", "--quiet") == (0, "", "")


def test_what_is_no_run_is_one_line(priorfit, folder):
    answer = priorfit("resume", "nothing")
    assert (answer.status, len(answer.lines)) == (1, 1)
    assert "nothing: is no folder of an interrupted run" in answer.err


@pytest.mark.parametrize("kept", [0, 7, 100, -1])
def test_a_damaged_run_is_one_line(priorfit, interrupted, folder, kept):
    checkpoint = folder / "out/a.png.run/checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:kept])
    answer = priorfit("resume", "out/a.png.run")
    assert (answer.status, len(answer.lines)) == (1, 1)


def test_a_real_ctrl_c_in_a_process_of_its_own(priorfit, folder):
    photo(folder / "a.png")
    root = Path(__file__).resolve().parents[2]
    path = os.pathsep.join([str(root / "src"), str(root)])
    options = ["--noise-std", "0.1", "--device", "cpu"]
    command = [sys.executable, "-c", CHILD, "denoise", "a.png", "-o", "b.png", *options]
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        (folder / "go").touch()
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out.startswith("b.png: 3 steps")
    assert err.splitlines()[-1].endswith("to go on: priorfit resume b.png.run")
