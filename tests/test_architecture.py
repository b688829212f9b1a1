"""The shape of the code, held by reading it; nothing is run but the imports behind `__all__`."""

import ast
import importlib
import io
import tokenize
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# From the ground up: a room imports from its own line and from the lines before it.
LAYERS = [
    "errors types wording signals disk",
    "code noise color kernels units",
    "images store degradations records",
    "problem networks",
    "metrics classical checkpoints",
    "terms",
    "priors",
    "loop",
    "recipes",
    "guarantee",
    "engine",
    "tasks testing",
    "runs",
    "report bench",
    "train analysis batch demo",
    "cli web __main__ priorfit",
]
HEIGHT = {room: height for height, layer in enumerate(LAYERS) for room in layer.split()}

# Where an import may wait for its use: --help answers at once, formats and extras are optional.
LAZY = {"cli", "images", "report", "tasks"}
SLOW = {"torchmetrics"}
EXTRAS = {"gradio", "huggingface_hub", "imagecodecs", "jinja2", "pi_heif", "ray", "tifffile"}

LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")


def room(module: str) -> str:
    return [*module.split("."), module][1]


def found(tree: ast.AST, *kinds: type) -> list:
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def imported(tree: ast.AST) -> set[str]:
    """Modules that the statements of a tree import, at any depth."""
    names = {alias.name for node in found(tree, ast.Import) for alias in node.names}
    for node in found(tree, ast.ImportFrom):
        assert node.level == 0, f"line {node.lineno}: imports are absolute here"
        inner = {f"{node.module}.{alias.name}" for alias in node.names}
        names |= {name if name in FILES else node.module for name in inner}
    return names


def own_imports(module: str) -> set[str]:
    return {name for name in imported(TREES[module]) if name.split(".")[0] == "priorfit"}


def called(tree: ast.AST) -> set[str]:
    return {ast.unparse(call.func) for call in found(tree, ast.Call)}


def public(tree: ast.AST) -> list:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    named = [n for n in tree.body if isinstance(n, kinds) and not n.name.startswith("_")]
    return [n for n in named if "overload" not in map(ast.unparse, n.decorator_list)]


@cache
def written(path: Path) -> frozenset[int]:
    """Lines of a file that hold more than layout and comments."""
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline)
    spans = [range(t.start[0], t.end[0] + 1) for t in tokens if t.type not in LAYOUT]
    return frozenset(line for span in spans for line in span)


def code_lines(function: ast.FunctionDef, path: Path) -> int:
    doc = function.body[:1] if ast.get_docstring(function) is not None else []
    text = {line for node in doc for line in range(node.lineno, node.end_lineno + 1)}
    return len(written(path) & set(range(function.lineno, function.end_lineno + 1)) - text)


FILES = {dotted(path): path for path in sorted((ROOT / "src").rglob("*.py"))}
TREES = {module: ast.parse(path.read_text("utf-8")) for module, path in FILES.items()}
FUNCTIONS = {m: found(tree, ast.FunctionDef, ast.AsyncFunctionDef) for m, tree in TREES.items()}
CLASSES = [node for tree in TREES.values() for node in found(tree, ast.ClassDef)]


# An override means what its contract says, so the contract alone has to say it; three are torch's.
def bases(node: ast.ClassDef) -> set[str]:
    return {ast.unparse(base).split("[")[0].split(".")[-1] for base in node.bases}


PARENTS = {base for node in CLASSES for base in bases(node)}
OPEN = [c for c in CLASSES if c.name in PARENTS or "Protocol" in bases(c)]
CONTRACTS = {m.name for c in OPEN for m in public(c) if ast.get_docstring(m)}
CONTRACTS |= {"forward", "state_dict", "load_state_dict"}

each_module = pytest.mark.parametrize("module", FILES)
each_file = pytest.mark.parametrize(
    "path",
    [*FILES.values(), *(ROOT / "tests").rglob("*.py")],
    ids=lambda p: f"{p.parent.name}/{p.name}",
)


def test_every_room_has_its_place_in_the_table():
    strangers = {room(module) for module in FILES} - set(HEIGHT)
    assert not strangers, f"give {sorted(strangers)} a place in LAYERS, above what they import"


@each_module
def test_imports_point_down(module: str):
    up = {n for n in own_imports(module) if HEIGHT.get(room(n), 0) > HEIGHT.get(room(module), 0)}
    assert not up, f"{module} imports {sorted(up)}, which stand above it in LAYERS"


def test_imports_make_no_cycle():
    try:
        TopologicalSorter({module: own_imports(module) for module in FILES}).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_no_two_rooms_import_each_other():
    rooms = {room(module) for module in FILES}
    arrows = {(room(m), room(n)) for m in FILES for n in own_imports(m)}
    both = {frozenset(arrow) for arrow in arrows if arrow[::-1] in arrows and len({*arrow}) == 2}
    assert not both, f"of {len(rooms)} rooms"


def test_the_root_of_the_package_holds_few_files():
    assert len(list((ROOT / "src" / "priorfit").glob("*.py"))) <= 16


@each_module
def test_imports_stand_at_the_top(module: str):
    late = {name for function in FUNCTIONS[module] for name in imported(function)}
    late = {name for name in late if name.split(".")[0] not in EXTRAS | SLOW}
    assert not late or room(module) in LAZY, f"move {sorted(late)} to the top of {module}"


@each_module
def test_all_is_sorted_and_complete(module: str):
    assigned = [n for n in TREES[module].body if ast.unparse(n).startswith("__all__ = ")]
    listed = [name for node in assigned for name in ast.literal_eval(node.value)]
    missing = {node.name for node in public(TREES[module])} - set(listed)
    assert listed == sorted(set(listed), key=lambda name: (name.casefold(), name))
    assert not (listed and missing), f"{module}.__all__ leaves out {sorted(missing)}"
    for name in listed:
        getattr(importlib.import_module(module), name)


@each_module
def test_no_function_is_long(module: str):
    long = [f.name for f in FUNCTIONS[module] if code_lines(f, FILES[module]) > 50]
    assert not long or room(module) == "networks", f"more than 50 code lines: {long}"


@each_file
def test_no_file_is_long(path: Path):
    assert len(path.read_text("utf-8").splitlines()) <= 400


@each_module
def test_nothing_happens_behind_the_back(module: str):
    aloud = {"print"} if room(module) != "cli" else set()
    assert not called(TREES[module]) & ({"hasattr", "exec", "eval"} | aloud)
    assert not found(TREES[module], ast.Global)


def test_untrained_networks_are_one_family_among_others():
    users = {m for m in FILES if "priorfit.priors.deep_image" in own_imports(m)}
    users -= {m for m in users if m.startswith(("priorfit.recipes.dip", "priorfit.priors"))}
    public = {"priorfit", "priorfit.testing.doubles"}
    assert users - public <= {"priorfit.loop.denoised"}


@each_module
def test_nothing_is_decided_by_comparing_prose(module: str):
    """Sentences are for people: what happened is an enum, a type or a value."""
    prose = set()
    for node in found(TREES[module], ast.Compare):
        sides = [node.left, *node.comparators]
        texts = {n.value for side in sides for n in found(side, ast.Constant)}
        prose |= {text for text in texts if isinstance(text, str) and len(text.split()) > 2}
        prose |= {ast.unparse(side) for side in sides if ast.unparse(side).endswith(".sentence")}
    assert not prose, f"{module} compares with {sorted(prose)}"


def test_jobs_of_several_pictures_are_made_by_the_plan_alone():
    makers = {module for module in FILES if "Job" in called(TREES[module])}
    assert {module for module in makers if room(module) in {"cli", "web", "batch"}} == set()


def test_one_loop_goes_backward():
    loops = {m for m in FILES if any(name.endswith(".backward") for name in called(TREES[m]))}
    assert {module for module in loops if room(module) != "train"} <= {"priorfit.loop.fit"}


@each_file
def test_no_file_runs_what_it_reads(path: Path):
    tree = ast.parse(path.read_text("utf-8"))
    roots = {name.split(".")[0] for name in imported(tree)}
    assert not roots & {"cloudpickle", "dill", "joblib", "pickle", "torchvision"}
    for call in found(tree, ast.Call):
        given = {word.arg: ast.unparse(word.value) for word in call.keywords}
        assert given.get("allow_pickle", "False") == "False"
        assert ast.unparse(call.func) != "torch.load" or given.get("weights_only") == "True"


def test_hardly_a_function_takes_what_it_does_not_name():
    functions = [function for inside in FUNCTIONS.values() for function in inside]
    tunnels = [function.name for function in functions if function.args.kwarg]
    assert len(tunnels) <= 0.01 * len(functions), f"**kwargs in {tunnels}"


@each_module
def test_everything_public_is_documented(module: str):
    tree = TREES[module]
    methods = [m for c in public(tree) if isinstance(c, ast.ClassDef) for m in public(c)]
    named = public(tree) + [method for method in methods if method.name not in CONTRACTS]
    bare = [node.name for node in named if not ast.get_docstring(node)]
    assert ast.get_docstring(tree), f"{module} needs a line that says what it holds"
    assert not bare, f"no docstring: {bare}"


# What is asked of by its methods: whoever wants to know what kind one is lacks a method.
ASKED = {"Degradation", "Prior", "Filter", "Fitting"}


def kinds() -> dict[str, set[str]]:
    """Concrete classes of what is asked by its methods, at any depth, to the rooms they are in."""
    classes = [(node, room(m)) for m, tree in TREES.items() for node in found(tree, ast.ClassDef)]
    known: dict[str, set[str]] = {name: set() for name in ASKED}
    before = -1
    while before != sum(map(len, known.values())):
        before = sum(map(len, known.values()))
        for node, place in classes:
            if {ast.unparse(base).split(".")[-1] for base in node.bases} & known.keys():
                known.setdefault(node.name, set()).add(place)
    return {name: rooms for name, rooms in known.items() if name not in ASKED}


def told_apart(module: str, concrete: dict[str, set[str]]) -> list[str]:
    """Questions of a module about concrete classes of other rooms."""
    calls = [c for c in found(TREES[module], ast.Call) if ast.unparse(c.func) == "isinstance"]
    names = [(c.lineno, n.id) for c in calls for n in found(c.args[1], ast.Name)]
    return [
        f"{module}:{line} {name}"
        for line, name in names
        if name in concrete and room(module) not in concrete[name]
    ]


def test_nobody_asks_from_outside_of_which_class_a_degradation_prior_filter_or_fit_is():
    concrete = kinds()
    assert {"Mask", "Blur", "Compose", "DeepImagePrior", "Stopping", "TiledFit"} <= concrete.keys()
    asked = [question for module in FILES for question in told_apart(module, concrete)]
    assert len(asked) <= 2, f"give the base class a method instead: {asked}"


# Names that two rooms still use for two things: take lines away, add none.
STILL_SHARED = set(
    "Box Checkpoint Common Curve Desk Dialect Frame Guard Guide HeldOut Level Mask "
    "Objective Progress Request Scale Setting Source Verdict".split()
)


def test_a_public_class_name_stands_once():
    names = [node.name for tree in TREES.values() for node in public(tree)]
    classes = {node.name for node in CLASSES}
    shared = {name for name in names if name in classes and names.count(name) > 1}
    assert shared <= STILL_SHARED, f"one meaning for one name: rename one of {shared}"
