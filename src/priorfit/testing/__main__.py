"""`python -m priorfit.testing`: fit a tiny generator in about a second and print what happened."""

import sys
import time

import torch

from priorfit.degradations import Mask
from priorfit.loop.fit import Fit
from priorfit.metrics import psnr
from priorfit.noise import Noise
from priorfit.problem import Problem
from priorfit.testing.doubles import tiny_generator, tiny_latent_recipe

_STEPS = 100


def main() -> None:
    """Hide half of a picture that a tiny generator drew, and find it again."""
    started = time.perf_counter()
    generator = tiny_generator(seed=0)
    truth = generator.image(generator(generator.sample(Noise([1]))))
    known = torch.ones(1, 1, *generator.size)
    known[..., : generator.size[1] // 2] = 0
    problem = Problem(Mask(known)(truth), Mask(known), image_shape=(3, *generator.size))
    fit = Fit(problem, tiny_latent_recipe(generator, _STEPS, space="w"), seeds=[0])

    _print(f"a StyleGAN of {generator.size[0]}×{generator.size[1]} pixels with random weights")
    _print("the left half of a picture that it drew is hidden; a w is fitted to the right half")
    for number, step in enumerate(fit, 1):
        if number in (1, 10, _STEPS):
            loss = sum(value.item() for value in step.losses.values())
            near = psnr(step.image, truth).item()
            _print(f"step {number:3}: loss {loss:.6f}, {near:.1f} dB from the whole picture")
    _print(f"{time.perf_counter() - started:.1f} s")


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
