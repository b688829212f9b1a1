"""Laws of the terms: one loss an image, zero at the truth, Stein's estimate unbiased."""

import math

import pytest
import torch
from torch import Tensor

from priorfit.degradations import Identity, Mask
from priorfit.errors import ProblemError
from priorfit.noise import Noise
from priorfit.priors.inputs import Hiding, Probing
from priorfit.problem import Problem
from priorfit.terms.data import (
    Charbonnier,
    HeldOut,
    Mae,
    Mse,
    Near,
    PoissonLikelihood,
    Sure,
    TotalVariation,
)
from priorfit.terms.objective import Estimate, Term
from priorfit.terms.perceptual import DiscriminatorFeatures, Perceptual, absolute
from tests.seeing import PLAIN, ours, tiny_discriminator

SEEING = ours(PLAIN["vgg16"].state_dict())
CONFIDENCE = torch.linspace(0, 1, 8).expand(1, 1, 8, 8)
DATA_TERMS = [
    Mse(), Mse(CONFIDENCE), Mae(), Mae(CONFIDENCE), Charbonnier(), Charbonnier(0.1, CONFIDENCE),
    PoissonLikelihood(), PoissonLikelihood(30.0, CONFIDENCE), HeldOut(),
    Perceptual(SEEING, ["relu1_2", "pool1", "relu2_2"]),
    Perceptual(SEEING, ["conv2_1"], absolute, weights=[0.5]),
    DiscriminatorFeatures(tiny_discriminator(), 3),
]  # fmt: skip
TERMS = [*DATA_TERMS, TotalVariation(), TotalVariation(1.25), Near("z.0")]


def picture(seed: int, batch: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 0.1 + 0.8 * torch.rand(batch, 3, 8, 8, generator=generator, dtype=torch.float64)


def loss_of(term: Term, y: Tensor, x: Tensor, noise_std: float | None = None) -> Tensor:
    hidden = (picture(9, len(x))[:, :1] > 0.5).double()
    code = {"hidden.0": hidden, "z.0": picture(7, len(x))}
    problem = Problem(y, Identity(), noise_std=noise_std)
    return term.against(problem)(Estimate(code, x, x, lambda code: x))


@pytest.mark.parametrize("term", TERMS)
def test_every_term_gives_one_loss_an_image_and_none_below_zero(term):
    loss = loss_of(term, picture(0), picture(1))
    assert loss.shape == (3,)
    assert (loss >= 0).all()


@pytest.mark.parametrize("term", DATA_TERMS)
def test_data_terms_vanish_at_the_truth_and_nowhere_else(term):
    assert torch.allclose(loss_of(term, picture(0), picture(0)), torch.zeros(3).double(), atol=1e-9)
    assert (loss_of(term, picture(0), picture(1)) > 1e-4).all()


@pytest.mark.parametrize("term", TERMS)
def test_the_images_of_a_batch_do_not_see_each_other(term):
    together = loss_of(term, picture(0), picture(1))
    other = picture(1)
    other[1:] = picture(5)[1:]
    assert torch.equal(loss_of(term, picture(0), other)[0], together[0])


@pytest.mark.parametrize("term", TERMS)
def test_the_gradient_is_that_of_the_loss(term):
    x = picture(1, 1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss_of(term, picture(0, 1), x), x)


def test_a_flat_image_has_a_finite_slope_of_total_variation():
    x = torch.full((1, 1, 4, 4), 0.5, requires_grad=True)
    loss_of(TotalVariation(), x.detach(), x).sum().backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


def test_confidence_zero_hides_a_pixel_from_the_loss():
    y, x = picture(0), picture(0)
    x[..., 0] = 1.0  # where CONFIDENCE is 0
    for term in (Mse(CONFIDENCE), Mae(CONFIDENCE), Charbonnier(0.1, CONFIDENCE)):
        assert torch.equal(loss_of(term, y, x), torch.zeros(3).double())


def test_objectives_add_up_and_weights_may_follow_the_step():
    objective = 2.0 * Mse() + (lambda step: float(step)) * TotalVariation() + Mse()
    problem = Problem(picture(0), Identity())
    losses = objective.against(problem)(
        Estimate({}, picture(1), picture(1), lambda code: code["x"]), 3
    )
    assert list(losses) == ["Mse.0", "TotalVariation", "Mse.2"]
    assert torch.allclose(losses["Mse.0"], 2 * losses["Mse.2"])
    assert torch.allclose(
        losses["TotalVariation"], 3 * loss_of(TotalVariation(), picture(0), picture(1))
    )


@pytest.mark.parametrize("shrink", [0.0, 0.4, 1.0])
def test_steins_estimate_is_the_error_against_the_truth(shrink):
    """For f(y) = shrink·y the expected error is known: shrink²σ² + (1 − shrink)²·mean x²."""
    std, side = 0.1, 128
    noise = Noise([0])
    truth = noise.uniform(1, side, side, dtype=torch.float64)
    y = truth + std * noise.normal(1, side, side, dtype=torch.float64)
    problem = Problem(y, Identity(), noise_std=std)
    source = Probing(lambda problem: shrink * problem.observation, copies=1)
    pool = source.pool(problem, noise)
    code = {
        "z.0": source(problem, noise),
        "probe.0": pool["probe"][:, 0],
        "push.0": pool["push"][:, 0],
    }
    estimate = Estimate(code, shrink * y, shrink * y, lambda code: code["z.0"][:, :1])
    guess = Sure().against(problem)(estimate).item() - std**2
    error = (shrink * y - truth).square().mean().item()
    assert guess == pytest.approx(error, abs=3 * std**2 / math.sqrt(side * side) * 3)


def test_steins_estimate_needs_the_noise_level():
    with pytest.raises(ProblemError, match="noise level"):
        Sure().against(Problem(picture(0), Identity()))


def test_hidden_pixels_are_known_ones_and_the_mask_says_so():
    known = (picture(2, 1)[:, :1] > 0.4).float()
    mask = Mask(known)
    problem = Problem(mask(picture(0)), mask)
    source = Hiding(lambda problem: problem.observation, copies=4, fraction=0.3)
    z, pool = source(problem, Noise([0, 1, 2])), source.pool(problem, Noise([0, 1, 2]))
    assert torch.equal(z[:, -1:], known.double().expand(3, -1, -1, -1))
    assert pool["z"].shape == (3, 4, 4, 8, 8)
    shown, hidden = pool["z"][:, :, -1:], pool["hidden"]
    assert torch.equal(shown + hidden, known.double().expand(3, 4, -1, -1, -1))
    assert 0 < hidden.sum() < known.sum() * 12
