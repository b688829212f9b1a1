"""Restore a picture that a camera of your own has degraded.

    python examples/own_degradation.py

The camera here is a line scanner: it averages pairs of columns, and it is darker towards the right.
priorfit needs one object with a differentiable `A(x)`, from the image sought to what was observed.
"""

import torch
from skimage import data

import priorfit as pf


class LineScanner:
    """(B, C, H, W) -> (B, C, H, W / 2)."""

    def A(self, image: torch.Tensor) -> torch.Tensor:  # noqa: N802
        pairs = (image[..., ::2] + image[..., 1::2]) / 2
        gain = torch.linspace(1.0, 0.6, pairs.shape[-1])
        return pairs * gain


def main(steps: int = 300, side: int = 128) -> pf.Restoration:
    """Enlarge and brighten what the scanner saw.

    Args:
        steps: length of the fit.
        side: of the crop, in pixels.
    """
    photograph = torch.from_numpy(data.camera()[100 : 100 + side, 180 : 180 + side]) / 255
    truth = photograph[None, None].float()  # (1, 1, H, W) in [0, 1]
    scanner = LineScanner()
    seen = scanner.A(truth) + 0.01 * pf.Noise([0]).normal(1, side, side // 2)

    problem = pf.Problem(seen, scanner, image_shape=(1, side, side))
    recipe = pf.recipes.load("dip/upscale-unguided", steps)
    result = pf.restore(problem, recipe, seeds=[0])

    repeated = seen.repeat_interleave(2, -1)
    print(f"columns repeated: {pf.psnr(repeated.clamp(0, 1), truth).item():.2f} dB")
    print(f"restored:         {pf.psnr(result.image, truth).item():.2f} dB")
    return result


if __name__ == "__main__":
    main()
