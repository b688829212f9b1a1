"""What every task is: its options, and its answers to what the rest of the program asks it.

The options are read for `--help` too, so a task imports what is heavy when it is asked for it.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from priorfit.errors import ProblemError
from priorfit.tasks.options import Option, explain, options_of

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

    picture_option: ClassVar[Option | None] = None
    """What names the one picture on the command line, where it is no bare argument."""

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
    def declared(cls) -> dict[str, Option]:
        """The options of its command, by the names of their fields."""
        return options_of(cls)

    @classmethod
    def reads(cls) -> frozenset[str]:
        """Names of the fields that may hold a file to be read."""
        paths = {name: option for name, option in cls.declared().items() if option.value is Path}
        return frozenset(name for name, option in paths.items() if not option.typed.written)

    @classmethod
    def command(cls, picture: str, output: str) -> list[str]:
        """What is typed to do it to a picture, without its options.

        Args:
            picture: name of its file.
            output: name of what is written.
        """
        named = [] if cls.picture_option is None else [cls.picture_option.flag()]
        return ["priorfit", cls.name(), *named, picture, "-o", output]

    @classmethod
    def from_options(cls, options: Mapping[str, object]) -> Self:
        """A task of the values of its options.

        Raises:
            ProblemError: one is out of its range, of another type, or unknown.
        """
        try:
            return cls.model_validate(options)
        except ValidationError as error:
            raise ProblemError(explain(cls.declared(), error)[1]) from None

    def absolute(self) -> Self:
        """The same with paths that hold from every folder."""
        return self.placed(Path.absolute, Path.absolute)

    def placed(self, read: Callable[[Path], Path], written: Callable[[Path], Path]) -> Self:
        """The same with its files elsewhere.

        Args:
            read: place of a file that is read to the new one.
            written: likewise, of one that is written.
        """
        reads = self.reads()
        move = {name: (read if name in reads else written) for name, _ in self._paths()}
        return self.model_copy(update={name: move[name](path) for name, path in self._paths()})

    @property
    def files(self) -> dict[str, Path]:
        """What is read beside the picture, by its part in the task."""
        return {n.replace("_", " "): path for n, path in self._paths() if n in self.reads()}

    @property
    def written(self) -> dict[str, Path]:
        """What is written beside the product, by its part in the task."""
        return {n.replace("_", " "): path for n, path in self._paths() if n not in self.reads()}

    @property
    def options(self) -> dict[str, object]:
        """The options as others may read them: files by name, wherever they lie."""
        values = self.model_dump(mode="json", exclude={"kind"})
        return {**values, **{name: path.name for name, path in self._paths()}}

    @property
    def arguments(self) -> list[str]:
        """The command line's options for these."""
        given = [each.arguments(getattr(self, name)) for name, each in self.declared().items()]
        return [word for words in given for word in words]

    def _paths(self) -> list[tuple[str, Path]]:
        return [(name, value) for name, value in self if isinstance(value, Path)]
