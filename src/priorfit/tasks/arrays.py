"""Restoration of arrays in the manner of scikit-image: ndarray in, ndarray of the same dtype out.

What every function takes beside what its task needs stands here once; its help has it too.

Of four channels the last is alpha, as in RGBA: it is kept, enlarged with the image, and what is
under it where it is transparent takes no part. Restore four bands that are no RGBA one by one.

What needs no restoring comes back as a copy, bit for bit and without a warning, from `denoise` and
`dejpeg`, which say when; with `force=True` they restore it all the same.

No image comes back worse than it came, as far as evidence without a clean image can tell: where a
fit is not better than a cheap method, that one's result is returned, with a warning, and where both
are good a mixture. With `steps`, or a published recipe, the fit itself is returned.

One picture gives one result whatever its units: it is fitted at a range of its own, found without
outliers, and comes back in the units and the dtype that it had. Noise levels are fractions of the
full scale of the dtype, for floats of 1 or, where they leave [0, 1], of their own range. Each
raises `PriorfitError` for what it cannot do.
"""

import functools
import inspect
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from inspect import Parameter
from typing import TYPE_CHECKING, ForwardRef, ParamSpec, TypedDict, TypeVar, cast

from priorfit.errors import ProblemError
from priorfit.tasks.base import AUTO, Laid, Task
from priorfit.wording import described

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from priorfit.engine.case import Restored
    from priorfit.engine.run import Callback, Run
    from priorfit.images import Picture

    Array = NDArray[np.generic]

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_BEGINS = "_begins"  # where a function on arrays has the one that only begins its run


class Shared(TypedDict, total=False):
    """What every function on arrays takes; `_SHARED` has the defaults, and what they mean."""

    channel_axis: int | None
    rng: "int | np.random.Generator"
    recipe: str
    generator: str | None
    steps: int | None
    time_limit: float | None
    stop: str | None
    callback: "Callback | None"
    device: str


_SHARED: dict[str, tuple[object, str]] = {
    "channel_axis": (None, "axis of the channels; None for a grey image of two axes."),
    "rng": (
        0,
        "a seed, or a `numpy.random.Generator` that a seed is drawn from. The same seed gives\n"
        "the same array on the same machine.",
    ),
    "recipe": (AUTO, "a name that `priorfit recipes list` shows."),
    "generator": (
        None,
        "trained generator, for recipes that need one: a name that `priorfit checkpoints\n"
        "list` shows, or a folder; the recipe's own by default.",
    ),
    "steps": (
        None,
        "length of the fit, whose picture is then returned whatever the evidence says; the\n"
        "recipe's own by default.",
    ),
    "time_limit": (
        None,
        "seconds that the whole call may take: the fit ends in time, and a cheap\n"
        "estimate is returned where it is not better yet.",
    ),
    "stop": (
        None,
        "rule that may end the fit sooner: held-out, variance, moving-variance, objective,\n"
        "residual, auto or none; the recipe's own by default.",
    ),
    "callback": (
        None,
        "called with a `Progress` after every step; `StopIteration` raised in it ends the\n"
        "fit there.",
    ),
    "device": ("cpu", "cpu, cuda, cuda:N, mps or auto."),
}


def on_arrays(
    task: type[Task],
) -> "Callable[[Callable[Parameters, Run[Restored]]], Callable[Parameters, Array]]":
    """Make of a function that begins a run the function that takes it to its end.

    It has the signature and the help of the parameters that it takes as `Shared`. For
    `start_function` the run is only begun.

    Args:
        task: whose recipe is the default.
    """
    return _completed(task, lambda restored: restored.array, "Array")


def with_code(
    task: type[Task],
) -> "Callable[[Callable[Parameters, Run[Restored]]], Callable[Parameters, Restored]]":
    """The same for a task whose product is no picture: the function gives all that came of it.

    Args:
        task: whose recipe is the default.
    """
    return _completed(task, lambda restored: restored, "Restored")


def _completed(
    task: type[Task], result: "Callable[[Restored], Result]", returned: str
) -> "Callable[[Callable[Parameters, Run[Restored]]], Callable[Parameters, Result]]":
    def complete(
        begin: "Callable[Parameters, Run[Restored]]",
    ) -> "Callable[Parameters, Result]":
        signature = _whole_signature(begin, task.default_recipe, returned)

        @functools.wraps(begin)
        def call(*given: Parameters.args, **named: Parameters.kwargs) -> "Result":
            arguments = signature.bind(*given, **named).arguments  # refuses what has no such name
            restored = begin(*given, **named).finish(arguments.get("callback"))
            if restored.warning is not None:
                warnings.warn(restored.warning, stacklevel=2)
            return result(restored)

        vars(call)["__signature__"] = signature
        vars(call)[_BEGINS] = begin
        call.__doc__ = _whole_help(begin.__doc__ or "", signature)
        return call

    return complete


def start_function(
    function: "Callable[Parameters, object]", *given: Parameters.args, **named: Parameters.kwargs
) -> "Run[Restored]":
    """Begin what a function on arrays does, to be taken step by step.

    Args:
        function: `priorfit.denoise` or its like.
        *given: its arguments.
        **named: its arguments; of `callback` nothing is heard.

    Raises:
        ProblemError: another function.
        PriorfitError: anything that is wrong with the arguments.
    """
    begin = getattr(function, _BEGINS, None)
    if begin is None:
        raise ProblemError(
            f"expected priorfit.denoise or its like, got {described(function)}: start(denoise, "
            "image) takes its arguments after it"
        )
    inspect.signature(function).bind(*given, **named)
    return cast("Run[Restored]", begin(*given, **named))


def start_on_array(
    task: Task,
    image: "ArrayLike",
    pose: "Callable[[Picture], Laid]",
    shared: Shared,
    *,
    force: bool = False,
) -> "Run[Restored]":
    """Begin to restore an array.

    Args:
        task: with its options.
        image: as the caller gave it.
        pose: of the task, for a picture.
        shared: see `Shared`.
        force: whether the fit is returned whatever the evidence says.

    Raises:
        PriorfitError: anything that is wrong with image or options.
    """
    from priorfit.tasks.solving import Wishes, start_run

    started = time.perf_counter()
    laid = pose(picture_of(image, shared))
    recipe = shared.get("recipe", task.default_recipe)
    if recipe == AUTO and laid.choice is not None:
        recipe = laid.choice.recipe
        noted = () if laid.choice.why is None else (laid.choice.why,)
        laid = replace(laid, notes=(*laid.notes, *noted))
    wishes = Wishes(
        recipe,
        shared.get("steps"),
        shared.get("rng", 0),
        shared.get("device", "cpu"),
        shared.get("time_limit"),
        shared.get("stop"),
        force,
        started,
        shared.get("generator"),
    )
    return start_run(task, laid, wishes)


def picture_of(image: "ArrayLike", shared: Shared) -> "Picture":
    """An array as a picture.

    Raises:
        ProblemError: it is none, or needs a `channel_axis`.
    """
    import numpy as np

    from priorfit.images import from_array, visible

    return visible(from_array(np.asarray(image), shared.get("channel_axis")))


def _whole_signature(
    function: Callable[..., object], recipe: str, returned: str
) -> inspect.Signature:
    own = [p for p in inspect.signature(function).parameters.values() if p.kind != p.VAR_KEYWORD]
    defaults = {name: default for name, (default, _) in _SHARED.items()} | {"recipe": recipe}
    shared = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=defaults[name], annotation=_spelled(hint))
        for name, hint in inspect.get_annotations(Shared).items()
    ]
    return inspect.Signature([*own, *shared], return_annotation=returned)


def _spelled(hint: object) -> object:
    """An annotation as help shows it: one that stands in quotes as its text."""
    return hint.__forward_arg__ if isinstance(hint, ForwardRef) else hint


def _whole_help(text: str, signature: inspect.Signature) -> str:
    """The docstring with a line for each shared parameter that it does not explain itself."""
    more = ""
    for name in _SHARED:
        if f"\n        {name}: " not in text and name in signature.parameters:
            meaning = _SHARED[name][1].replace("\n", "\n            ")
            more += f"        {name}: {meaning}\n"
    return text.rstrip() + "\n" + more.rstrip() + "\n    "
