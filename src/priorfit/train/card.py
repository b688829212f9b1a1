"""What a trained generator leaves in its folder: two checkpoints, a sheet, and a card."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from priorfit.images import write_atomically
from priorfit.networks.classifier import Classifier
from priorfit.networks.pretrained import Pretrained
from priorfit.report.embed import levels, png
from priorfit.report.page import printable
from priorfit.store import files
from priorfit.store.files import Stored
from priorfit.train.judge import sheet
from priorfit.train.run import TrainingRun

CARD, SAMPLES, DISCRIMINATOR = "README.md", "samples.png", "discriminator"

_MARKUP = re.compile(r"[\\`*|<>\[\]]")


@dataclasses.dataclass(frozen=True)
class CardFacts:
    """What the card says beside what the training knows.

    Args:
        data: name of the photographs.
        count: how many were learnt from.
        classes: their names.
        command: that the training was begun with.
        features: network that distances are measured by; None if none were.
        notes: what was odd about the data.
        license: of the data, as far as known.
    """

    data: str
    count: int
    classes: Sequence[str]
    command: str
    features: str | None = None
    notes: Sequence[str] = ()
    license: str = "not stated"


def write(run: TrainingRun, about: CardFacts) -> None:
    """Write generator, discriminator, sheet and card into the folder of a training.

    Raises:
        PriorfitError: it cannot be written.
    """
    average = run.average()
    source = {"trained_on": about.data, "images": run.training.seen, "license": about.license}
    _store(run.folder, average, source | {"classes": list(about.classes)})
    _store(run.folder / DISCRIMINATOR, run.training.discriminator, source)
    write_atomically(run.folder / SAMPLES, png(levels(sheet(average)[0])), overwrite=True)
    write_atomically(run.folder / CARD, card(run, about).encode(), overwrite=True)


def facts(run: TrainingRun, about: CardFacts) -> list[tuple[str, str]]:
    """What a reader asks first, in plain words."""
    training = run.training
    height, width = training.generator.size
    parameters = sum(p.numel() for p in training.generator.parameters())
    found = [
        ("kind", f"{training.generator.kind}, {parameters / 1e6:.2f} million parameters"),
        ("images", f"{width}×{height} pixels"),
        ("classes", ", ".join(about.classes) or "none"),
        ("trained on", f"{about.count:,} photographs of {about.data}"),
        ("licence of the data", about.license),
        ("length", f"{training.seen:,} images in {run.seconds / 60:.1f} minutes, {_device(run)}"),
    ]
    if run.judge is not None:
        found.append(("judged by", f"{run.judge.name}, against {run.judge.against}"))
    return [*found, ("command", about.command)]


def card(run: TrainingRun, about: CardFacts) -> str:
    """The card, in Markdown."""
    lines = [f"# {_plain(run.folder.absolute().name)}", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {_cell(name, value)} |" for name, value in facts(run, about)]
    lines += ["", f"![64 drawings that nobody picked, ordered by class]({SAMPLES})", ""]
    lines += _distances(run.curve, about.features)
    lines += ["## Limits", "", f"- It draws nothing but what is like {_plain(about.data)}."]
    lines += [f"- {_plain(note[:1].upper() + note[1:])}." for note in about.notes]
    return "\n".join([*lines, ""])


def _cell(name: str, value: str) -> str:
    as_code = name == "command" and "`" not in value
    return f"`{printable(value).replace('|', chr(92) + '|')}`" if as_code else _plain(value)


def _plain(text: str) -> str:
    """Words in which nothing breaks a line or a table or is taken for Markdown."""
    return _MARKUP.sub(r"\\\g<0>", printable(text))


def of_classifier(
    name: str, network: Classifier, about: CardFacts, *, epochs: float, found: str
) -> str:
    """The card of a classifier, in Markdown.

    Args:
        name: its title.
        network: it.
        about: where it comes from.
        epochs: how often it has seen each photograph.
        found: how many photographs of how many it puts into their classes, in words.
    """
    height, width = network.size
    parameters = sum(p.numel() for p in network.parameters())
    rows = [
        ("kind", f"`{network.kind}`, {parameters / 1e6:.2f} million parameters"),
        ("images", f"any size, brought to {width}×{height} pixels"),
        ("classes", ", ".join(about.classes)),
        ("trained on", f"{about.count:,} photographs of {about.data}, {epochs:.3g} times each"),
        ("licence of the data", about.license),
        ("in their classes", found),
        ("command", f"`{about.command}`"),
    ]
    lines = [f"# {name}", "", "| | |", "|---|---|"]
    lines += [f"| {title} | {value} |" for title, value in rows]
    lines += [
        "",
        "Its features serve for Fréchet distances and perceptual terms where no larger network is "
        "at hand; distances by them compare with nothing but each other.",
        "",
        "## Limits",
        "",
        f"- It knows nothing but what is like {about.data}.",
    ]
    lines += [f"- {note[:1].upper()}{note[1:]}." for note in about.notes]
    return "\n".join([*lines, ""])


def _distances(curve: Sequence[Mapping[str, float]], features: str | None) -> list[str]:
    points = [point for point in curve if "distance" in point]
    if features is None or not points:
        return []
    head = f"Fréchet distance by {_plain(features)}"
    lines = [
        "## Learning curve",
        "",
        f"| images | {head} | precision | recall |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {p['images']:,} | {p['distance']:.4g} | {p['precision']:.3f} | {p['recall']:.3f} |"
        for p in points
    ]
    return [*lines, ""]


def _device(run: TrainingRun) -> str:
    device = run.training.device
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{torch.get_num_threads()} thread(s) of a processor"


def _store(folder: Path, network: Pretrained, source: Mapping[str, Any]) -> None:
    """Write a checkpoint in half precision, which is all that is left of it when it is read."""
    tensors = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in network.state_dict().items()
    }
    stored = Stored(network.kind, dataclasses.asdict(network.config), tensors, dict(source))
    files.write(folder, stored, overwrite=True)
