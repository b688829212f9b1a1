"""Pages from templates: everything that goes in is escaped, nothing outside is loaded."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from priorfit.errors import PriorfitError

if TYPE_CHECKING:
    from jinja2 import Environment


def require() -> None:
    """Find out before any work whether pages can be made.

    Raises:
        PriorfitError: the extra `report` is not installed.
    """
    _environment()


def page(template: str, values: Mapping[str, object]) -> bytes:
    """Fill in one of the templates of this folder.

    Args:
        template: its file name.
        values: text, numbers and dataclasses of these; text is escaped, never trusted.

    Raises:
        PriorfitError: the extra `report` is not installed.
    """
    return _environment().get_template(template).render(values).encode(errors="backslashreplace")


def printable(text: str) -> str:
    r"""Show what would break a line, turn it round or be no character at all as `\x1b` and such.

    File names may hold any of these; escaping for HTML leaves them as they are.
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


@cache
def _environment() -> "Environment":
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError:
        raise PriorfitError(
            "a report needs jinja2, which is not there: pip install 'priorfit[report]'"
        ) from None
    made = Environment(
        loader=PackageLoader("priorfit.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["printable"] = printable
    return made
