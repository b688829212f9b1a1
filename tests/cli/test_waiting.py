"""Threads that wait sleep, unless whoever runs the command has decided otherwise."""

import os
import subprocess
import sys

import pytest

from priorfit.cli.waiting import sleep_while_waiting

VARIABLES = ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"]


def test_threads_are_told_to_sleep():
    environment: dict[str, str] = {}
    sleep_while_waiting(environment)
    assert environment == {
        "OMP_WAIT_POLICY": "passive",
        "GOMP_SPINCOUNT": "0",
        "KMP_BLOCKTIME": "0",
    }


@pytest.mark.parametrize("name", VARIABLES)
def test_what_somebody_has_set_stays_and_nothing_is_set_beside_it(name):
    environment = {name: "own"}
    sleep_while_waiting(environment)
    assert environment == {name: "own"}


ASKED = """
import os, sys
from priorfit.cli import main
assert "torch" not in sys.modules
main(["--help"])
print(os.environ["OMP_WAIT_POLICY"])
"""


def test_every_command_says_so_before_torch_is_there():
    environment = {k: v for k, v in os.environ.items() if k not in VARIABLES}
    answer = subprocess.run(
        [sys.executable, "-c", ASKED],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert answer.stdout.splitlines()[-1] == "passive", answer.stderr
