"""Use a generator network of your own as the prior.

    python examples/own_generator.py

Any network that turns noise (B, Z) into images (B, 3, H, W) will do. The one here has random
weights, so it only shows how the parts fit together; load the weights of yours instead.
"""

import torch
from torch import nn

import priorfit as pf
from priorfit.networks.adapted import AdaptedGenerator
from priorfit.priors.latent import LatentPrior
from priorfit.priors.starts import BestOf
from priorfit.terms.data import Mse


def network(seed: int = 0) -> nn.Module:
    """A DCGAN of 16×16 pixels: z (B, 8) -> (B, 3, 16, 16) in [-1, 1]."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Unflatten(1, (8, 1, 1)),
        nn.ConvTranspose2d(8, 16, 4),
        nn.ReLU(),
        nn.ConvTranspose2d(16, 16, 4, 2, 1),
        nn.ReLU(),
        nn.ConvTranspose2d(16, 3, 4, 2, 1),
        nn.Tanh(),
    )


def main(steps: int = 200) -> pf.Restoration:
    """Fill the hole of a picture that the generator can draw.

    Args:
        steps: length of the fit.
    """
    generator = AdaptedGenerator(network(), size=(16, 16), z_dim=8)
    truth = generator.image(generator(generator.sample(pf.Noise([3]))))
    known = torch.ones(1, 1, 16, 16)
    known[..., 5:11, 5:11] = 0

    problem = pf.Problem(pf.Mask(known)(truth), pf.Mask(known))
    prior = LatentPrior(generator, begin=BestOf(20))
    recipe = pf.Recipe(prior, [pf.Stage(steps, {"z": 0.05}, 1.0 * Mse())])
    result = pf.restore(problem, recipe, seeds=[0])

    print(f"with the hole: {pf.psnr(problem.observation, truth).item():.2f} dB")
    print(f"filled:        {pf.psnr(result.image, truth).item():.2f} dB")
    return result


if __name__ == "__main__":
    main()
