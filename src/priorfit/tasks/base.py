"""What every task is: its options, and its answers to what the rest of the program asks it.

The options are read for `--help` too, so a task imports what is heavy when it is asked for it.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from priorfit.errors import ProblemError

if TYPE_CHECKING:
    from priorfit.guarantee.comparators import Comparator
    from priorfit.images import Picture
    from priorfit.problem import Problem
    from priorfit.types import Image

AUTO = "auto"
"""In the place of a recipe's name: the task chooses."""


@dataclass(frozen=True)
class Choice:
    """A recipe for one picture.

    Args:
        recipe: its name.
        why: what is unusual about the picture, what is done about it or could be; None if nothing.
    """

    recipe: str
    why: str | None = None


@dataclass(frozen=True)
class Laid:
    """A problem laid out: what a task makes of a picture, from files or arrays alike.

    Args:
        problem: on the scale of the picture.
        picture: the way the result is stored.
        estimated: the noise level was not given but estimated.
        comparators: what a viewer may hold beside the result, by name.
        notes: what the picture turned out to be like.
        needless: why there is nothing to restore; None where there is.
        filled: specks that were filled beforehand.
        white: whether the noise is what Stein's estimate takes it for.
        choice: the recipe that the picture asks for, where the task looks for one.
    """

    problem: "Problem"
    picture: "Picture"
    estimated: bool = False
    comparators: Mapping[str, "Image"] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    needless: str | None = None
    filled: int = 0
    white: bool = True
    choice: Choice | None = None


@dataclass(frozen=True)
class Product:
    """What a task writes.

    Args:
        name: of it, in a sentence.
        endings: that the name of its file may have; none where the formats of pictures say so.
    """

    name: str
    endings: tuple[str, ...] = ()


PICTURE = Product("picture")
CODE = Product("code", (".safetensors",))


@dataclass(frozen=True)
class Typed:
    """How an option is typed on the command line, beside what its field says.

    Args:
        metavar: what stands for its value in the help.
        as_text: it is typed in words of its own, which the model reads.
        shown: what the help says is the default, where that is None.
        choices: all that it may be.
        required: nothing is done for a file without it, though an array may do without.
        by_picture: a folder with a file for each picture will do.
        written: a file that the task writes, and does not read.
    """

    metavar: str | None = None
    as_text: bool = False
    shown: str | None = None
    choices: tuple[str, ...] = ()
    required: bool = False
    by_picture: bool = False
    written: bool = False


class Task(BaseModel):
    """A task with its options, one picture long.

    A field with a description is an option of the command line, which is made from it: its name,
    its type, its bounds. The docstring is the help of the command.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str

    default_recipe: ClassVar[str]
    """Name of the recipe that is taken unless another is named; `AUTO` where `lay` chooses one."""

    product: ClassVar[Product] = PICTURE
    """What is written."""

    picture_option: ClassVar[tuple[str, str] | None] = None
    """Name and help of the option that names the one picture, where it is no bare argument."""

    synonyms: ClassVar[tuple[str, ...]] = ()
    """What else people call it."""

    on_luma: ClassVar[bool] = False
    """Whether the metrics have the PSNR of the luma too, which then decides."""

    @abstractmethod
    def lay(self, picture: "Picture", path: Path) -> Laid:
        """Pose the problem of a picture that was read from `path`, with the files beside it."""

    @property
    def contenders(self) -> "Sequence[Comparator]":
        """What may be written in the place of a fit; none where no evidence tells which is better.

        Stein's estimate does not hold for total variation as it is computed, and Wiener's
        deconvolution explains the noise too.
        """
        return ()

    @property
    def comparators(self) -> "Sequence[Comparator]":
        """The cheap methods that a result is compared with, in reports and tables."""
        return ()

    def check(self) -> None:
        """Refuse options that say too little for a picture in a file.

        Raises:
            ValueError: they do.
        """

    def for_recipe(self, recipe: str) -> Self:
        """The same with what a recipe settles, where nobody said it.

        Args:
            recipe: name of one, or `AUTO`.
        """
        return self

    @classmethod
    def name(cls) -> str:
        """Name of the command, of the Python function, and in files."""
        return str(cls.model_fields["kind"].default)

    @classmethod
    def chooses(cls) -> bool:
        """Whether `lay` chooses a recipe."""
        return cls.default_recipe == AUTO

    @classmethod
    def typed(cls) -> dict[str, tuple[FieldInfo, Typed]]:
        """The options of the command line by the name of their field."""
        fields = {name: field for name, field in cls.model_fields.items() if field.description}
        return {name: (field, _typed(field)) for name, field in fields.items()}

    @classmethod
    def reads(cls) -> frozenset[str]:
        """Names of the fields that may hold a file to be read."""
        return frozenset(
            name
            for name, (field, typed) in cls.typed().items()
            if Path in (field.annotation, *get_args(field.annotation)) and not typed.written
        )

    @classmethod
    def from_options(cls, options: Mapping[str, object]) -> Self:
        """A task of the values of its options.

        Raises:
            ProblemError: one is out of its range, of another type, or unknown.
        """
        try:
            return cls.model_validate(options)
        except ValidationError as error:
            raise ProblemError(explain(cls, error)[1]) from None

    def absolute(self) -> Self:
        """The same with paths that hold from every folder."""
        return self.model_copy(update={name: path.absolute() for name, path in self._paths()})

    @property
    def files(self) -> dict[str, Path]:
        """What is read beside the picture, by its part in the task."""
        return {_role(name): path for name, path in self._paths() if name in self.reads()}

    @property
    def written(self) -> dict[str, Path]:
        """What is written beside the product, by its part in the task."""
        return {_role(name): path for name, path in self._paths() if name not in self.reads()}

    @property
    def options(self) -> dict[str, object]:
        """The options as others may read them: files by name, wherever they lie."""
        values = self.model_dump(mode="json", exclude={"kind"})
        return {**values, **{name: path.name for name, path in self._paths()}}

    @property
    def arguments(self) -> list[str]:
        """The command line's options for these: whatever has a value, switches if not as usual."""
        given: list[str] = []
        for name, (declared, _) in self.typed().items():
            value = getattr(self, name)
            if isinstance(value, bool):
                given += [] if value == declared.default else [option_of(name, on=value)]
            elif value is not None:
                given += [option_of(name), _text(value)]
        return given

    def _paths(self) -> list[tuple[str, Path]]:
        return [(name, value) for name, value in self if isinstance(value, Path)]


def option_of(name: str, *, on: bool = True) -> str:
    """The option of the command line for a field.

    Args:
        name: of the field.
        on: for a switch, whether it is switched on.
    """
    return f"--{'' if on else 'no-'}{name.replace('_', '-')}"


def explain(kind: type[Task], error: ValidationError) -> tuple[str | None, str]:
    """What is wrong with the options of a task.

    Returns:
        Name of the field, None where it is several; and a line about the first thing.
    """
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else None
    said = _WORDS.get(first["type"])
    if said is None or name is None:
        return name, first["msg"].removeprefix("Value error, ")
    declared = kind.model_fields.get(name)
    if declared is not None and None not in (bound_of(declared, "ge"), bound_of(declared, "le")):
        said = f"expected {{0}} from {bound_of(declared, 'ge')} to {bound_of(declared, 'le')}"
    return name, f"{said.format(_role(name), **first.get('ctx', {}))}, got {first['input']!r}"


def bound_of(field: FieldInfo, end: str) -> float | None:
    """A bound of a number.

    Args:
        field: of a task.
        end: `ge` or `le`.
    """
    bounds = (getattr(each, end, None) for each in field.metadata)
    return next((bound for bound in bounds if bound is not None), None)


_WORDS = {
    "greater_than_equal": "expected {0} of {ge:g} or more",
    "greater_than": "expected {0} above {gt:g}",
    "less_than_equal": "expected {0} of {le:g} or less",
    "less_than": "expected {0} below {lt:g}",
    "int_from_float": "expected a whole number for {0}",
    "int_parsing": "expected a whole number for {0}",
    "int_type": "expected a whole number for {0}",
    "float_parsing": "expected a number for {0}",
    "float_type": "expected a number for {0}",
    "missing": "expected {0}",
    "extra_forbidden": "there is no option {0}",
}


def _typed(field: FieldInfo) -> Typed:
    return next((each for each in field.metadata if isinstance(each, Typed)), Typed())


def _role(name: str) -> str:
    return name.replace("_", " ")


def _text(value: Any) -> str:
    """A value as it is typed."""
    if isinstance(value, Path):
        return value.name
    if isinstance(value, tuple):
        return ",".join(_text(part) for part in value)
    return value if isinstance(value, str) else repr(value)
