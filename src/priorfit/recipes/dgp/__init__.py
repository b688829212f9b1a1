"""Deep Generative Prior [pan2020]_: latent and weights of a trained GAN follow one picture.

Not in the table of families yet: the search of its pool of 500 latents overruns a time limit.
`recipes.register(dgp.FAMILY)` has it in a process of one's own.
"""

from priorfit.recipes.dgp.published import METHODS
from priorfit.recipes.dgp.setting import Setting
from priorfit.recipes.family import Family

FAMILY = Family(
    "dgp",
    "Deep Generative Prior: latent and weights of a trained GAN are tuned to the one picture",
    methods=METHODS,
)

__all__ = ["FAMILY", "Setting"]
