"""`python -m benchmarks WHAT`, one of the `choices` below; see README.md beside this file."""

import argparse
import sys
from pathlib import Path

import torch

from benchmarks import (
    batches,
    camera_noise,
    checkpoints,
    curves,
    floors,
    generators,
    noise_levels,
    short_training,
    spectrum,
    speed,
    stopping,
    stopping_rules,
    strangers,
    training,
)
from benchmarks.ablation import CURVES
from benchmarks.suites import RESULTS
from priorfit.cli.session import set_up


def main() -> None:
    """Run one benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "what",
        choices=[
            *("speed", "short-training", "generators", "training", "floors", "curves", "table"),
            *("noise-levels", "stopping", "stopping-rules", "checkpoints", "batches"),
            *("camera-noise", "spectrum", "strangers"),
        ],
        nargs="?",
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--rounds", type=int, default=11, help="of speed at 256×256, batches at 64×64"
    )
    parser.add_argument("--images", type=int, default=5)
    parser.add_argument("--variant", default="", help="such as -unguided")
    parser.add_argument(
        "--only", default="", help="part of the name of a curve's file; number of `strangers`"
    )
    parser.add_argument("--quick", action="store_true", help="of `strangers`: few steps")
    parser.add_argument("--out", type=Path, default=Path("outputs/stopping"), help="of `stopping`")
    chosen = parser.parse_args()
    set_up(chosen.threads)
    if chosen.what == "floors":
        plan = floors.Plan(
            seeds=chosen.seeds,
            images=chosen.images,
            variant=chosen.variant,
            threads=chosen.threads,
        )
        floors.measure(plan)
    elif chosen.what == "curves":
        for curve in CURVES:
            if chosen.only in curve.results.name:
                curves.record(curve)
    elif chosen.what == "generators":
        generators.measure(9, RESULTS / "generators.json")
    elif chosen.what == "training":
        training.measure(7, RESULTS / "training.json")
    elif chosen.what == "short-training":
        short_training.measure(2.0, RESULTS / "short-training.json", chosen.threads)
    elif chosen.what == "noise-levels":
        noise_levels.measure()
    elif chosen.what == "camera-noise":
        camera_noise.run()
    elif chosen.what == "stopping":
        stopping.record(chosen.out, chosen.only)
    elif chosen.what == "stopping-rules":
        stopping_rules.measure(chosen.out)
    elif chosen.what == "checkpoints":
        checkpoints.measure(5, RESULTS / "checkpoints.json")
    elif chosen.what == "batches":
        batches.measure(chosen.rounds, RESULTS / "batches.json")
    elif chosen.what == "spectrum":
        spectrum.measure(RESULTS / "spectrum.json")
    elif chosen.what == "strangers":
        sys.exit(strangers.measure(chosen.only, quick=chosen.quick))
    elif chosen.what == "table":
        print(floors.table())
    else:
        speed.record(lambda side: chosen.rounds if side == 256 else 3, RESULTS / "speed.json")


if __name__ == "__main__":
    main()
