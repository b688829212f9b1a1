"""The command of a task is made from its fields, whatever it declares."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pytest
import typer
from pydantic import Field
from typer.testing import CliRunner

from priorfit.cli.restoring import command_of
from priorfit.tasks import Task
from priorfit.tasks.options import Option, Typed


class Trace(Task):
    """Draw the outlines.

    In one colour.
    """

    kind: Literal["trace"] = "trace"
    class_name: Annotated[
        str | None, Field(description="Of what."), Typed(option="class", metavar="NAME")
    ] = None
    width: Annotated[int, Field(ge=1, le=9, description="Of a line.")] = 2
    weight: Annotated[float | None, Field(description="Of ink.")] = None
    pen: Annotated[str, Field(description="To draw with."), Typed(choices=("soft", "hard"))] = (
        "soft"
    )
    closed: Annotated[bool, Field(description="Close the lines.")] = True
    dashed: Annotated[bool, Field(description="Dash them.")] = False
    guide: Annotated[Path | None, Field(description="To follow."), Typed(by_picture=True)] = None
    layer: Annotated[Path | None, Field(description="Lines alone."), Typed(written=True)] = None
    paper: Annotated[Path | None, Field(description="To draw on."), Typed(required=True)] = None
    inner: int = 0

    default_recipe: ClassVar[str] = "dip/denoise"

    def lay(self, picture, path):
        raise NotImplementedError


class Copy(Task):
    """Copy a sheet."""

    kind: Literal["copy"] = "copy"

    default_recipe: ClassVar[str] = "dip/denoise"
    picture_option: ClassVar[Option | None] = Option("sheet", "To copy.", Path)

    def lay(self, picture, path):
        raise NotImplementedError


@pytest.fixture
def typed(tmp_path, monkeypatch):
    """A command line to the tasks that it means, or to what it says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "priorfit.cli.restoring.restore",
        lambda pictures, output, common, task_of: seen.extend(map(task_of, pictures)),
    )
    seen: list[Task] = []

    def run(kind, *arguments):
        seen.clear()
        app = typer.Typer(rich_markup_mode=None)
        app.command()(command_of(kind))
        answer = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200"})
        return list(seen) if answer.exit_code == 0 and seen else answer.output

    return run


WHOLE = Trace(
    class_name="cat",
    width=3,
    weight=0.5,
    pen="hard",
    closed=False,
    dashed=True,
    guide="g.png",
    layer="l.png",
    paper="p.png",
)


def test_every_option_is_read(typed):
    assert "--class" in WHOLE.arguments and "--no-closed" in WHOLE.arguments
    assert typed(Trace, "a.png", "-o", "b.png", *WHOLE.arguments) == [WHOLE]
    assert typed(Trace, "a.png", "-o", "b.png", "--paper", "p.png") == [Trace(paper="p.png")]


def test_files_go_with_their_pictures(typed):
    Path("guides").mkdir()
    for name in ("a.png", "b.png"):
        Path("guides", name).touch()
    given = ("a.png", "b.png", "-o", "out/", "--paper", "p.png", "--guide", "guides")
    assert [task.guide for task in typed(Trace, *given)] == [
        Path("guides/a.png"),
        Path("guides/b.png"),
    ]


def test_files_that_are_read_are_told_from_those_that_are_written():
    assert set(WHOLE.files) == {"guide", "paper"} and set(WHOLE.written) == {"layer"}


def test_the_help_is_that_of_the_task(typed):
    said = typed(Trace, "--help")
    assert "Draw the outlines." in said and "In one colour." in said
    for option in Trace.declared().values():
        assert option.flag() in said and option.help in said
    assert "--inner" not in said and "--no-dashed" not in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a.png", "-o", "b.png"), "--paper"),
        (("a.png", "-o", "b.png", "--paper", "p", "--width", 10), "9"),
        (("a.png", "-o", "b.png", "--paper", "p", "--pen", "wax"), "hard"),
        (("a.png", "-o", "b.png", "--paper", "p", "--layer", "-"), "standard output"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(typed, arguments, said):
    answer = typed(Trace, *arguments)
    assert isinstance(answer, str) and said in answer


def test_the_picture_may_be_an_option_like_others(typed):
    assert Copy.command("a.png", "b.png") == ["priorfit", "copy", "--sheet", "a.png", "-o", "b.png"]
    assert typed(Copy, *Copy.command("a.png", "b.png")[2:]) == [Copy()]
