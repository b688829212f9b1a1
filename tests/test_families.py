"""What holds for every family of recipes: its table, its sources, how its presets are written."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

import pytest

from priorfit import recipes
from priorfit.errors import RecipeError
from priorfit.loop.fit import Recipe
from priorfit.recipes import UNLIMITED, Family, Kit
from priorfit.recipes.method import DEFAULT, Cited, Row
from tests.tiny import TINY

METHODS = {**recipes.METHODS, **recipes.ANALYSES}
FILES = sorted(Path(recipes.__file__).parent.rglob("*.py"))

each = pytest.mark.parametrize("name", METHODS)


@each
def test_a_method_belongs_to_one_family_and_says_what_it_is_for(name):
    method = METHODS[name]
    owners = [of.name for of in recipes.FAMILIES if name in {**of.methods, **of.analyses}]
    assert owners == [name.partition("/")[0]]
    assert method.about and "\n" not in method.about
    assert method.tasks and method.length >= 1
    assert method.most is None or method.most >= method.length


@each
def test_every_row_has_a_source_or_says_that_it_is_the_plain_default(name):
    rows = METHODS[name].rows()
    assert all(source for _, _, source in rows)
    assert len({row for row, _, _ in rows}) == len(rows)


@each
def test_what_says_that_it_is_the_plain_default_is_it(name):
    method = METHODS[name]
    defaults = {field.name: field.default for field in fields(method)}  # type: ignore[arg-type]
    for part, value in vars(method).items():
        if isinstance(value, Cited) and value.source == DEFAULT:
            assert value is defaults[part], f"{name}: {part}"


@each
def test_no_number_is_of_a_notebook_of_another_task(name):
    """A preset that was made from another one keeps its sources, right or wrong."""
    notebooks = {
        "denoise": ("denoising", "restoration"),
        "dejpeg": ("denoising",),
        "inpaint": ("inpainting", "restoration", "denoising"),
        "upscale": ("super-resolution",),
        "fuse": ("flash-no-flash",),
        "preimage": ("feature_inversion",),
        "maximise": ("activation_maximization",),
        "effect": ("sr_prior_effect",),
        "impedance": ("denoising",),
    }
    allowed = {f"{word}.ipynb" for task in METHODS[name].tasks for word in notebooks.get(task, ())}
    cited = {
        word.rstrip(":,;")
        for _, _, source in METHODS[name].rows()
        for word in source.split()
        if word.rstrip(":,;").endswith(".ipynb")
    }
    assert cited <= allowed
    assert not cited or name.startswith(("dip/", "pixels/", "tv/"))


@each
def test_a_sooner_method_is_for_the_same_and_has_none_itself(name):
    sooner = METHODS[name].sooner
    if sooner is not None:
        assert METHODS[sooner].tasks == METHODS[name].tasks
        assert METHODS[sooner].sooner is None


@pytest.mark.parametrize("name", recipes.METHODS)
def test_how_long_a_fit_is_with_and_without_a_clock(name):
    method = METHODS[name]
    assert recipes.longest(name, 7, limited=True) == recipes.longest(name, 7, limited=False) == 7
    assert recipes.longest(name, None, limited=False) == method.length
    assert recipes.longest(name, None, limited=True) == (method.most or UNLIMITED)


def _replaced(path: Path) -> dict[str, str]:
    """Names in a file that a call of `replace` gives their value, to what is replaced in."""
    found = {}
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            if ast.unparse(node.value.func) == "replace":
                found[ast.unparse(node.targets[0])] = ast.unparse(node.value.args[0])
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-2:]))
def test_presets_are_written_out(path):
    """At most one `replace` away from a setting in the same file."""
    replaced = _replaced(path)
    assert not set(replaced.values()) & set(replaced)
    known = {
        ast.unparse(n.targets[0])
        for n in ast.parse(path.read_text()).body
        if isinstance(n, ast.Assign)
    }
    assert set(replaced.values()) <= known, "write out what begins in another file"


@dataclass(frozen=True)
class Two:
    """A method as somebody else may write one."""

    about: str = "white noise, in two steps"
    tasks: tuple[str, ...] = ("denoise",)
    length: int = 2
    most: int | None = None
    published: bool = False
    sooner: str | None = None
    window: str | None = None
    needs: Mapping[str, str] = field(default_factory=dict)
    synthesises: bool = False

    def rows(self) -> list[Row]:
        return [("steps", "2", "mine")]

    def recipe(self, steps: int | None = None, kit: Kit | None = None) -> Recipe:
        return TINY.recipe(steps or self.length, kit)


@pytest.fixture
def tables(monkeypatch):
    """The tables as they are now, whatever a test adds."""
    monkeypatch.setattr(recipes, "FAMILIES", list(recipes.FAMILIES))
    monkeypatch.setattr(recipes, "METHODS", dict(recipes.METHODS))
    monkeypatch.setattr(recipes, "ANALYSES", dict(recipes.ANALYSES))


def test_a_family_of_somebody_else_is_found_by_name(tables):
    recipes.register(Family("mine", "mine", {"mine/denoise": Two()}))
    assert recipes.find("mine/denoise").length == 2
    assert recipes.load("mine/denoise").steps == 2
    assert recipes.FAMILIES[-1].name == "mine"


def test_a_name_that_is_taken_is_refused_and_nothing_is_added(tables):
    before = dict(recipes.METHODS)
    family = Family("dip", "mine", {"dip/mine": Two(), "dip/denoise": Two()})
    with pytest.raises(RecipeError, match="there is a recipe 'dip/denoise' already"):
        recipes.register(family)
    assert before == recipes.METHODS


@pytest.mark.parametrize("name", ["denoise", "mine/", "mine", "yours/denoise"])
def test_the_name_of_a_method_begins_with_that_of_its_family(name):
    with pytest.raises(RecipeError, match=f"expected a name like 'mine/denoise', got '{name}'"):
        Family("mine", "mine", {name: Two()})
