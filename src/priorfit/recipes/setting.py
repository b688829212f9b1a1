"""What the settings of all families have in common, so that each says only what is its own."""

from collections.abc import Mapping

from priorfit.recipes.method import Cited, Row
from priorfit.recipes.show import rows_of


class TaskSetting:
    """A setting for one task: a `recipes.method.Method` but for `about` and `recipe`.

    A subclass is a dataclass with the fields `about`, `task` and what else it has; it overrides
    what does not hold of it.
    """

    task: str
    steps: Cited[int]

    @property
    def tasks(self) -> tuple[str, ...]:
        """The one that it is for."""
        return (self.task,)

    @property
    def length(self) -> int:
        """Steps of its fit."""
        return self.steps.value

    @property
    def most(self) -> int | None:
        """None: more time never hurts."""
        return None

    @property
    def published(self) -> bool:
        """Not somebody's numbers."""
        return False

    @property
    def sooner(self) -> str | None:
        """None: no recipe does the same with less to do before the first step."""
        return None

    @property
    def window(self) -> str | None:
        """None: it takes no window to have made a small image."""
        return None

    @property
    def needs(self) -> Mapping[str, str]:
        """No trained network."""
        return {}

    @property
    def synthesises(self) -> bool:
        """No trained generator draws the result."""
        return False

    def rows(self) -> list[Row]:
        """Every number, with its source where it has one."""
        return rows_of(self)
