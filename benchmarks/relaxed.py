"""How close a generator comes to photographs when its weights may move too (relaxed inversion).

`python -m benchmarks.relaxed scenes-biggan`: a plain loop, for the cards of the zoo. Every
held-out photograph gets a copy of the generator of its own: the best of some latents is taken, then
latent and weights are tuned together by Adam, as [pan2020]_ does. `--rates` are those of the latent
and of the weights; both fall to 0 as a cosine.
"""

import argparse
import copy
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from benchmarks.suites import RESULTS
from priorfit.cli.session import say, set_up
from priorfit.degradations import Identity
from priorfit.images import write_atomically
from priorfit.metrics import psnr
from priorfit.networks.generator import Discriminator, Generator
from priorfit.noise import Noise
from priorfit.priors.latent import LatentPrior
from priorfit.priors.starts import BestOf
from priorfit.problem import Problem
from priorfit.report.embed import levels, png
from priorfit.terms.data import Mse
from priorfit.terms.objective import Estimate, Objective
from priorfit.terms.perceptual import DiscriminatorFeatures
from priorfit.train import card
from priorfit.train.data import load
from priorfit.train.inversion import beside
from priorfit.types import Image

ROOT = Path(__file__).resolve().parents[1]
_FEATURES = 4  # of the discriminator, from the coarsest
_WEIGHT = 0.01  # of them beside the squared error: a tenth of what train.inversion takes
_POOL = 128  # latents that the start is chosen from


@dataclass(frozen=True)
class Row:
    """One photograph.

    Args:
        begun: PSNR in dB of the best latent of the pool.
        ended: PSNR in dB after so many steps.
        seconds: of the processor.
    """

    begun: float
    ended: dict[int, float]
    seconds: float


def relax(
    generator: Generator,
    objective: Objective,
    photograph: Image,
    steps: int,
    rates: tuple[float, float],
) -> tuple[Row, Image]:
    """Tune a latent and a copy of all weights to one photograph, (1, 3, S, S) in [0, 1]."""
    began = time.process_time()
    problem = Problem(photograph, Identity())
    prior = LatentPrior(generator, begin=BestOf(_POOL, objective))
    code = {name: t.requires_grad_() for name, t in prior.start(problem, Noise([0])).items()}
    own = copy.deepcopy(generator).eval().requires_grad_(True)
    parts = [list(code.values()), list(own.parameters())]
    optimizer = torch.optim.Adam([{"params": part} for part in parts])
    losses_of = objective.against(problem)

    def draw() -> Image:
        return own.image(own(code["z"], code.get("c")))

    def reached() -> float:
        with torch.no_grad():
            return float(psnr(draw().clamp(0, 1), photograph))

    begun, ended = reached(), {}
    for step in range(steps):
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * step / steps))
        optimizer.zero_grad()
        image = draw()
        losses = losses_of(Estimate(code, image, image, prior.render), step)
        torch.stack(list(losses.values())).sum().backward()
        optimizer.step()
        if step + 1 in (steps // 4, steps // 2, steps):
            ended[step + 1] = reached()
    with torch.no_grad():
        return Row(begun, ended, time.process_time() - began), draw().clamp(0, 1)


def main() -> None:
    """Invert held-out photographs, and write the figures and a sheet."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.relaxed", description=__doc__)
    parser.add_argument("name", help="generator with a z and a discriminator")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/training/scenes_128.npz")
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--rates", type=float, nargs=2, default=(0.01, 0.0005))
    parser.add_argument("--sheet", type=Path, help="PNG to write")
    chosen = parser.parse_args()
    set_up(1)
    generator = Generator.from_pretrained(chosen.name).requires_grad_(False)
    judge = Discriminator.from_pretrained(f"{chosen.name}/{card.DISCRIMINATOR}")
    told = DiscriminatorFeatures(judge.eval().requires_grad_(False), _FEATURES)
    objective = 1.0 * Mse() + _WEIGHT * told
    kept = load(chosen.data, generator.size[0], test=True).images
    order = torch.randperm(len(kept), generator=torch.Generator().manual_seed(0))
    photographs = kept[order[: chosen.count]].float() / 255
    rows, drawn = [], []
    for number, photograph in enumerate(photographs.split(1)):
        rates = (chosen.rates[0], chosen.rates[1])
        row, image = relax(generator, objective, photograph, chosen.steps, rates)
        say(f"{number + 1}: {row.begun:.2f} dB, {row.ended}, {row.seconds:.1f} s")
        rows.append(row)
        drawn.append(image)
        ends = [row.ended[chosen.steps] for row in rows]
        if number % 8 == 7:
            say(f"mean {sum(ends) / len(ends):.2f} dB, least {min(ends):.2f}")
    found = {"name": chosen.name, "steps": chosen.steps, "rates": list(chosen.rates)}
    found |= {"rows": [asdict(row) for row in rows]}
    text = json.dumps(found, indent=1).encode()
    write_atomically(RESULTS / f"relaxed-{chosen.name}.json", text, overwrite=True)
    if chosen.sheet is not None:
        page = beside(photographs, torch.cat(drawn))
        write_atomically(chosen.sheet, png(levels(page[0])), overwrite=True)


if __name__ == "__main__":
    main()
