"""Standard streams that are closed, and names that would do something to a terminal."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from priorfit import cli
from priorfit.cli import session
from priorfit.cli.session import printable, say, table

START = """
import os, sys
from priorfit.cli.streams import open_closed_streams
open_closed_streams()
sys.stderr.write("said"), sys.stdout.write("told"), sys.stdin.read()
with open(sys.argv[1], "w") as file:
    file.write(str(file.fileno()))
"""


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_a_closed_stream_takes_no_files_number(closed: str, tmp_path: Path):
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    command = f'"$0" -c "$1" "$2" {closed}'
    told = tmp_path / "told"
    arguments = ["sh", "-c", command, sys.executable, START, str(told)]
    subprocess.run(arguments, check=True, env=environment, stdin=subprocess.DEVNULL)
    assert int(told.read_text()) > 2


NAMES = [
    "a\x1b]0;owned\x07b",
    "\x9b31m",
    "a\nb",
    "\u202egnp.exe",
    "[bold]b[/]",
    "\r",
    "\x00",
    "\ud800",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_printable(name: str):
    assert printable(name).isprintable()
    assert "[bold]" not in name or printable(name) == name


@pytest.mark.parametrize("name", [*NAMES, "a\tb"])
def test_a_row_of_a_table_is_one_line_with_one_tab_a_cell(name: str, capsys):
    table(("a", "b"), [(name, name)])
    head, row = capsys.readouterr().out.splitlines()
    assert row.count("\t") == head.count("\t") == 1


def test_a_stream_that_cannot_be_written_ends_no_work(monkeypatch):
    with open(os.devnull) as unwritable:  # noqa: PTH123
        monkeypatch.setattr(sys, "stderr", unwritable)
        say("something", error=True)


def test_a_second_interruption_ends_with_its_status(monkeypatch):
    def again(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", again)
    monkeypatch.setattr(cli, "complain", again)
    assert cli.main(["recipes", "list"]) == session.INTERRUPTED
