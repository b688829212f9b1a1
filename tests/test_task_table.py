"""What holds for every task of the table, so that the rest of the program need not know any."""

import ast
import importlib
import inspect
from pathlib import Path

import numpy as np
import pytest

import priorfit as pf
from priorfit import recipes, tasks
from priorfit.cli import main
from priorfit.errors import ProblemError
from priorfit.runs import Job, run
from priorfit.tasks import TASKS, Deblur, Denoise, Enhance, Fuse, Inpaint, Invert, Task, Upscale
from priorfit.tasks.base import AUTO
from tests.tiny import array, hole, photo, pixels

SOURCES = Path(tasks.__file__).resolve().parents[1]

each_task = pytest.mark.parametrize("name", TASKS)


@each_task
def test_every_module_of_a_task_has_the_same_names(name):
    module = importlib.import_module(f"priorfit.tasks.{name}")
    tree = ast.parse(Path(module.__file__).read_text("utf-8"))
    kinds = (ast.ClassDef, ast.FunctionDef)
    own = [n.name for n in tree.body if isinstance(n, kinds) and not n.name.startswith("_")]
    options, problem, function = own
    assert getattr(module, options) is TASKS[name] is getattr(pf, options)
    assert problem.endswith("ing") and problem.startswith(name[:3])
    assert function == name and getattr(module, function) is getattr(pf, name)


@each_task
def test_a_task_answers_what_it_is_asked_without_an_option(name):
    task = TASKS[name]()
    assert isinstance(task, Task) and task.kind == task.name() == name
    assert task.default_recipe == AUTO or recipes.find(task.default_recipe)
    assert task.options.keys() == set(TASKS[name].model_fields) - {"kind"}
    assert not task.files and not task.written
    for methods in (task.contenders, task.comparators):
        assert len({method.name for method in methods}) == len(methods)
    assert TASKS[name].__doc__.strip().count("Args:") == 0


def test_nobody_tells_tasks_apart_by_their_names():
    """Recipes say which tasks they serve, and the demo shows commands as they are typed."""
    named = {SOURCES / room for room in ("tasks", "recipes", "demo")}
    for path in (path for path in SOURCES.rglob("*.py") if not named & set(path.parents)):
        constants = [
            n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if type(n) is ast.Constant
        ]
        assert not {n.value for n in constants} & TASKS.keys(), path


@each_task
def test_nobody_calls_a_task_by_the_name_of_another(name):
    others = {synonym for each in TASKS.values() for synonym in each.synonyms} | set(TASKS)
    mine = set(TASKS[name].synonyms)
    assert mine < others and not mine & set(TASKS)


SAMPLES = [
    Denoise(),
    Denoise(noise_std=25 / 255),
    Denoise(noise_std_counts=12.5),
    Inpaint(hole_mask="m.png"),
    Inpaint(known_mask="m.png", grow_mask=3),
    Inpaint(hole_from_alpha=True, paste_back=False),
    Upscale(factor=3, kernel="area"),
    Deblur(psf="m.png"),
    Deblur(gaussian=1.25),
    Deblur(motion=(9, -45.5)),
    TASKS["dejpeg"](),
    Fuse(flash="m.png"),
    Enhance(amount=-0.5),
    Invert(space="w+", label="3", image="b.png"),
]


@pytest.mark.parametrize("task", SAMPLES, ids=repr)
def test_the_arguments_of_a_task_are_its_command(task, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen = []
    monkeypatch.setattr(
        "priorfit.cli.restoring.restore",
        lambda pictures, output, common, task_of: seen.extend(map(task_of, pictures)),
    )
    assert main([*task.command("a.png", "b.png")[1:], *task.arguments]) == 0
    assert seen == [task]


@pytest.mark.parametrize("task", SAMPLES, ids=repr)
def test_a_task_goes_through_a_file(task):
    job = Job(input="a.png", output="b.png", task=task, recipe=task.default_recipe)
    assert Job.model_validate_json(job.model_dump_json()) == job
    assert type(task).from_options({"kind": task.kind, **task.options}) == task
    assert {path.name for path in task.files.values()} <= {"m.png"}


def test_every_task_is_among_the_samples():
    assert {task.kind for task in SAMPLES} == set(TASKS)


WRONG = {
    "factor of 2 or more, got 1": lambda: Upscale.from_options({"factor": 1}),
    "whole number for factor, got 'x'": lambda: Upscale.from_options({"factor": "x"}),
    "amount from -1 to 10, got 11": lambda: Enhance.from_options({"amount": 11}),
    "amount from -1 to 10, got 'x'": lambda: Enhance.from_options({"amount": "x"}),
    "gaussian above 0, got -1": lambda: Deblur.from_options({"gaussian": -1}),
    "finite number for gaussian": lambda: Deblur.from_options({"gaussian": float("nan")}),
    "no option sigma, got 3": lambda: Denoise.from_options({"sigma": 3}),
    "one mask": lambda: Inpaint.from_options({"hole_mask": "a", "known_mask": "b"}),
}


@pytest.mark.parametrize("message", WRONG)
def test_an_option_that_makes_no_sense_is_one_line(message):
    with pytest.raises(ProblemError, match=message) as refused:
        WRONG[message]()
    assert "\n" not in str(refused.value)


@each_task
def test_help_names_and_explains_every_parameter(name):
    function = getattr(pf, name)
    parameters = inspect.signature(function).parameters
    assert not any(p.kind == p.VAR_KEYWORD for p in parameters.values())
    assert "ForwardRef" not in str(inspect.signature(function))
    assert {"channel_axis", "rng", "recipe", "steps", "callback", "device"} <= set(parameters)
    assert parameters["recipe"].default == TASKS[name].default_recipe
    explained = [line.strip() for line in function.__doc__.splitlines()]
    for parameter in parameters:
        assert sum(line.startswith(f"{parameter}: ") for line in explained) == 1


@each_task
def test_a_parameter_that_is_not_there_is_refused(name):
    function = getattr(pf, name)
    parameters = inspect.signature(function).parameters.values()
    required = sum(parameter.default is parameter.empty for parameter in parameters)
    with pytest.raises(TypeError, match="unexpected keyword argument 'iterations'"):
        function(*[array()] * required, iterations=3)


# But for a JPEG file, whose coefficients tell more than the pixels that they decode to.
CALLS = {
    "denoise": (Denoise(noise_std=0.1), lambda y, **how: pf.denoise(y, noise_std=0.1, **how)),
    "inpaint": (
        Inpaint(hole_mask="hole.png"),
        lambda y, **how: pf.inpaint(y, pixels(Path("hole.png")), **how),
    ),
    "upscale": (Upscale(factor=2), lambda y, **how: pf.upscale(y, 2, **how)),
    "deblur": (Deblur(psf="psf.npy"), lambda y, **how: pf.deblur(y, np.load("psf.npy"), **how)),
    "fuse": (Fuse(flash="in.jpg"), lambda y, **how: pf.fuse(y, y, **how)),
    "enhance": (Enhance(amount=2), lambda y, **how: pf.enhance(y, 2, **how)),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_file_and_its_array_become_the_same_picture(name, tmp_path, monkeypatch, tiny_recipes):
    monkeypatch.chdir(tmp_path)
    photo(Path("in.jpg"), size=(32, 40))
    hole(Path("hole.png"), size=(32, 40))
    np.save("psf.npy", np.ones((3, 5)))
    task, function = CALLS[name]
    job = Job(input="in.jpg", output="out.png", task=task, recipe=task.default_recipe, steps=3)
    run(job.model_copy(update={"device": "cpu"}))
    assert np.array_equal(
        function(pixels(Path("in.jpg")), channel_axis=-1, steps=3), pixels(Path("out.png"))
    )
