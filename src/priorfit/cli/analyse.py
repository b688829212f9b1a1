"""`priorfit analyse`."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from priorfit.cli.misuse import Commands
from priorfit.cli.random_labels import random_labels
from priorfit.cli.session import progress
from priorfit.cli.studies import impedance, prior_effect
from priorfit.cli.texture import texture

if TYPE_CHECKING:
    import torch

    from priorfit.analysis.fit import Fitted
    from priorfit.analysis.show import Content
    from priorfit.images import Picture
    from priorfit.problem import Problem
    from priorfit.types import Image

_SILENT = (
    "the activation is 0 at the start, and a ReLU gives no gradient there: try another --seed, a "
    "larger --window, or the layer before the ReLU"
)

analyse = typer.Typer(
    cls=Commands,
    help="Study what a trained network sees and what an image prior does.",
    no_args_is_help=False,
)

Input = Annotated[Path, typer.Argument(metavar="IMAGE", help="Picture.", show_default=False)]
File = Annotated[
    Path,
    typer.Option(
        "--output", "-o", metavar="FILE", callback=options.named, help="Picture to write."
    ),
]
Layer = Annotated[str | None, typer.Option("--layer", metavar="NAME", help="Layer to look at.")]
LayerName = Annotated[
    str,
    typer.Option(
        "--layer", metavar="NAME", help="Layer name; an unknown one lists those available."
    ),
]
Channel = Annotated[
    int | None, typer.Option("--channel", min=0, help="Channel of the layer, from 0.")
]
Window = Annotated[
    int | None,
    typer.Option(
        "--window",
        min=1,
        help="Side of the central window of positions to use; 1 is one neuron (default all).",
    ),
]
Class = Annotated[
    int | None,
    typer.Option("--class", min=0, help="Class of the network, from 0, instead of a channel."),
]
Target = Annotated[
    float | None,
    typer.Option("--target", help="Activation to reach (default: as large as possible)."),
]


@analyse.command()
@analysing
def preimage(
    picture: Input,
    output: File,
    network: options.Network,
    layer: LayerName,
    size: options.Size = None,
    canvas: Annotated[
        int | None,
        typer.Option(
            "--canvas",
            metavar="SIDE",
            help="Draw on a square of this side and show the network its top left corner (the "
            "published code: 256, with --size 224).",
        ),
    ] = None,
    recipe: options.Recipe = "dip/preimage",
    steps: options.Steps = None,
    *,
    common: Common,
) -> None:
    """Find another picture with the same features at one layer of a network.

    It shows what the layer keeps of IMAGE. Other priors: --recipe pixels/preimage (none),
    tv/preimage (total variation).
    """
    desk = Desk("preimage", output, common)
    setting = recipe_named(recipe, "preimage")
    begin(desk)

    from priorfit import images
    from priorfit.analysis.fit import fitted
    from priorfit.analysis.pose import preimage as posed

    like = images.read(picture)
    images.ensure_writable(output, like, overwrite=common.overwrite)
    seen = network_named(network, desk.place)
    image = sized(like.tensor(), size)
    problem = posed(image.to(desk.place), seen, layer, canvas)
    made = setting.recipe(steps)
    with progress(picture, shown=desk.loud) as watch:
        found = fitted(problem, made, common.seed, watch)
    about = desk.about(
        recipe,
        {"network": network, "layer": layer, "size": size, "canvas": canvas, "recipe": recipe},
        inputs_of({"input": picture}, network),
        found.steps,
    )
    content = _content_of_preimage(
        f"{network} sees at {layer} as it sees {picture.name}", image, found
    )
    end(desk, about, found, like, {"relative_error": found.error}, content)


@analyse.command()
@analysing
def maximise(
    output: File,
    network: options.Network,
    layer: Layer = None,
    channel: Channel = None,
    window: Window = None,
    klass: Class = None,
    target: Target = None,
    size: Annotated[int, typer.Option("--size", min=16, help="Side in pixels.")] = 128,
    recipe: options.Recipe = "dip/maximise",
    steps: options.Steps = None,
    *,
    common: Common,
) -> None:
    """Find a picture that maximises a neuron, a channel or a class of a network.

    Give --layer and --channel, or --class. Other priors: --recipe pixels/maximise (none),
    tv/maximise (total variation).
    """
    _check_what(layer, channel, window, klass)
    given: dict[str, object] = {
        "layer": layer,
        "channel": channel,
        "window": window,
        "class": klass,
    }
    given |= {"network": network, "target": target, "size": size, "recipe": recipe}
    desk = Desk("maximise", output, common)
    setting = recipe_named(recipe, "maximise")
    begin(desk)

    from priorfit import images
    from priorfit.analysis.fit import fitted
    from priorfit.recipes.aim import aim

    like = _blank(size)
    images.ensure_writable(output, like, overwrite=common.overwrite)
    problem, what = _posed(given, desk.place)
    setting = setting if target is None else aim(setting)
    with progress(output, shown=desk.loud) as watch:
        found = fitted(problem, setting.recipe(steps), common.seed, watch)
    about = desk.about(recipe, given, inputs_of({}, network), found.steps)
    about = about if found.answer else replace(about, notes=(_SILENT,))
    content = _content_of_maximum(f"{what} of {network}", found)
    end(desk, about, found, like, {"answer": found.answer}, content)


def _blank(size: int) -> "Picture":
    """How a square picture of colour is stored that was read from no file."""
    import numpy as np

    from priorfit import images

    return images.from_array(np.zeros((size, size, 3), np.uint8), -1)


def _posed(given: Mapping[str, Any], device: "torch.device") -> "tuple[Problem, str]":
    """The problem that the options of `maximise` ask for, and in words what is to answer."""
    from priorfit.analysis.pose import class_layer
    from priorfit.analysis.pose import maximise as posed

    network, klass = network_named(given["network"], device), given["class"]
    layer = given["layer"] if klass is None else class_layer(network)
    channel = given["channel"] if klass is None else klass
    size = (given["size"], given["size"])
    target = given["target"] or 0.0
    problem = posed(network, layer, channel, size, window=given["window"], target=target)
    return problem, f"channel {channel} of {layer}" if klass is None else f"class {klass}"


def _content_of_preimage(what: str, image: "Image", found: "Fitted") -> "Content":
    from priorfit.analysis.show import Content
    from priorfit.report.embed import embed
    from priorfit.report.restored import Shown

    shown = [
        Shown(embed("pre-image", found.image), "it has nearly the same features"),
        Shown(embed("picture", image), "whose features were given"),
        Shown(embed("start", found.start), "before the first step"),
    ]
    curves = {"loss": found.losses}
    return Content("Natural pre-image", f"A picture that {what}.", shown, curves=curves)


def _content_of_maximum(what: str, found: "Fitted") -> "Content":
    from priorfit.analysis.show import Content
    from priorfit.report.embed import embed
    from priorfit.report.restored import Shown

    shown = [
        Shown(embed("result", found.image), "after the last step"),
        Shown(embed("start", found.start), "before the first step"),
    ]
    about = f"A picture that {what} answers to strongly."
    curves = {"loss": found.losses}
    return Content("Activation maximisation", about, shown, curves=curves)


def _check_what(
    layer: str | None, channel: int | None, window: int | None, klass: int | None
) -> None:
    by_channel = layer is not None and channel is not None
    if klass is not None and (layer is not None or channel is not None or window is not None):
        raise typer.BadParameter(
            "cannot be combined with --layer, --channel or --window", param_hint="'--class'"
        )
    if klass is None and not by_channel:
        raise typer.BadParameter(
            "expected --layer and --channel, or --class", param_hint="'--layer' / '--class'"
        )


analyse.command()(texture)
analyse.command("prior-effect")(prior_effect)
analyse.command()(impedance)
analyse.command("random-labels")(random_labels)
