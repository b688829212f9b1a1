"""Small doubles for tests of code that uses priorfit: a generator, an encoder, a recipe, a picture.

They are real parts of priorfit, only tiny: a fit takes milliseconds, needs no download and gives
the same bytes for the same seed. `python -m priorfit.testing` fits a tiny generator and prints what
happened.
"""

from priorfit.testing.doubles import (
    tiny_encoder,
    tiny_generator,
    tiny_latent_recipe,
    tiny_picture,
    tiny_problem,
    tiny_recipe,
)

__all__ = [
    "tiny_encoder",
    "tiny_generator",
    "tiny_latent_recipe",
    "tiny_picture",
    "tiny_problem",
    "tiny_recipe",
]
