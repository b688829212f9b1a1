"""A generator as a prior: its codes, where a fit begins, and that its weights stay."""

import pytest
import torch
from torch import Tensor

from priorfit.color import BT601
from priorfit.degradations import Grayscale, Identity
from priorfit.errors import ProblemError
from priorfit.loop.fit import Recipe, Stage, restore
from priorfit.networks.biggan import BigGan, BigGanConfig
from priorfit.networks.generator import Generator
from priorfit.networks.initialise import initialised
from priorfit.networks.stylegan import StyleGan, StyleGanConfig
from priorfit.noise import Noise
from priorfit.priors.latent import LatentPrior
from priorfit.problem import Problem
from priorfit.terms.data import Mse

SHAPE = (3, 8, 8)


def biggan(classes: int) -> Generator:
    config = BigGanConfig(
        channels=(8, 4), attention=(0,), z_dim=6, classes=classes, embedding=5 if classes else 0
    )
    return made(lambda: BigGan(config))


def stylegan(classes: int, *, repeat_w: bool) -> Generator:
    config = StyleGanConfig(
        channels=(6, 4),
        z_dim=5,
        w_dim=4,
        mapping_width=4,
        mapping_depth=2,
        repeat_w=repeat_w,
        classes=classes,
    )
    return made(lambda: StyleGan(config))


def made(build) -> Generator:
    network = initialised(build, torch.Generator().manual_seed(0))
    return network.double().eval().requires_grad_(False)


GENERATORS = {
    "biggan": biggan(3),
    "biggan without classes": biggan(0),
    "stylegan": stylegan(2, repeat_w=True),
    "stylegan of own w": stylegan(0, repeat_w=False),
}
PRIORS = [
    pytest.param(LatentPrior(generator, space, candidates=3), id=f"{name} {space}")
    for name, generator in GENERATORS.items()
    for space in generator.spaces
]


def seen(batch: int, seed: int = 0) -> Tensor:
    noise = torch.Generator().manual_seed(seed)
    return torch.rand(batch, *SHAPE, generator=noise, dtype=torch.float64)


@pytest.mark.parametrize("prior", PRIORS)
class TestEverySpace:
    def test_one_code_and_one_image_for_each_observation(self, prior):
        code = prior.start(Problem(seen(2), Identity()), Noise([0, 1]))
        assert prior.render(code).shape == (2, *SHAPE)
        assert all(len(tensor) == 2 for tensor in code.values())

    def test_the_same_seed_draws_the_same_image(self, prior):
        problem = Problem(seen(1), Identity())
        one, again, other = (prior.render(prior.start(problem, Noise([s]))) for s in (3, 3, 4))
        assert torch.equal(one, again)
        assert not torch.equal(one, other)

    def test_an_image_alone_is_drawn_as_in_a_batch(self, prior):
        together = prior.render(prior.start(Problem(seen(3), Identity()), Noise([5, 6, 7])))
        alone = prior.render(prior.start(Problem(seen(3)[1:2], Identity()), Noise([6])))
        torch.testing.assert_close(together[1:2], alone, rtol=0, atol=1e-12)

    def test_a_gradient_reaches_every_part(self, prior):
        code = prior.start(Problem(seen(1), Identity()), Noise([0]))
        for tensor in code.values():
            tensor.requires_grad_()
        prior.render(code).square().sum().backward()
        assert all(tensor.grad.abs().sum() > 0 for tensor in code.values())

    def test_a_fit_comes_closer_and_leaves_the_generator_as_it_was(self, prior):
        before = {name: t.clone() for name, t in prior.generator.state_dict().items()}
        problem = Problem(seen(2), Identity())
        start = prior.render(prior.start(problem, Noise([0, 1])))
        rates = dict.fromkeys(prior.start(problem, Noise([0, 1])), 0.05)
        found = restore(problem, Recipe(prior, [Stage(20, rates, 1.0 * Mse())]), [0, 1])
        errors = [(image - seen(2)).square().flatten(1).mean(1) for image in (start, found.image)]
        assert (errors[1] < errors[0]).all()
        assert all(torch.equal(t, before[n]) for n, t in prior.generator.state_dict().items())


def test_the_parts_are_those_of_the_space():
    problem = Problem(seen(1), Identity())

    def shapes(name: str, space: str) -> dict:
        code = LatentPrior(GENERATORS[name], space).start(problem, Noise([0]))
        return {part: tuple(tensor.shape[1:]) for part, tensor in code.items()}

    assert shapes("biggan", "z") == {"z": (6,), "c": (5,)}
    assert shapes("biggan without classes", "z") == {"z": (6,)}
    assert shapes("stylegan", "w") == {"w": (1, 4)}
    assert shapes("stylegan", "w+") == {"w": (4, 4)}


def test_a_fit_begins_with_the_best_of_the_candidates():
    """Of what is observed, and for each image by itself."""
    generator, degradation = GENERATORS["biggan"], Grayscale(BT601)
    y = degradation(seen(3))
    problem = Problem(y, degradation, image_shape=SHAPE)
    prior = LatentPrior(generator, "z", candidates=7)
    found = prior.render(prior.start(problem, Noise([0, 1, 2])))
    noise = Noise([0, 1, 2])
    z, labels = noise.normal(7, 6, dtype=torch.float64), (noise.uniform(7) * 3).long()
    drawn = [generator.image(generator(z[i], generator.embed(labels[i]))) for i in range(3)]
    for image, candidates, wanted in zip(found, drawn, y, strict=True):
        errors = (degradation(candidates) - wanted).square().mean((1, 2, 3))
        torch.testing.assert_close(image, candidates[errors.argmin()])


def test_candidates_are_of_several_classes():
    prior = LatentPrior(GENERATORS["biggan"], "z")
    code = prior.start(Problem(seen(1).expand(20, -1, -1, -1), Identity()), Noise(range(20)))
    assert len(torch.unique(code["c"], dim=0)) == 3


def test_what_a_generator_has_not_is_refused():
    generator = GENERATORS["biggan"]
    with pytest.raises(ProblemError, match=r"has latents in z, got 'w\+'"):
        LatentPrior(generator, "w+")
    with pytest.raises(ProblemError, match="at least one latent"):
        LatentPrior(generator, "z", candidates=0)
    small = Problem(torch.zeros(1, 3, 4, 4, dtype=torch.float64), Identity())
    with pytest.raises(ProblemError, match=r"draws images of shape \(3, 8, 8\)"):
        LatentPrior(generator, "z").start(small, Noise([0]))
