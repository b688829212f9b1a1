"""Seconds a step beside the textbook's on another device, in turns in one run.

`python -m benchmarks.device [--device auto] [--rounds N] [--sides 256 512]`; what is found is
printed and goes to results/device-NAME.json.
"""

import argparse
import json
import statistics
import sys
from datetime import date
from functools import partial
from typing import Any

import torch

from benchmarks.speed import Stepper, ours, problem_of, ratio, textbook, timed
from benchmarks.suites import RESULTS
from priorfit.cli.session import set_up
from priorfit.tasks.device import device_named

RECIPES = ("dip/denoise-paper", "dip/denoise", "dip/inpaint", "dip/upscale-guided")
_AT_ONCE = 5  # steps
_WARM = 3  # rounds that do not count: libraries choose their algorithms in them


def measure(device: torch.device, side: int, rounds: int) -> dict[str, Any]:
    """Medians of seconds a step, and of ratios to the textbook's in the same round."""
    steppers = {"textbook": textbook(problem_of("denoise", side).to(device))}
    for name in RECIPES:
        steppers[name] = ours(problem_of(name, side).to(device), name)
    times: dict[str, list[float]] = {name: [] for name in steppers}
    for _ in range(_WARM + rounds):
        for name, step in steppers.items():
            times[name].append(timed(partial(_several, step, device)) / _AT_ONCE)
    settled = {name: seconds[_WARM:] for name, seconds in times.items()}
    return {
        name: {
            "seconds a step, median": round(statistics.median(seconds), 5),
            "share of the textbook's, median": round(ratio(seconds, settled["textbook"]), 3),
        }
        for name, seconds in settled.items()
    }


def _several(step: Stepper, device: torch.device) -> None:
    """So many steps, to their end: a device works on while the next one is prepared."""
    for _ in range(_AT_ONCE):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main(arguments: list[str]) -> None:
    """Measure every side, and write what was found as it is found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.device", description=__doc__)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sides", type=int, nargs="+", default=[256, 512])
    asked = parser.parse_args(arguments)
    set_up(torch.get_num_threads())
    device = device_named(asked.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    found: dict[str, Any] = {
        "date": date.today().isoformat(),
        "device": name,
        "torch": torch.__version__,
    }
    for side in asked.sides:
        found[f"{side}×{side}"] = measure(device, side, asked.rounds)
        text = json.dumps(found, indent=1, ensure_ascii=False)
        (RESULTS / f"device-{device.type}.json").write_text(text + "\n")
        print(text, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
