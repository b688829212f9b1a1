"""What the pages for people say exists: links, anchors, commands and their options."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from priorfit.cli import app, main

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "benchmarks" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
COMMANDS = typer.main.get_command(app)

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """As the usual renderers make them of headings."""
    titles = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def quoted(page: Path) -> list[str]:
    """Every `priorfit …` of a page, in blocks of code and in lines."""
    text = page.read_text("utf-8")
    spans = re.findall(r"`(priorfit [^`\n]*)`", text)
    lines = [re.split(r" {2,}#|\s#\s", line)[0].strip() for line in text.splitlines()]
    return spans + [line for line in lines if line.startswith("priorfit ")]


@each_page
def test_every_link_leads_somewhere(page):
    for link in re.findall(r"\]\((?!https?:)([^)\s]*)\)", prose(page)):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@each_page
def test_every_command_exists_and_has_its_options(page):
    for line in quoted(page):
        command, words = COMMANDS, shlex.split(line.replace(" TASK ", " denoise "))[1:]
        while words and words[0] in getattr(command, "commands", {}):
            command, words = command.commands[words[0]], words[1:]
        known = {name for option in command.params for name in (*option.opts, "--help", "-h")}
        used = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert used <= known | {"--install-completion"}, line


@each_page
def test_every_recipe_named_exists(page, capsys):
    assert main(["recipes", "list"]) == 0
    known = set(re.findall(r"(?:dip|zs-n2n|tv|pixels)/[\w-]+", capsys.readouterr().out))
    named = set(re.findall(r"`((?:dip|zs-n2n|tv|pixels)/[\w-]+)`", page.read_text("utf-8")))
    assert named <= known | {"dip/TASK"}


def test_the_readme_opens_with_a_small_picture():
    opening = (ROOT / "README.md").read_text("utf-8").split("\n\n")[1]
    picture = re.search(r"!\[.+\]\((.+)\)", opening)[1]
    assert 10_000 < (ROOT / picture).stat().st_size < 300_000
