"""Put what a training left into the zoo: in half precision, settled, small enough to be shipped."""

import dataclasses
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from priorfit.errors import ProblemError
from priorfit.images import write_atomically
from priorfit.networks.generator import Generator as Drawing
from priorfit.networks.pretrained import Pretrained, build_stored
from priorfit.store import files
from priorfit.store.description import CONFIG, MODEL
from priorfit.store.files import Stored
from priorfit.train.average import settle_statistics
from priorfit.train.card import CARD, DISCRIMINATOR

MOST = 12_000_000
"""Bytes of one model."""

MOST_TOGETHER = 24_000_000
"""Bytes of a whole zoo."""

LICENSE = "photographs of no stated licence: for research"

STAND_IN = (
    "This is a stand-in: a small network that was trained on a processor. `make zoo` on a GPU "
    "trains the one that is meant and replaces these files."
)

_PICTURE = re.compile(r"\]\(([\w-]+\.(?:png|jpg))\)")
_SEED = 1  # of the drawings that statistics are taken over


def pack(
    folder: Path,
    out: Path,
    *,
    stand_in: bool = False,
    sections: Sequence[str] = (),
    license: str = LICENSE,
) -> None:
    """Write the networks of a training and its card into a folder of a zoo, replacing another.

    Numbers become halves; statistics are taken anew over drawings of what the halves draw.

    Args:
        folder: of a training that is over: a checkpoint, its card, perhaps a discriminator.
        out: folder of the zoo, zoo/NAME.
        stand_in: whether the card says that a better network is to come.
        sections: of Markdown, put at the end of the card.
        license: of the photographs, as far as known.

    Raises:
        ProblemError: the training is not over, or its networks or pictures are too large.
        PriorfitError: something of it cannot be read, or the place not be written.
    """
    if not (folder / CONFIG).is_file():
        raise ProblemError(f"{folder}: holds no trained network: let its training come to an end")
    if out.is_dir() and any(out.iterdir()) and not (out / CONFIG).is_file():
        raise ProblemError(f"{out}: holds something else than a checkpoint, which is not replaced")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".packing-") as place:
        made = Path(place) / out.name
        _halve(folder, made, license, stand_in=stand_in)
        if (folder / DISCRIMINATOR / CONFIG).is_file():
            _halve(folder / DISCRIMINATOR, made / DISCRIMINATOR, license, stand_in=stand_in)
        _write_card(folder, made, stand_in=stand_in, sections=sections)
        _check_sizes(made, out)
        shutil.rmtree(out, ignore_errors=True)
        made.rename(out)


def halves(network: Pretrained) -> dict[str, Tensor]:
    """State of a network in half precision; what would overflow stays as it is."""
    return {name: _half(tensor) for name, tensor in network.state_dict().items()}


def weigh(folder: Path) -> int:
    """Bytes of all files in a folder, at any depth."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _halve(folder: Path, out: Path, license: str, *, stand_in: bool) -> None:
    network = Pretrained.from_pretrained(folder)
    source = {**network.source, "license": license}
    config = dataclasses.asdict(network.config)
    if isinstance(network, Drawing):
        source.setdefault("about", _about(network, stand_in=stand_in))
        # Once to let the vectors of spectral norms come to rest, once with what halves make of it.
        rested = _settle(network, moving=True)
        network = build_stored(Stored(network.kind, config, halves(rested)))
        assert isinstance(network, Drawing)
        network = _settle(network, moving=False)
    files.write(out, Stored(network.kind, config, halves(network), source))


def _about(generator: Drawing, *, stand_in: bool) -> str:
    """What a list of checkpoints says of a generator."""
    of = ", ".join(generator.source.get("classes", ())) or generator.source.get("trained_on", "")
    height, width = generator.size
    return f"{of}, {width}×{height} pixels" + ("; a stand-in" if stand_in else "")


def _settle(generator: Drawing, *, moving: bool) -> Drawing:
    labels = torch.arange(64) % generator.classes if generator.classes else None
    noise = torch.Generator().manual_seed(_SEED)
    return settle_statistics(generator, noise, labels=labels, moving=moving)


def _half(tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    return half if half.isfinite().all() else tensor


def _write_card(folder: Path, out: Path, *, stand_in: bool, sections: Sequence[str]) -> None:
    """The card of a training with what is added to it, and the pictures that it shows."""
    card = folder / CARD
    text = card.read_text("utf-8") if card.is_file() else f"# {out.name}\n"
    text = text.replace(str(folder.absolute()), out.name)  # where it lay is nobody's business
    if stand_in:
        title, _, rest = text.partition("\n")
        text = f"{title}\n\n{STAND_IN}\n{rest}"
    text = "\n".join([text.rstrip("\n"), *(f"\n{section.strip()}" for section in sections), ""])
    write_atomically(out / CARD, text.encode(), overwrite=True)
    for name in sorted(set(_PICTURE.findall(text))):
        if not (folder / name).is_file():
            raise ProblemError(f"{folder}: its card shows {name}, which is not there")
        shutil.copyfile(folder / name, out / name)


def _check_sizes(made: Path, out: Path) -> None:
    for model in made.rglob(MODEL):
        if model.stat().st_size > MOST:
            what = model.relative_to(made.parent)
            raise ProblemError(
                f"{what}: has {model.stat().st_size / 1e6:.1f} MB, at most {MOST / 1e6:.0f} are "
                "shipped: train a narrower network"
            )
    others = [path for path in out.parent.iterdir() if path.name != out.name and path.is_dir()]
    total = sum(weigh(path) for path in others if not path.name.startswith("."))
    total += weigh(made)
    if total > MOST_TOGETHER:
        raise ProblemError(
            f"{out.parent}: would have {total / 1e6:.1f} MB, at most {MOST_TOGETHER / 1e6:.0f} are "
            "shipped: train narrower networks"
        )
