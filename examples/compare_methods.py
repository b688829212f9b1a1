"""Compare Deep Image Prior with classical methods on one noisy photograph.

    python examples/compare_methods.py

`priorfit compare` does the same for files. Here every method is a function of a problem.
"""

import time

import torch
from skimage import data

import priorfit as pf
from priorfit.classical import guides

NOISE = 25 / 255


def main(steps: int | None = 300, side: int = 128) -> dict[str, float]:
    """Print PSNR and seconds of each method; return the PSNR in dB by name.

    Args:
        steps: length of the fit; None for the recipe's own.
        side: of the crop, in pixels.
    """
    photograph = torch.from_numpy(data.chelsea()[40 : 40 + side, 120 : 120 + side]) / 255
    truth = photograph.movedim(-1, 0)[None].float()  # (1, 3, H, W) in [0, 1]
    noisy = (truth + NOISE * pf.Noise([0]).normal(*truth.shape[1:])).clamp(0, 1)
    problem = pf.Problem(noisy, pf.Identity(), noise_std=NOISE)

    recipe = pf.recipes.load("dip/denoise", steps)
    methods = {
        "as it was": guides.observation,
        "total variation": guides.total_variation,
        "non-local means": guides.non_local_means,
        "block matching": guides.block_matching,
        "dip/denoise": lambda problem: pf.restore(problem, recipe, seeds=[0]).image,
    }
    found = {}
    for name, solve in methods.items():
        started = time.perf_counter()
        found[name] = pf.psnr(solve(problem).clamp(0, 1), truth).item()
        print(f"{name:16} {found[name]:6.2f} dB {time.perf_counter() - started:7.1f} s")
    return found


if __name__ == "__main__":
    main()
