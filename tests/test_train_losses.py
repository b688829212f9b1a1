"""Losses of the two games, their penalties, and the changes that a discriminator sees through."""

import math

import pytest
import torch

from priorfit.train.augment import DIFFERENTIABLE, chain, colour, cutout, translation
from priorfit.train.losses import HINGE, LOGISTIC, PAIRING, gradient_penalty, path_lengths
from tests.pictures import uniform
from tests.training import noise

EVERY = [colour, translation, cutout, DIFFERENTIABLE]


def logits(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_hinge_asks_for_a_margin_of_one_and_no_more():
    loss = HINGE.discriminator(logits(2, 0.5), logits(-3, 0.25))
    assert loss.item() == pytest.approx((0 + 0.5) / 2 + (0 + 1.25) / 2)
    assert HINGE.generator(logits(0), logits(1, 3)).item() == -2


def test_logistic_is_the_cross_entropy_of_both():
    real, drawn = logits(0.3, -2), logits(1.5, 0)
    sigmoid = torch.sigmoid
    expected = -sigmoid(real).log().mean() - (1 - sigmoid(drawn)).log().mean()
    assert LOGISTIC.discriminator(real, drawn).item() == pytest.approx(expected.item())
    assert LOGISTIC.generator(real, drawn).item() == pytest.approx(
        -sigmoid(drawn).log().mean().item()
    )


def test_pairing_only_asks_which_of_two_looks_more_like_a_photograph():
    real, drawn = logits(0.3, -2), logits(1.5, 0)
    ahead = torch.sigmoid(real - drawn)
    assert PAIRING.discriminator(real, drawn).item() == pytest.approx(-ahead.log().mean().item())
    behind = -(1 - ahead).log().mean().item()
    assert PAIRING.generator(real, drawn).item() == pytest.approx(behind)
    for loss in PAIRING:
        assert loss(real + 7, drawn + 7).item() == pytest.approx(loss(real, drawn).item())


def test_who_cannot_tell_pays_two_log_two():
    assert LOGISTIC.discriminator(logits(0), logits(0)).item() == pytest.approx(2 * math.log(2))


@pytest.mark.parametrize("losses", [HINGE, LOGISTIC, PAIRING])
def test_each_loss_falls_where_its_network_does_better(losses):
    assert losses.discriminator(logits(0.5), logits(-0.5)) < losses.discriminator(
        logits(0), logits(0)
    )
    assert losses.generator(logits(0), logits(0.5)) < losses.generator(logits(0), logits(0))


def test_r1_of_a_linear_discriminator_is_the_square_of_its_weights():
    images = uniform(5, 3, 4, 4).requires_grad_()
    weights = uniform(3, 4, 4, seed=1)
    verdicts = (images * weights).sum((1, 2, 3))
    expected = weights.square().sum().item()
    assert gradient_penalty(verdicts, images).item() == pytest.approx(expected)


def test_r1_can_be_learnt_from():
    images = uniform(2, 3, 4, 4).requires_grad_()
    weights = uniform(3, 4, 4, seed=1).requires_grad_()
    gradient_penalty((images * weights).sum((1, 2, 3)), images).backward()
    assert torch.allclose(weights.grad, 2 * weights)


def test_path_lengths_of_a_linear_generator_are_those_of_its_matrix():
    matrix = uniform(2 * 5, 3 * 4 * 4)
    w = uniform(3, 2, 5, seed=1).requires_grad_()
    drawn = (w.flatten(1) @ matrix).view(3, 3, 4, 4)
    y = uniform(3, 3, 4, 4, seed=2)
    slopes = (y.flatten(1) @ matrix.T).view(3, 2, 5) / 4
    expected = slopes.square().sum(2).mean(1).sqrt()
    assert torch.allclose(path_lengths(drawn, w, y), expected)


def test_path_lengths_do_not_depend_on_the_company():
    matrix = uniform(4, 3 * 4 * 4)

    def lengths(w: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        w = w.requires_grad_()
        return path_lengths((w.flatten(1).exp() @ matrix).view(-1, 3, 4, 4), w, y)

    w, y = uniform(3, 2, 2, seed=1), uniform(3, 3, 4, 4, seed=2)
    alone = torch.cat([lengths(w[i : i + 1].clone(), y[i : i + 1]) for i in range(3)])
    assert torch.allclose(lengths(w.clone(), y), alone)


@pytest.mark.parametrize("change", EVERY)
def test_changes_keep_shape_and_kind_of_number(change):
    for dtype in (torch.float32, torch.float64):
        image = uniform(3, 3, 8, 12, dtype=dtype)
        assert (change(image, noise()).shape, change(image, noise()).dtype) == (image.shape, dtype)


@pytest.mark.parametrize("change", EVERY)
def test_the_same_seed_makes_the_same_change_and_another_another(change):
    image = uniform(4, 3, 16, 16)
    assert torch.equal(change(image, noise()), change(image, noise()))
    assert not torch.equal(change(image, noise()), change(image, noise(1)))


@pytest.mark.parametrize("change", EVERY)
def test_photographs_and_drawings_are_changed_alike(change):
    """What is done depends on the numbers drawn, not on the picture: it is affine in it."""
    photo, drawing = uniform(4, 3, 16, 16), uniform(4, 3, 16, 16, seed=1)
    together = change((photo + drawing) / 2, noise())
    apart = (change(photo, noise()) + change(drawing, noise())) / 2
    assert torch.allclose(together, apart)


@pytest.mark.parametrize("change", EVERY)
def test_gradients_pass_through_changes(change):
    image = (uniform(1, 3, 8, 8) - 0.5).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: change(x, noise(3)), (image,))
    change(image, noise(3)).square().sum().backward()
    assert (image.grad != 0).any()


@pytest.mark.parametrize("change", EVERY)
def test_each_image_is_changed_in_its_own_way(change):
    image = uniform(1, 3, 16, 16).expand(8, -1, -1, -1)
    changed = change(image, noise())
    assert all(not torch.equal(changed[0], other) for other in changed[1:])


def test_nothing_is_changed_by_no_steps():
    image = uniform(2, 3, 8, 8)
    assert torch.equal(chain()(image, noise()), image)


def test_translation_reaches_an_eighth_and_lets_grey_in():
    image = torch.zeros(500, 1, 17, 17)
    image[:, :, 8, 8] = 1
    moved = translation(image, noise())
    found = moved.flatten(1).argmax(1)
    down, right = found // 17 - 8, found % 17 - 8
    assert set(down.tolist()) == set(right.tolist()) == {-2, -1, 0, 1, 2}
    assert moved.sum() == 500
    edge = translation(torch.ones(50, 3, 16, 16), noise())
    assert set(edge.unique().tolist()) == {0, 1}


def test_cutout_hides_at_most_a_quarter_and_at_least_a_sixteenth():
    hidden = (cutout(torch.ones(500, 3, 16, 16), noise()) == 0).double()
    assert (hidden[:, 0] == hidden[:, 2]).all()
    parts = hidden.mean((1, 2, 3))
    assert (parts.max(), parts.min()) == (1 / 4, 1 / 16)


def test_colour_stays_within_its_bounds():
    grey = torch.full((500, 3, 4, 4), 0.25)
    levels = colour(grey, noise())
    assert -0.25 <= levels.min() < -0.2
    assert 0.7 < levels.max() <= 0.75
