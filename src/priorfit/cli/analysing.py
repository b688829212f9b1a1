"""What the commands of `priorfit analyse` have in common: checks before, files and lines after."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from priorfit.cli import options
from priorfit.cli.common import sharing
from priorfit.cli.session import INTERRUPTED, complain, say, set_up
from priorfit.wording import counted

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from priorfit.analysis.fit import Fitted
    from priorfit.analysis.record import About, Curves
    from priorfit.analysis.show import Content
    from priorfit.images import Picture
    from priorfit.networks.features import FeatureNetwork
    from priorfit.recipes import Method
    from priorfit.records.sidecar import Sidecar, Source


@dataclass(frozen=True)
class Common:
    """The options that every analysis has: a new one is a line here."""

    seed: options.Seed = 0
    device: options.Device = "auto"
    report: options.Report = False
    json: options.Json = False
    quiet: options.Quiet = False
    overwrite: options.Overwrite = False
    threads: options.Threads = None


analysing = sharing(Common, {})
"""Give a command, whose last parameter is `common`, these options."""


@dataclass(frozen=True)
class Desk:
    """An analysis under way.

    Args:
        name: of the command after `analyse`.
        output: file or folder.
        common: options.
    """

    name: str
    output: Path
    common: Common

    @property
    def seed(self) -> int:
        """Gives every number."""
        return self.common.seed

    @property
    def overwrite(self) -> bool:
        """Whether files that exist are replaced."""
        return self.common.overwrite

    @property
    def loud(self) -> bool:
        """Whether lines and bars are wanted."""
        return not (self.common.quiet or self.common.json)

    @property
    def place(self) -> "torch.device":
        """The device.

        Raises:
            DeviceError: it is not there.
        """
        from priorfit.tasks.device import device_named

        return device_named(self.common.device)

    def about(
        self,
        recipe: str,
        given: Mapping[str, object],
        inputs: "tuple[Source, ...]" = (),
        steps: int | None = None,
    ) -> "About":
        """What was asked for; options by their names on the command line."""
        import torch

        from priorfit.analysis.record import About

        words = []
        for name, value in given.items():
            if value is True:
                words.append(f"--{name}")
            elif value not in (None, False):
                words += [f"--{name}", str(value)]
        words += ["--seed", str(self.seed), "--device", str(self.place)]
        words += ["--threads", str(torch.get_num_threads())]
        words += [] if steps is None else ["--steps", str(steps)]
        asked = {name.replace("-", "_"): value for name, value in given.items()}
        task = f"analyse {self.name}"
        device = str(self.place)
        return About(task, asked, recipe, self.seed, device, inputs, tuple(words))


def begin(desk: Desk) -> None:
    """Check what can be checked at once, and settle what holds for the process.

    Raises:
        PriorfitError: the device or the extra `report` is not there.
    """
    if desk.common.report:
        from priorfit.report.page import require

        require()
    set_up(desk.common.threads)
    _ = desk.place


def recipe_named(name: str, task: str) -> "Method":
    """The recipe of an analysis.

    Raises:
        BadParameter: there is none of that name, or it is for something else.
    """
    from priorfit.errors import RecipeError
    from priorfit.recipes import ANALYSES, analysis_named

    hint = "'--recipe'"
    try:
        method = analysis_named(name)
    except RecipeError as error:
        raise typer.BadParameter(str(error), param_hint=hint) from None
    if task not in method.tasks:
        fitting = ", ".join(known for known, other in ANALYSES.items() if task in other.tasks)
        raise typer.BadParameter(f"expected one of {fitting}, got {name}", param_hint=hint)
    return method


def network_named(name: str, device: "torch.device") -> "FeatureNetwork":
    """A trained classifier.

    Raises:
        CheckpointError: it is not here, or is something else.
    """
    from priorfit.networks.features import FeatureNetwork

    return FeatureNetwork.from_pretrained(name, device)


def inputs_of(files: Mapping[str, Path], network: str | None = None) -> "tuple[Source, ...]":
    """Every file that went in, with its hash; of a network its numbers."""
    from priorfit.records.sidecar import source
    from priorfit.store import folders
    from priorfit.store.description import MODEL, model_of, read_config

    found = [source(role, path) for role, path in files.items()]
    if network is not None:
        folder = folders.find(network)
        model = source("network", model_of(folder, read_config(folder)))
        found.append(model.model_copy(update={"name": f"{Path(network).name}/{MODEL}"}))
    return tuple(found)


def sized(image: "Tensor", size: int | None) -> "Tensor":
    """The central square of (1, C, H, W) brought to so many pixels; None leaves all as it is."""
    import torch.nn.functional as F

    from priorfit.networks.sizes import crop_centre

    if size is None:
        return image
    square = crop_centre(image, (min(image.shape[-2:]),) * 2)
    return F.interpolate(square, (size, size), mode="bicubic", antialias=True).clamp(0, 1)


def end(
    desk: Desk,
    about: "About",
    found: "Fitted",
    like: "Picture",
    metrics: Mapping[str, float],
    content: "Content",
) -> None:
    """Write picture, sidecar and page, and say so.

    Raises:
        Exit: 130, the fit was interrupted.
    """
    record = leave(desk, desk.output, about, found, like, metrics)
    if desk.common.report:
        show(desk, desk.output, record, content)
    tell(desk, desk.output, record)
    leave_if_interrupted(desk, found)


def leave(
    desk: Desk,
    path: Path,
    about: "About",
    found: "Fitted",
    like: "Picture",
    metrics: Mapping[str, float],
) -> "Sidecar":
    """Write a picture and its sidecar."""
    from priorfit import images
    from priorfit.analysis.record import sidecar
    from priorfit.records.sidecar import sidecar_path, to_json

    lost = images.write(path, found.image, like, overwrite=desk.overwrite)
    record = sidecar(replace(about, notes=(*about.notes, *lost)), found, metrics)
    text = to_json(record) + "\n"
    images.write_atomically(sidecar_path(path), text.encode(), overwrite=desk.overwrite)
    return record


def check_place(desk: Desk) -> None:
    """Find out before any work whether the record can be written.

    Raises:
        ImageFileError: it cannot.
    """
    from priorfit.errors import ImageFileError
    from priorfit.images.atomic import exists_already

    if desk.output.exists() and not desk.overwrite:
        raise ImageFileError(exists_already(desk.output))
    if not desk.output.parent.is_dir():
        raise ImageFileError(f"{desk.output}: cannot be written, there is no such folder")


def leave_record(desk: Desk, record: "Curves") -> None:
    """Write a record of curves, and say its object if that is wanted."""
    from priorfit.images import write_atomically
    from priorfit.records.sidecar import to_json

    text = to_json(record) + "\n"
    write_atomically(desk.output, text.encode(), overwrite=desk.overwrite)
    if not desk.common.quiet:
        for note in record.notes:
            complain(note, desk.output)
    if desk.common.json:
        say(json.dumps({"output": str(desk.output)} | json.loads(text)))


def show(desk: Desk, path: Path, record: "Sidecar | Curves", content: "Content") -> None:
    """Write the page beside a file."""
    from priorfit.analysis.show import write_page

    page = path.with_name(path.name + ".html")
    write_page(page, record, content, overwrite=desk.overwrite)


def tell(desk: Desk, path: Path, record: "Sidecar") -> None:
    """Say the line of a picture that is done, or its object."""
    from priorfit.records.sidecar import to_json

    if not desk.common.quiet:
        for note in record.notes:
            complain(note, path)
    if desk.common.json:
        say(json.dumps({"output": str(path)} | json.loads(to_json(record))))
    elif not desk.common.quiet:
        metrics = [f"{name.replace('_', ' ')} {v:.4g}" for name, v in record.metrics.items()]
        parts = [counted(record.steps, "step"), f"{record.seconds:.1f} s", *metrics]
        say(f"{path}: {', '.join(parts)}")


def leave_if_interrupted(desk: Desk, found: "Fitted") -> None:
    """End the command if a fit was interrupted.

    Raises:
        Exit: 130.
    """
    if found.interrupted:
        complain(
            f"interrupted, what there was after {found.steps} of "
            f"{counted(found.planned, 'step')} is written; begin again with --overwrite for the "
            "whole",
            desk.output,
        )
        raise typer.Exit(INTERRUPTED)
