"""What there is to say of a trained generator: whatever it is, its card says it."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from priorfit.images import write_atomically
from priorfit.networks.classifier import Classifier
from priorfit.networks.generator import Discriminator
from priorfit.networks.generator import Generator as Drawing
from priorfit.report.embed import levels, png
from priorfit.train import frechet
from priorfit.train.data import Photographs
from priorfit.train.inversion import USUAL, Effort, Inversion, Spread, beside, inversion
from priorfit.train.judge import drawings
from priorfit.types import Image

FINDINGS = "findings.json"

_RARE = 0.01  # part of the photographs not learnt from that lie nearer to one learnt from
_SUSPICIOUS = 16
_CROWD = 10  # held-out photographs round one learnt from that say how near is near there


@dataclass(frozen=True)
class Likeness:
    """How like photographs the drawings are, beside how like photographs photographs are.

    All photographs are held-out ones. Distances fall with the number of images, so that only those
    of equal numbers compare.

    Args:
        count: photographs, and drawings.
        distance: Fréchet distance of all photographs from as many drawings, over seeds.
        half: photographs in a random half.
        half_distance: distance of a half from as many drawings.
        real_distance: distance of a half from the other half.
        precision: part of the drawings that lie among a half.
        recall: part of a half that lies among as many drawings.
        real_precision: part of a half that lies among the other half.
        real_recall: part of the other half that lies among it.
    """

    count: int
    distance: Spread
    half: int
    half_distance: Spread
    real_distance: Spread
    precision: Spread
    recall: Spread
    real_precision: Spread
    real_recall: Spread


@dataclass(frozen=True)
class Memory:
    """Whether the generator memorised photographs.

    Args:
        learnt: photographs that the generator has learnt from.
        threshold: distance of features that 1 % of the held-out photographs fall short of to the
            nearest photograph learnt from.
        share: part of the drawings that fall short of it, over seeds.
        closest: the least distance of a drawing.
        closest_real: the least distance of a held-out photograph.
    """

    learnt: int
    threshold: float
    share: Spread
    closest: float
    closest_real: float


@dataclass(frozen=True)
class Recognised:
    """Whether a classifier finds drawings in the classes that they were drawn for.

    Args:
        drawings: part of them, over seeds.
        photographs: part of the held-out photographs.
        by_class: part of the drawings of each class, all seeds together.
        photographs_by_class: likewise of the photographs.
    """

    drawings: Spread
    photographs: float
    by_class: Mapping[str, float]
    photographs_by_class: Mapping[str, float]


@dataclass(frozen=True)
class Findings:
    """What was found of a generator.

    Args:
        likeness: of drawings to photographs.
        memory: of photographs.
        classes: None where generator and classifier do not know the same ones.
        inversion: of held-out photographs.
        pictures: what the findings show, by name: `memory`, the most suspicious drawings, each
            beside the photograph learnt from that it is nearest to; `inversion`, photographs, each
            beside what was found.
    """

    likeness: Likeness
    memory: Memory
    classes: Recognised | None
    inversion: Inversion
    pictures: Mapping[str, Image] = field(default_factory=dict, compare=False, repr=False)

    def to_json(self) -> str:
        """The numbers."""
        numbers = dataclasses.asdict(dataclasses.replace(self, pictures={}))
        del numbers["pictures"]
        return json.dumps(numbers, indent=2, ensure_ascii=False)

    def save(self, folder: Path) -> None:
        """Write the numbers, and each picture as NAME.png.

        Raises:
            ImageFileError: they cannot be written.
        """
        write_atomically(folder / FINDINGS, self.to_json().encode(), overwrite=True)
        for name, image in self.pictures.items():
            picture = png(levels(image[0]))
            write_atomically(folder / f"{name}.png", picture, overwrite=True)


class _Drawn(NamedTuple):
    """Drawings of one seed."""

    images: Tensor  # bytes, on the CPU
    features: Tensor  # likewise
    guesses: Tensor  # numbers of classes


def examine(
    generator: Drawing,
    discriminator: Discriminator,
    classifier: Classifier,
    learnt: Photographs,
    held_out: Photographs,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    effort: Effort = USUAL,
) -> Findings:
    """Find out how good a generator is.

    Args:
        generator: for evaluation, or the average of one in training.
        discriminator: trained with it.
        classifier: whose features are compared, and whose verdicts where it knows the classes.
        learnt: photographs that the generator has learnt from, of its size.
        held_out: photographs that it has not seen.
        seeds: of drawings, halves and inversions.
        effort: how much is computed.

    Raises:
        ProblemError: fewer than eight held-out photographs, or of another size.
    """
    kept = held_out.images[: effort.most]
    photographs = _classify(classifier, kept, generator)
    drawn = [_draw(generator, classifier, len(kept), seed) for seed in seeds]
    remembered = _classify(classifier, learnt.images, generator).features
    memory, near = _memory(learnt.images, remembered, photographs.features, drawn)
    found, shown = inversion(
        generator, discriminator, learnt.images, held_out.images, seeds=seeds, effort=effort
    )
    return Findings(
        _likeness(photographs.features, drawn, seeds),
        memory,
        _measure_recognition(generator, classifier, held_out, photographs.guesses, drawn),
        found,
        {"memory": near, "inversion": shown},
    )


@torch.no_grad()
def _classify(classifier: Classifier, images: Tensor, generator: Drawing) -> _Drawn:
    """What a classifier makes of bytes."""
    device = next(generator.parameters()).device
    features, guesses = [], []
    for some in images.split(256):
        embedded = classifier.embed(some.to(device).float() / 255)
        features.append(embedded.float().cpu())
        guesses.append(classifier.head(embedded).argmax(1).cpu())
    return _Drawn(images, torch.cat(features), torch.cat(guesses))


def _draw(generator: Drawing, classifier: Classifier, count: int, seed: int) -> _Drawn:
    batches = [(x * 255).round().byte().cpu() for x in drawings(generator, count, seed)]
    return _classify(classifier, torch.cat(batches), generator)


def _likeness(photographs: Tensor, drawn: Sequence[_Drawn], seeds: Sequence[int]) -> Likeness:
    whole, half = frechet.gaussian(photographs), len(photographs) // 2
    found: dict[str, list[float]] = {f.name: [] for f in dataclasses.fields(Likeness)}
    for seed, drawings_ in zip(seeds, drawn, strict=True):
        order = torch.randperm(len(photographs), generator=Generator().manual_seed(seed))
        one, other = photographs[order[:half]], photographs[order[half : 2 * half]]
        fewer = drawings_.features[:half]
        first = frechet.gaussian(one)
        between = frechet.overlap(one, fewer)
        real = frechet.overlap(one, other)
        found["distance"].append(frechet.frechet(whole, frechet.gaussian(drawings_.features)))
        found["half_distance"].append(frechet.frechet(first, frechet.gaussian(fewer)))
        found["real_distance"].append(frechet.frechet(first, frechet.gaussian(other)))
        found["precision"].append(between.precision)
        found["recall"].append(between.recall)
        found["real_precision"].append(real.precision)
        found["real_recall"].append(real.recall)
    spreads = {name: Spread.of(numbers) for name, numbers in found.items() if numbers}
    return Likeness(count=len(photographs), half=half, **spreads)


def _memory(
    learnt: Tensor, remembered: Tensor, photographs: Tensor, drawn: Sequence[_Drawn]
) -> tuple[Memory, Image]:
    """How near drawings come to what was learnt from; the most suspicious beside it.

    Suspicious is a drawing nearer to a photograph than held-out ones come to that photograph:
    forests are all near each other, and would fill the sheet otherwise.
    """
    usual = frechet.nearest(photographs, remembered)[0]
    threshold = float(usual.double().quantile(_RARE))
    apart = [frechet.nearest(one.features, remembered) for one in drawn]
    shares = [float((distances < threshold).double().mean()) for distances, _ in apart]
    distances, numbers = (torch.cat(one) for one in zip(*apart, strict=True))
    crowd = min(_CROWD, len(photographs))
    near = torch.cdist(remembered[numbers], photographs).kthvalue(crowd, dim=1).values
    worst = (distances / near.clamp(min=1e-12)).argsort()[:_SUSPICIOUS]
    images = torch.cat([one.images for one in drawn])[worst]
    sheet = beside(images.float() / 255, learnt[numbers[worst]].cpu().float() / 255)
    closest, closest_real = float(distances.min()), float(usual.min())
    return Memory(len(learnt), threshold, Spread.of(shares), closest, closest_real), sheet


def _measure_recognition(
    generator: Drawing,
    classifier: Classifier,
    held_out: Photographs,
    guesses: Tensor,
    drawn: Sequence[_Drawn],
) -> Recognised | None:
    names = held_out.classes
    if not generator.classes or not generator.classes == classifier.classes == len(names):
        return None
    labels = held_out.labels[: len(guesses)].cpu()
    asked = torch.arange(len(guesses)) % generator.classes  # as `drawings` takes them
    right = torch.stack([one.guesses == asked for one in drawn]).double()
    real = (guesses == labels).double()
    return Recognised(
        Spread.of(right.mean(1)),
        float(real.mean()),
        {name: float(right[:, asked == i].mean()) for i, name in enumerate(names)},
        {name: float(real[labels == i].mean()) for i, name in enumerate(names)},
    )


def to_markdown(findings: Findings, features: str) -> str:
    """The findings as sections of a card, whose folder `Findings.save` has written to.

    Args:
        findings: of a generator.
        features: name of the network that was used.
    """
    lines = [*_likeness_lines(findings.likeness, features), *_memory_lines(findings.memory)]
    if findings.classes is not None:
        lines += _class_lines(findings.classes, features)
    return "\n".join([*lines, *_inversion_lines(findings.inversion)])


def _likeness_lines(found: Likeness, features: str) -> list[str]:
    return [
        "## Likeness to photographs",
        "",
        f"By the features of {features}, mean ± standard deviation over the seeds. All photographs "
        "are held-out ones; only distances of equal numbers of images compare.",
        "",
        "| | images | Fréchet distance | precision | recall |",
        "|---|---|---|---|---|",
        f"| photographs and drawings | {found.count:,} each | {_describe(found.distance)} | | |",
        f"| half of the photographs and drawings | {found.half:,} each "
        f"| {_describe(found.half_distance)} | {_describe(found.precision)} "
        f"| {_describe(found.recall)} |",
        f"| half of the photographs and the other half | {found.half:,} each "
        f"| {_describe(found.real_distance)} | {_describe(found.real_precision)} "
        f"| {_describe(found.real_recall)} |",
        "",
    ]


def _memory_lines(found: Memory) -> list[str]:
    return [
        "## Photographs learnt by heart",
        "",
        f"Of the held-out photographs 1 % lie nearer than {found.threshold:.3g} to one of the "
        f"{found.learnt:,} learnt from; of the drawings {_percent(found.share)}. The nearest "
        f"drawing lies at {found.closest:.3g}, the nearest held-out photograph at "
        f"{found.closest_real:.3g}. The {_SUSPICIOUS} most suspicious drawings, which come nearest "
        "to a photograph for how near held-out ones come to it, each with it to the right:",
        "",
        "![drawings beside the photographs that they are nearest to](memory.png)",
        "",
    ]


def _class_lines(found: Recognised, features: str) -> list[str]:
    return [
        "## Classes",
        "",
        f"Part that {features} puts into the class it was drawn for, or photographed in.",
        "",
        "| | drawings | held-out photographs |",
        "|---|---|---|",
        f"| all | {_percent(found.drawings)} | {found.photographs:.1%} |",
        *(
            f"| {name} | {part:.1%} | {found.photographs_by_class[name]:.1%} |"
            for name, part in found.by_class.items()
        ),
        "",
    ]


def _inversion_lines(found: Inversion) -> list[str]:
    return [
        "## Inversion",
        "",
        f"How close {found.photographs} held-out photographs, not picked, can be drawn: the best "
        f"of {found.candidates} random latents, then {found.steps} steps of Adam, {found.seeds} "
        "seeds. PSNR in dB, mean ± standard deviation over the photographs.",
        "",
        "| | numbers kept of each | PSNR | between seeds |",
        "|---|---|---|---|",
        *(
            f"| {way.name} | {way.values:,} | {way.psnr.mean:.2f} ± {way.psnr.std:.2f} "
            f"| {'' if way.between_seeds is None else f'{way.between_seeds:.2f}'} |"
            for way in found.ways
        ),
        "",
        f"Its own drawings, inverted likewise: {found.own.mean:.2f} ± {found.own.std:.2f} dB. "
        "Photographs, each with what was found to its right:",
        "",
        "![photographs beside their inversions](inversion.png)",
        "",
    ]


def _describe(spread: Spread) -> str:
    return f"{spread.mean:.3g} ± {spread.std:.1g}"


def _percent(spread: Spread) -> str:
    return f"{spread.mean:.1%} ± {100 * spread.std:.1f}"
