"""`make zoo`: train everything that is shipped, and put it into the package."""

import argparse
import sys
from pathlib import Path

from priorfit.cli.session import say, set_up
from priorfit.errors import PriorfitError
from priorfit.signals import interruptions
from priorfit.tasks.device import device_named
from priorfit.train.inversion import USUAL, Effort
from priorfit.train.plan import TrainingWish
from priorfit.train.zoo import train

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Train until everything is in the zoo, or the piece ends; the same command goes on."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.zoo", description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared" / "training" / "scenes_128.npz"
    )
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "zoo")
    parser.add_argument("--out", type=Path, default=ROOT / "src" / "priorfit" / "zoo")
    parser.add_argument("--minutes", type=float, default=20.0, help="for each network")
    parser.add_argument("--piece", type=float, help="minutes after which to stop")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--size", type=int, help="of the pictures, whatever fits")
    parser.add_argument("--rehearse", action="store_true", help="tiny networks")
    parser.add_argument("--compile", action="store_true", help="if that is faster")
    chosen = parser.parse_args()
    set_up(chosen.threads)
    wish = TrainingWish(
        chosen.data,
        chosen.work,
        chosen.out,
        chosen.minutes,
        chosen.piece,
        device_named(chosen.device),
        chosen.size,
        4 if chosen.rehearse else 32,
        f"make zoo MINUTES={chosen.minutes:g}",
        chosen.compile,
        Effort(inverted=4, candidates=4, steps=10) if chosen.rehearse else USUAL,
    )
    try:
        with interruptions() as interrupted:
            over = train(wish, say, interrupted)
    except PriorfitError as error:
        sys.exit(f"make zoo: {error}")
    say(f"{chosen.out}: complete" if over else "to go on: the same command")


if __name__ == "__main__":
    main()
