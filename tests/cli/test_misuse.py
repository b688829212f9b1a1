"""Wrong usage: one line that says what was probably meant."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from priorfit.cli import app
from priorfit.cli.misuse import _COMMANDS, _OPTIONS
from priorfit.tasks import COMING, TASKS

COMMANDS = typer.main.get_command(app).commands
GROUPS = [name for name, command in COMMANDS.items() if getattr(command, "commands", None)]
PLAIN = sorted(set(COMMANDS) - set(GROUPS))


def options(command):
    return {name for parameter in command.params for name in parameter.opts if name[:2] == "--"}


LEAVES = [leaf for c in COMMANDS.values() for leaf in (c, *getattr(c, "commands", {}).values())]
EVERY = {name for command in LEAVES for name in options(command)}


@pytest.mark.parametrize(
    ("command", "foreign", "ours"),
    [
        ("inpaint", "--mask", "--hole-mask"),
        ("inpaint", "--mask=a.png", "--hole-mask"),
        ("denoise", "--sigma", "--noise-std"),
        ("deblur", "--sigma", "--gaussian"),
        ("upscale", "--scale", "--factor"),
        ("denoise", "--noise-sdt", "--noise-std"),
        ("denoise", "--step", "--steps"),
        ("enhance", "--sed", "--seed"),
        ("compare", "--gt", "--reference"),
    ],
)
def test_an_option_by_another_name_is_answered_with_ours(priorfit, folder, command, foreign, ours):
    answer = priorfit(command, "a.png", foreign, "1", "-o", "b.png")
    assert answer.status == 2
    name = foreign.partition("=")[0]
    assert answer.lines == [
        f"priorfit: no such option {name}: did you mean {ours}? (see priorfit {command} --help)"
    ]


@pytest.mark.parametrize("command", PLAIN)
def test_only_what_the_command_has_is_offered(priorfit, command):
    for foreign in (*_OPTIONS, "--quality", "--xyz"):
        if foreign in options(COMMANDS[command]):
            continue
        answer = priorfit(command, foreign, "1")
        assert len(answer.lines) == 1
        for offered in re.findall(r"did you mean (\S+)\?", answer.err):
            assert offered in options(COMMANDS[command])


def test_every_answer_is_an_option_or_a_command_of_ours():
    assert {ours for each in _OPTIONS.values() for ours in each} <= EVERY
    meant = set(_COMMANDS.values()) - {"--version", "--help"}
    assert meant <= set(COMMANDS)
    assert not set(_COMMANDS) & set(COMMANDS)


@pytest.mark.parametrize("command", [name for name, task in COMING.items() if task not in TASKS])
@pytest.mark.parametrize("rest", [(), ("a.png", "-o", "b.png"), ("--help",)])
def test_what_is_still_to_come_says_so(priorfit, command, rest):
    answer = priorfit(command, *rest)
    assert answer.status == 2
    assert answer.out == ""
    assert len(answer.lines) == 1
    assert "is on its way, and not in this version yet" in answer.err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("denoize",), "did you mean 'denoise'?"),
        (("super-resolution",), "did you mean 'upscale'?"),
        (("photo.png",), "expected a command before the picture"),
        (("scans/photo",), "expected a command before the picture"),
        (("xyz",), "no such command 'xyz': there are denoise, inpaint"),
        (("recipes", "lst"), "did you mean 'list'?"),
        (("checkpoints", "invert"), "no such command 'invert': there are"),
        (("recipes",), "expected a command: list, show"),
        (("upscale", "a.png", "--kernel", "x"), "'--kernel': 'x' is not one of"),
        (("denoise", "a.png", "--input", "b"), "pictures are named without one"),
    ],
)
def test_a_command_that_is_not_there_is_one_line(priorfit, given, said):
    answer = priorfit(*given)
    assert answer.status == 2
    assert len(answer.lines) == 1
    assert said in answer.err


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS), ("train", "generator")])
def test_help_has_a_short_name_everywhere(priorfit, command):
    long, short = priorfit(*command, "--help"), priorfit(*command, "-h")
    assert short.status == 0
    assert short.out == long.out
    assert "-h, --help" in short.out


def test_completion_can_be_installed(priorfit):
    out = priorfit("--help").out
    assert "--install-completion" in out
    assert "--show-completion" in out


@pytest.mark.parametrize(
    "asked", ["--version", "--help", "-h", "denoise --help", "denoise --mask 1"]
)
def test_a_quick_answer_imports_nothing_heavy(asked):
    """Half a second would be gone with torch alone."""
    code = (
        "import sys; from priorfit.cli import main; main(sys.argv[1:]);"
        "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    root = Path(__file__).resolve().parents[2]
    found = subprocess.run(
        [sys.executable, "-c", code, *asked.split()],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(root / "src")},
    )
    loaded = set(found.stderr.splitlines()[-1].split())
    assert not loaded & {"torch", "numpy", "scipy", "skimage", "PIL", "matplotlib"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--steps", "x"), "'--steps': expected a whole number"),
        (("--steps", "0"), "'--steps': expected 1 or more"),
        (("--time-limit", "x"), "'--time-limit': expected a number"),
        (("--seed", str(2**63)), f"'--seed': expected {2**63 - 1} or less"),
        (("--seed", "9" * 40), "'--seed': expected"),
        (("--tile", "10"), "'--tile': expected 48 or more"),
    ],
)
def test_a_number_out_of_range_says_what_is_in_it(priorfit, given, said):
    answer = priorfit("denoise", "a.png", "-o", "b.png", *given)
    assert answer.status == 2
    assert len(answer.lines) == 1
    assert said in answer.err


@pytest.mark.parametrize("group", ["bench", "recipes", "checkpoints", "train", "analyse"])
def test_a_group_without_a_command_names_its_commands(priorfit, group):
    answer = priorfit(group)
    assert answer.status == 2
    assert answer.lines[0].startswith("priorfit: expected a command: ")
    assert len(answer.lines) == 1


@pytest.mark.parametrize(
    "command",
    [("train", "generator", "-o", "m", "--data"), ("checkpoints", "import")],
)
def test_no_address_is_read(priorfit, command):
    answer = priorfit(*command, "https://example.com/a.zip")
    assert answer.status == 2
    assert "is an address, and nothing is downloaded from it" in answer.err
