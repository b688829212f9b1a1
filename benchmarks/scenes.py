"""Train a generator of the zoo at 64×64, from what is shipped on, in pieces; and pack it.

`python -m benchmarks.scenes scenes-biggan` begins or goes on, until it is stopped; the state lies
in `build/zoo64`. Where that is lost, it begins anew from the shipped networks, whatever their size.
"""

import argparse
import dataclasses
import json
import sys
from functools import partial
from pathlib import Path

import torch

from priorfit.checkpoints.importing import import_file
from priorfit.cli.session import say, set_up
from priorfit.errors import CheckpointError, PriorfitError
from priorfit.images import write_atomically
from priorfit.networks.classifier import Classifier
from priorfit.networks.features import FeatureNetwork
from priorfit.networks.generator import Discriminator
from priorfit.networks.generator import Generator as Drawing
from priorfit.signals import interruptions
from priorfit.store import folders
from priorfit.train import card, packing, starting
from priorfit.train.classifier import accuracy
from priorfit.train.data import Photographs, load
from priorfit.train.examine import examine, to_markdown
from priorfit.train.families import Pair, biggan, seeing, stylegan
from priorfit.train.game import cool_down
from priorfit.train.growing import Growing, doublings
from priorfit.train.inversion import Effort
from priorfit.train.judge import Judge, drawings
from priorfit.train.onlooker import beside
from priorfit.train.run import STATE, Length, TrainingProgress, TrainingRun

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"

SIZE, WIDTH = 64, 16
START = "start.json"
FEATURES, SIGHT = "scenes-features", "squeezenet1_1"
FAMILIES = {"scenes-biggan": biggan, "scenes-stylegan": partial(stylegan, grows=True)}

_STAYS, _FADES = 10_000, 100_000  # images at the size it starts from, and while the next fades in
_SAID = 5_000  # images from one line to the next
_EFFORT = Effort(inverted=16, candidates=32, steps=200)


def main() -> None:
    """Train, or pack what has been trained."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenes", description=__doc__)
    parser.add_argument("name", choices=FAMILIES)
    parser.add_argument("--data", type=Path, default=SHARED / "training" / "scenes_128.npz")
    parser.add_argument("--sight", type=Path, default=SHARED / "weights" / "squeezenet1_1_fp16.pth")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "zoo64")
    parser.add_argument("--out", type=Path, default=ROOT / "src" / "priorfit" / "zoo")
    parser.add_argument("--images", type=int, default=1_200_000, help="length of the training")
    parser.add_argument(
        "--cool", type=int, default=0, help="images at the end in which the rates fall to 0"
    )
    parser.add_argument("--piece", type=float, help="minutes after which to stop")
    parser.add_argument("--pack", action="store_true", help="examine and pack, train nothing")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    set_up(chosen.threads)
    try:
        (_pack if chosen.pack else _train)(chosen)
    except PriorfitError as error:
        sys.exit(f"scenes: {error}")


def _train(chosen: argparse.Namespace) -> None:
    run, _, _ = _run(chosen)
    told = [run.training.seen]

    def watch(progress: TrainingProgress) -> None:
        if progress.seen - told[0] >= _SAID:
            told[0] = progress.seen
            note = {name: round(value, 3) for name, value in progress.note.items()}
            say(f"{progress.seen:,} images, {progress.rate:.1f} a second, {note}")

    with interruptions() as interrupted:
        over = run.go_on(watch, interrupted)
    say(f"{run.training.seen:,} images" + ("" if over else "; to go on: the same command"))


def _pack(chosen: argparse.Namespace) -> None:
    """Write the card of what there is, examine its halves, and put them into the zoo."""
    run, learnt, kept = _run(chosen)
    about = card.CardFacts(
        chosen.data.name,
        len(learnt),
        learnt.classes,
        f"python -m benchmarks.scenes {chosen.name}",
        FEATURES,
        learnt.notes,
        license=packing.LICENSE,
    )
    card.write(run, about)
    out = chosen.out / chosen.name
    packing.pack(run.folder, out, stand_in=True)
    classifier = Classifier.from_pretrained(FEATURES)
    judge = Discriminator.from_pretrained(out / card.DISCRIMINATOR)
    drawer = Drawing.from_pretrained(out)
    found = examine(drawer, judge, classifier, learnt, kept, effort=_EFFORT)
    found.save(run.folder)
    sections = [_history(run), to_markdown(found, FEATURES)]
    packing.pack(run.folder, out, stand_in=True, sections=sections)
    say(f"{out}: {packing.weigh(out) / 1e6:.1f} MB, {right(drawer, classifier):.1%} in their class")


def _history(run: TrainingRun) -> str:
    """What the card says of the training beside its length."""
    begun = json.loads((run.folder / START).read_text("utf-8"))
    size, before = begun["size"], begun["images"]
    return (
        f"## Training\n\nFrom weights for {size}×{size} pixels that had seen {before:,} images; "
        "the length above is that of what came after. Beside the discriminator, three heads on a "
        f"frozen {SIGHT} told drawings from photographs; it does not judge. The command goes on "
        "from these files, or where it stopped. In bfloat16, seed 0, on a machine that did other "
        "work meanwhile."
    )


def right(drawer: Drawing, classifier: Classifier, count: int = 1_918) -> float:
    """Part of the drawings that a classifier puts into the class that they were drawn for."""
    images = torch.cat([(image * 255).byte() for image in drawings(drawer, count)])
    return accuracy(classifier, images, torch.arange(count) % drawer.classes)


def _run(chosen: argparse.Namespace) -> tuple[TrainingRun, Photographs, Photographs]:
    """The training where it stands, what is learnt from and what is kept."""
    learnt, kept = load(chosen.data, SIZE), load(chosen.data, SIZE, test=True)
    folder = chosen.work / chosen.name
    shipped = chosen.out / chosen.name
    drawer = Drawing.from_pretrained(shipped)
    pair = _pair(chosen.name, drawer.size[0], len(learnt.classes), chosen.sight)
    if chosen.cool:
        rates = cool_down(chosen.images, chosen.cool / chosen.images)
        pair = dataclasses.replace(pair, game=dataclasses.replace(pair.game, rates=rates))
    judge = Judge(
        Classifier.from_pretrained(FEATURES).embed,
        kept.images,
        name=FEATURES,
        against=f"{len(kept):,} photographs that it has not seen",
    )
    run = TrainingRun(folder, pair, learnt, Length(chosen.images, piece=chosen.piece), judge=judge)
    if (folder / STATE).is_file():
        run.resume()
    else:
        starting.start(
            run.training, drawer, Discriminator.from_pretrained(shipped / card.DISCRIMINATOR)
        )
        folder.mkdir(parents=True, exist_ok=True)
        begun = {"size": drawer.size[0], "images": drawer.source["images"]}
        write_atomically(folder / START, json.dumps(begun).encode(), overwrite=True)
    return run, learnt, kept


def _pair(name: str, begun: int, classes: int, weights: Path) -> Pair:
    """The networks and their game.

    Args:
        name: of the generator.
        begun: side of the images of what it starts from.
        classes: how many.
        weights: file of the network that helps to tell drawings from photographs.
    """
    pair = FAMILIES[name](SIZE, classes, WIDTH)
    short = torch.cpu.get_capabilities().get("avx512_bf16", False)
    growing = None
    if name == "scenes-stylegan":  # a training that is gone on with keeps its own
        growing = Growing(doublings(SIZE) - doublings(begun), _STAYS, _FADES)
    game = dataclasses.replace(
        pair.game,
        precision=torch.bfloat16 if short else torch.float32,
        growing=growing,
    )
    sight = beside(_seeing(weights), SIZE, classes)
    return dataclasses.replace(pair, game=seeing(game, sight))


def _seeing(weights: Path) -> FeatureNetwork:
    """SqueezeNet, made a checkpoint of the user's own where it is not one yet."""
    try:
        folders.find(SIGHT)
    except CheckpointError:
        import_file(weights, SIGHT)
    return FeatureNetwork.from_pretrained(SIGHT)


if __name__ == "__main__":
    main()
