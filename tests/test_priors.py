"""Every prior: shapes, determinism, images apart, a gradient for every part."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from priorfit.classical.guides import biharmonic
from priorfit.degradations import Identity, Mask
from priorfit.errors import ProblemError, RecipeError
from priorfit.networks.folded import Folded
from priorfit.networks.generator import Generator
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.networks.layers import Style
from priorfit.networks.precision import fastest, full
from priorfit.noise import Noise
from priorfit.priors.base import Prior
from priorfit.priors.deep_image import DeepImagePrior
from priorfit.priors.expected import Expected
from priorfit.priors.inputs import (
    Companion,
    Guide,
    Hiding,
    MeshGrid,
    Observed,
    Probing,
    Relative,
    UniformNoise,
)
from priorfit.priors.latent import LatentPrior
from priorfit.priors.moves import Moving
from priorfit.priors.starts import BestOf
from priorfit.problem import Problem
from priorfit.types import Image
from tests.pictures import uniform

SMALL = partial(Hourglass, scales=[Scale(4, 4, skip=2)] * 2)
HALF = partial(
    Folded, network=partial(Hourglass, scales=[Scale(4, 4, skip=2)], style=Style(sigmoid=False))
)


def estimate(problem: Problem) -> Image:
    return problem.observation * 0.5


INPUTS = {
    "noise": [UniformNoise(3)],
    "mesh and guide": [MeshGrid(), Guide(estimate)],
    "probing": [Probing(estimate, copies=3)],
    "hiding": [UniformNoise(2), Hiding(estimate, copies=3)],
    "companion": [Companion()],
}


class Waves(Generator):
    """Draws a sum of sines as large as the images of the problem below."""

    size, z_dim = (13, 18), 4

    def __init__(self) -> None:
        super().__init__(None)
        waves = torch.arange(4 * 3 * 13 * 18, dtype=torch.float64).view(4, 3, 13, 18).sin()
        self.waves = torch.nn.Parameter(waves)

    def draw(self, latent: Tensor, c: Tensor | None = None) -> Image:
        return (latent[:, :, None, None, None] * self.waves).sum(1)


PRIORS = [
    pytest.param(
        DeepImagePrior(network, inputs, jitter=0.1, moving=Moving(turning=turning)),
        id=f"{name} {how}",
    )
    for name, inputs in INPUTS.items()
    for how, network, turning in (("full", SMALL, False), ("half turned", HALF, True))
]
PRIORS += [
    pytest.param(
        Expected(
            DeepImagePrior(
                SMALL, INPUTS["mesh and guide"], jitter=Relative(), moving=Moving(turning=True)
            ),
            3,
        ),
        id="expected",
    )
]
PRIORS += [pytest.param(LatentPrior(Waves(), begin=BestOf(3)), id="latent")]


def problem(batch: int, height: int = 13, width: int = 18) -> Problem:
    y = torch.rand(4, 3, height, width, generator=torch.Generator().manual_seed(0))[:batch].double()
    mask = Mask((y[:1, :1] > 0.2).float())
    return Problem(mask(y), mask, noise_std=0.1, companion=y.flip(1))


def alone(together: Problem, image: int) -> Problem:
    y, companion = together.observation, together.companion
    assert companion is not None
    one = slice(image, image + 1)
    return Problem(y[one], together.operator, noise_std=0.1, companion=companion[one])


@pytest.mark.parametrize("prior", PRIORS)
class TestEveryPrior:
    """The laws, over every kind of input, at full and at half resolution, and over latents."""

    def test_one_image_for_each_observation_of_the_size_sought(self, prior):
        code = prior.start(problem(2), Noise([0, 1]))
        image = prior.render(code)
        assert image.shape == (2, 3, 13, 18)
        assert all(len(tensor) == 2 for tensor in code.values())

    def test_the_same_seed_draws_the_same_image(self, prior):
        one, again = (_varied(prior, problem(1), [3]) for _ in range(2))
        assert torch.equal(one, again)
        assert not torch.equal(one, _varied(prior, problem(1), [4]))

    def test_an_image_alone_is_drawn_as_in_a_batch(self, prior):
        together = _varied(prior, problem(3), [5, 6, 7])
        assert torch.equal(together[1:2], _varied(prior, alone(problem(3), 1), [6]))

    def test_a_gradient_reaches_every_parameter(self, prior):
        code = prior.start(problem(1), Noise([0]))
        parameters = {
            name: t.requires_grad_()
            for name, t in code.items()
            if name == "z" or name.startswith("network.")
        }
        prior.render(prior.vary(code, Noise([1]))).square().sum().backward()
        assert parameters
        assert all(tensor.grad is not None for tensor in parameters.values())

    def test_varying_leaves_the_code_as_it_was(self, prior):
        code = prior.start(problem(1), Noise([0]))
        before = {name: tensor.clone() for name, tensor in code.items()}
        prior.vary(code, Noise([1]))
        assert all(torch.equal(tensor, before[name]) for name, tensor in code.items())


def _varied(prior: Prior, posed: Problem, seeds: list[int]) -> Tensor:
    noise = Noise(seeds)
    code = prior.start(posed, noise)
    return prior.render(prior.vary(code, noise))


@pytest.mark.parametrize("source", [Observed(), Guide(lambda problem: problem.observation)])
def test_an_input_can_be_written_to_without_the_problem_noticing(source):
    posed = problem(1)
    before = posed.observation.clone()
    code = DeepImagePrior(SMALL, [source]).start(posed, Noise([0]))
    code["z.0"].zero_()
    assert torch.equal(posed.observation, before)


def test_an_expectation_is_the_mean_of_its_draws():
    inner = DeepImagePrior(SMALL, [UniformNoise(3)], jitter=0.5, weight_noise=0.1)
    code = inner.start(problem(2), noise := Noise([0, 1]))
    state = noise.state_dict()
    varied = Expected(inner, 3).vary(code, noise)
    noise.load_state_dict(state)
    apart = [inner.render(inner.vary(code, noise)) for _ in range(3)]
    assert torch.allclose(Expected(inner, 3).render(varied), torch.stack(apart).mean(0))
    assert all(varied[name] is tensor for name, tensor in code.items())


def test_what_is_not_varied_is_rendered_once():
    seen = []

    class Counted(DeepImagePrior):
        def render(self, code):
            seen.append(code)
            return super().render(code)

    prior = Expected(Counted(SMALL, [UniformNoise(3)]), 4)
    code = prior.start(problem(1), Noise([0]))
    prior.render(prior.vary(code, Noise([1])))
    assert len(seen) == 1


def test_an_expectation_over_nothing_is_refused():
    with pytest.raises(RecipeError, match="at least one draw, got 0"):
        Expected(DeepImagePrior(SMALL, [UniformNoise(3)]), 0)


def test_relative_noise_is_as_strong_as_its_input():
    z = torch.stack([torch.full((3, 40, 40), top) for top in (1.0, 6.0)])
    moved = Relative(0.5)(z, Noise([0, 1])) - z
    assert moved.min() >= 0
    for image, top in zip(moved, (0.5, 3.0), strict=True):
        assert 0.99 * top < image.max() <= top
        assert image.mean().item() == pytest.approx(top / 2, rel=0.05)


class Through(nn.Module):
    """A network that passes its input on."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()

    def forward(self, z: Tensor) -> Tensor:
        return z


@pytest.mark.parametrize("side", [1, 2, 3, 9])
def test_turning_and_shifting_are_undone_on_the_image(side):
    draws = torch.Generator().manual_seed(0)
    picture = torch.rand(2, 3, side, side + 2, dtype=torch.float64, generator=draws)
    posed = Problem(picture, Identity(), companion=picture)
    prior = DeepImagePrior(Through, [Companion()], moving=Moving(turning=True, shifting=5))
    code = prior.start(posed, noise := Noise([0, 1]))
    assert torch.equal(prior.render(code), picture)
    seen = set()
    for _ in range(60):
        varied = prior.vary(code, noise)
        seen.add(prior.moving.move(varied, 0))
        assert torch.equal(prior.render(varied), picture)
    margin = min(5, side - 1)
    assert {move.turn for move in seen} == set(range(8))
    assert {move.margin for move in seen} == {margin}
    for axis in ("above", "before"):
        assert {getattr(move, axis) for move in seen} == set(range(margin + 1))


def test_a_shifted_image_is_fitted_with_as_many_pixels_at_every_step():
    prior = DeepImagePrior(SMALL, [UniformNoise(3)], moving=Moving(shifting=4))
    code = prior.start(Problem(torch.zeros(1, 3, 12, 16), Identity()), noise := Noise([0]))
    z = code["z.0"]
    moves = [prior.moving.move(prior.vary(code, noise), 0) for _ in range(20)]
    assert {move.there(z).shape for move in moves} == {(1, 3, 16, 20)}
    assert len({move.there(z).sum().item() for move in moves}) > 5


def test_a_missing_companion_is_refused():
    prior = DeepImagePrior(SMALL, [Companion()])
    with pytest.raises(ProblemError, match="second photograph"):
        prior.start(Problem(torch.zeros(1, 3, 16, 16), Identity()), Noise([0]))


def test_hiding_needs_a_mask():
    with pytest.raises(ProblemError, match="the degradation is no mask"):
        Hiding(estimate)(Problem(torch.zeros(1, 3, 16, 16), Identity()), Noise([0]))


@pytest.mark.parametrize("precision", [full, fastest])
def test_every_precision_returns_the_observations_own(precision):
    prior = DeepImagePrior(SMALL, [UniformNoise(3)], precision=precision)
    posed = Problem(torch.zeros(1, 3, 16, 16), Identity())
    assert prior.render(prior.start(posed, Noise([0]))).dtype == torch.float32


@pytest.mark.parametrize(("side", "copies"), [(16, 24), (64, 24), (512, 6), (2048, 4)])
def test_a_large_hole_is_filled_fewer_times(side, copies):
    """A fill of half a megapixel takes seconds, and the first step waits for all of them."""
    half = torch.zeros(1, 1, side, side)
    half[..., ::2] = 1
    assert Hiding(estimate, copies=24, fraction=0.1)._affordable(half) == copies


def _holes() -> dict[str, Tensor]:
    """Holes larger than what is known: at one side, around, inside, nearly everywhere."""
    rows, columns = torch.meshgrid(torch.arange(24), torch.arange(32), indexing="ij")
    draws = torch.rand(24, 32, generator=torch.Generator().manual_seed(0))
    return {
        "the left known": columns < 8,
        "a corner known": (rows < 12) & (columns < 16),
        "the centre known": ((rows - 12).abs() < 4) & ((columns - 16).abs() < 5),
        "a rim known": (rows < 1) | (columns < 1),
        "a hundredth known": draws < 0.01,
        "one pixel known": (rows == 3) & (columns == 5),
    }


@pytest.mark.parametrize("known", _holes().values(), ids=_holes())
@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_hidden_something_stays_known(known, seed):
    mask = Mask(known[None, None])
    y = uniform(2, 3, 24, 32, dtype=torch.float32)
    least = []

    def watched(posed: Problem) -> Tensor:
        least.append(posed.degradation.known.sum((2, 3)).min())
        return posed.observation

    hiding = Hiding(watched, copies=12, fraction=0.15)
    members = hiding.pool(Problem(mask(y), mask), Noise([seed, seed + 50]))
    assert min(least) >= max(1, 0.1 * known.sum())
    assert not members["hidden"][:, :, 0][..., ~known].any()


def test_channels_that_are_known_in_different_places_are_hidden_apart():
    known = torch.zeros(1, 2, 20, 24)
    known[:, 0, :, :12] = known[:, 1, :, 12:] = 1
    mask = Mask(known)
    posed = Problem(mask(torch.full((1, 2, 20, 24), 0.5)), mask)
    members = Hiding(biharmonic, copies=4).pool(posed, Noise([0]))
    assert members["z"].isfinite().all()


@pytest.mark.parametrize(("side", "moved"), [(8, False), (20, True)])
def test_a_deep_hole_hides_its_own_shape_elsewhere(side, moved):
    """Else the network never has to cross such a distance, and paints anything in the middle."""
    known = torch.ones(1, 1, 48, 48)
    known[..., 5 : 5 + side, 7 : 7 + side] = 0
    mask = Mask(known)
    posed = Problem(mask(torch.full((2, 3, 48, 48), 0.5)), mask)
    hidden = Hiding(estimate, copies=4, fraction=0.05).pool(posed, Noise([0, 1]))["hidden"]
    share = hidden[:, 1].mean().item()
    blocks = torch.nn.functional.max_pool2d(1 - hidden[:, 1], 7, 1) == 0
    assert bool(blocks.any()) == moved
    assert share > 0.02
