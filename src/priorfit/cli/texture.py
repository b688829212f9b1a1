"""`priorfit analyse texture`: another picture with the same Gram matrices."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from priorfit.cli import options
from priorfit.cli.analysing import (
    Common,
    Desk,
    analysing,
    begin,
    end,
    inputs_of,
    network_named,
    recipe_named,
    sized,
)
from priorfit.cli.session import progress

if TYPE_CHECKING:
    from priorfit.analysis.fit import Fitted
    from priorfit.analysis.show import Content
    from priorfit.types import Image


@analysing
def texture(
    picture: Annotated[Path, typer.Argument(metavar="IMAGE", help="Picture.", show_default=False)],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FILE", callback=options.named, help="Picture to write."
        ),
    ],
    network: options.Network,
    layers: Annotated[
        str,
        typer.Option(
            "--layers",
            metavar="NAMES",
            help="Layer names between commas, the finest first; an unknown one lists those "
            "available.",
        ),
    ],
    size: options.Size = None,
    recipe: options.Recipe = "dip/preimage",
    steps: options.Steps = None,
    *,
    common: Common,
) -> None:
    """Find another picture with the texture of this one.

    Compares Gram matrices: which features occur together, wherever they occur. Other priors:
    --recipe pixels/preimage (none), tv/preimage (total variation).
    """
    names = tuple(name.strip() for name in layers.split(","))
    desk = Desk("texture", output, common)
    setting = recipe_named(recipe, "preimage")
    begin(desk)

    from priorfit import images
    from priorfit.analysis.fit import fitted
    from priorfit.analysis.pose import texture as posed

    like = images.read(picture)
    images.ensure_writable(output, like, overwrite=common.overwrite)
    seen = network_named(network, desk.place)
    image = sized(like.tensor(), size)
    problem = posed(image.to(desk.place), seen, names)
    with progress(picture, shown=desk.loud) as watch:
        found = fitted(problem, setting.recipe(steps), common.seed, watch)
    about = desk.about(
        recipe,
        {"network": network, "layers": ",".join(names), "size": size, "recipe": recipe},
        inputs_of({"input": picture}, network),
        found.steps,
    )
    content = _content(f"{network}, {', '.join(names)}", image, found)
    end(desk, about, found, like, {"relative_error": found.error}, content)


def _content(where: str, image: "Image", found: "Fitted") -> "Content":
    from priorfit.analysis.show import Content
    from priorfit.report.embed import embed
    from priorfit.report.restored import Shown

    shown = [
        Shown(embed("texture", found.image), "it has nearly the same Gram matrices"),
        Shown(embed("picture", image), "whose texture was given"),
        Shown(embed("start", found.start), "before the first step"),
    ]
    about = f"Another picture with the texture that this one has in {where}."
    return Content("Texture", about, shown, slider=False, curves={"loss": found.losses})
