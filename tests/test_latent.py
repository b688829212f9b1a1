"""A generator as a prior: its codes, where a fit begins, and that its weights stay."""

import pytest
import torch
from torch import Tensor

from priorfit.color import BT601
from priorfit.degradations import Area, Downsample, Grayscale, Identity
from priorfit.errors import ProblemError
from priorfit.loop.fit import Recipe, Stage, restore
from priorfit.networks.biggan import BigGan, BigGanConfig
from priorfit.networks.generator import Generator
from priorfit.networks.initialise import initialised
from priorfit.networks.stylegan import StyleGan, StyleGanConfig
from priorfit.noise import Noise
from priorfit.priors.framing import Tiled, padded
from priorfit.priors.latent import LatentPrior
from priorfit.priors.starts import BestOf, Drawn, Encoded, Given
from priorfit.problem import Problem
from priorfit.terms.data import Mse
from tests.pictures import uniform

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
    pytest.param(LatentPrior(generator, space, begin=BestOf(3)), id=f"{name} {space}")
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
    prior = LatentPrior(generator, "z", begin=BestOf(7))
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
        BestOf(0)
    with pytest.raises(ProblemError, match="a class from 0 to 2, got '3'"):
        started(LatentPrior(generator), label=3)
    with pytest.raises(ProblemError, match="knows no classes, got the class '0'"):
        started(LatentPrior(GENERATORS["biggan without classes"]), label=0)
    with pytest.raises(ProblemError, match="a code draws one frame, and this framing has 4"):
        wide = Problem(torch.zeros(1, 3, 14, 14).double(), Identity())
        LatentPrior(generator, framing=Tiled()).start(wide, Noise([0]))
    low = Problem(torch.zeros(1, 4, 4, 4).double(), Downsample(2, Area()))
    with pytest.raises(ProblemError, match=r"cannot draw of \(4, 8, 8\) is not observed"):
        LatentPrior(generator).start(low, Noise([0]))


def started(prior: LatentPrior, batch: int = 1, label: int | None = None):
    return prior.start(Problem(seen(batch), Identity(), label=label), Noise(range(batch)))


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 16), (1, 5, 23), (2, 7, 7), (4, 9, 30)])
class TestOtherShapes:
    """Pictures of any size and number of channels meet a generator of one."""

    def test_an_image_of_the_shape_sought_and_a_gradient_for_every_part(self, name, shape):
        prior = LatentPrior(GENERATORS[name], GENERATORS[name].spaces[-1])
        y = uniform(2, *shape)
        code = prior.start(Problem(y, Identity()), Noise([0, 1]))
        image = prior.render(code)
        assert image.shape == y.shape
        alone = prior.render({n: t[1:] for n, t in code.items()})
        torch.testing.assert_close(image[1:], alone, rtol=0, atol=1e-12)
        tuned = [code[n].requires_grad_() for n in ("z", "c", "w") if n in code]
        prior.render(code).square().sum().backward()
        assert all(tensor.grad.abs().sum() > 0 for tensor in tuned)

    def test_a_fit_comes_closer_and_channels_that_are_not_drawn_stay(self, name, shape):
        prior = LatentPrior(GENERATORS[name], GENERATORS[name].spaces[-1], begin=BestOf(3))
        y = uniform(1, *shape)
        problem = Problem(y, Identity())
        start = prior.render(prior.start(problem, Noise([0])))
        rates = {n: 0.05 for n in ("z", "c", "w") if n in prior.start(problem, Noise([0]))}
        found = restore(problem, Recipe(prior, [Stage(20, rates, 1.0 * Mse())]), [0]).image
        assert (found - y).square().mean() < (start - y).square().mean()
        assert torch.equal(found[:, 3:], y[:, 3:])


@pytest.mark.parametrize("name", GENERATORS)
class TestTunedWeights:
    def test_the_code_draws_what_the_generator_does_until_they_change(self, name):
        generator = GENERATORS[name]
        folded, tuned = LatentPrior(generator), LatentPrior(generator, tunes=True)
        code = started(tuned, batch=2)
        plain = {n: t for n, t in code.items() if not n.startswith("generator.")}
        assert plain.keys() == started(folded, batch=2).keys()
        assert code.keys() - plain.keys() == {
            f"generator.{n}" for n, _ in generator.named_parameters()
        }
        torch.testing.assert_close(tuned.render(code), folded.render(plain), rtol=0, atol=1e-12)
        torch.testing.assert_close(tuned.render(code), tuned.render(plain), rtol=0, atol=1e-12)

    def test_a_stage_tunes_them_as_they_are_stored_and_for_each_image_apart(self, name):
        generator = GENERATORS[name]
        before = {n: t.clone() for n, t in generator.state_dict().items()}
        prior = LatentPrior(generator, tunes=True)
        stage = Stage(5, {"z": 0.0, "generator": 1e-2}, 1.0 * Mse())

        def fitted(y: Tensor, seeds: list[int]):
            return restore(Problem(y, Identity()), Recipe(prior, [stage]), seeds)

        together, alone = fitted(seen(2), [4, 5]), fitted(seen(2)[1:], [5])
        torch.testing.assert_close(together.image[1:], alone.image, rtol=0, atol=1e-9)
        moved = [n for n, t in together.code.items() if n.startswith("generator.") and
                 not torch.equal(t[0], before[n.removeprefix("generator.")])]  # fmt: skip
        assert moved
        assert all(torch.equal(t, before[n]) for n, t in prior.generator.state_dict().items())
        start = prior.render(prior.start(Problem(seen(1), Identity()), Noise([4])))
        assert (together.image[:1] - seen(1)).square().mean() < (start - seen(1)).square().mean()


def test_a_part_of_the_weights_can_be_tuned_alone():
    prior = LatentPrior(GENERATORS["biggan"], tunes=True)
    stage = Stage(2, {"generator.linear": 1e-2}, 1.0 * Mse())
    code = restore(Problem(seen(1), Identity()), Recipe(prior, [stage]), [0]).code
    begun = started(prior)
    moved = {name for name in code if not torch.equal(code[name], begun[name])}
    assert {name.rsplit(".", 1)[0] for name in moved} == {"generator.linear"}


class TestStarts:
    def test_a_given_code_is_where_the_fit_begins(self):
        prior = LatentPrior(GENERATORS["biggan"])
        code = started(prior, batch=2)
        again = started(LatentPrior(GENERATORS["biggan"], begin=Given(code)), batch=2)
        assert again.keys() == code.keys()
        assert all(torch.equal(again[name], code[name]) for name in code)
        alone = {name: tensor[:1] for name, tensor in code.items()}
        many = started(LatentPrior(GENERATORS["biggan"], begin=Given(alone)), batch=3)
        assert all(torch.equal(many[name][2:], alone[name]) for name in alone)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"w": torch.zeros(1, 6)}, "the parts c, z, got c, w, z"),
            ({"z": torch.zeros(1, 5)}, r"'z' of the shape \(1, 6\), got \(1, 5\)"),
            ({"z": torch.zeros(2, 6)}, r"'z' of the shape \(1, 6\), got \(2, 6\)"),
        ],
    )
    def test_a_code_of_another_kind_is_refused(self, change, message):
        code = started(LatentPrior(GENERATORS["biggan"])) | change
        with pytest.raises(ProblemError, match=message):
            started(LatentPrior(GENERATORS["biggan"], begin=Given(code)))

    @pytest.mark.parametrize("shape", [(3, 8, 8), (1, 20, 9)])
    def test_an_encoder_is_shown_the_picture_as_the_generator_would_draw_it(self, shape):
        generator, shown = GENERATORS["stylegan"], []

        def encoder(image: Tensor) -> Tensor:
            shown.append(image)
            return image.flatten(1)[:, :16].unflatten(1, (4, 4))

        y = uniform(2, *shape)
        prior = LatentPrior(generator, "w+", begin=Encoded(encoder))
        code = prior.start(Problem(y, Identity()), Noise([0, 1]))
        assert torch.equal(shown[0], 2 * padded(shape, SHAPE).inward(y) - 1)
        assert torch.equal(code["w"], encoder(shown[0]))
        with pytest.raises(ProblemError, match="expected the space w or w"):
            LatentPrior(generator, "z", begin=Encoded(encoder)).start(
                Problem(y, Identity()), Noise([0, 1])
            )

    def test_a_class_that_is_known_is_drawn_and_the_spread_scales(self):
        generator = GENERATORS["biggan"]
        code = started(LatentPrior(generator, begin=BestOf(4)), batch=3, label=2)
        assert torch.equal(code["c"], generator.embed(torch.full((3,), 2)))
        wide, narrow = (started(LatentPrior(generator, begin=Drawn(s)))["z"] for s in (1.0, 0.5))
        assert torch.equal(narrow, wide / 2)
