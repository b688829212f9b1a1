"""Textures: Gram matrices do not ask where; and a canvas is larger than what is seen of it."""

from itertools import pairwise

import pytest
import torch

from priorfit import recipes
from priorfit.analysis import pose
from priorfit.analysis.fit import fitted
from priorfit.errors import ProblemError
from priorfit.terms.perceptual import Textural, absolute, gram, smooth, squared
from tests.pictures import uniform
from tests.test_analysis import picture, seeing

LAYERS = ("relu1", "fire2", "fire3")
DISTANCES = [squared, absolute, smooth, Textural(), Textural(absolute)]


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 6)])
def test_a_gram_matrix_is_symmetric_and_does_not_ask_where(shape):
    features = uniform(*shape)
    matrix = gram(features)
    assert matrix.shape == (2, shape[1], shape[1])
    assert torch.equal(matrix, matrix.mT)
    assert (torch.linalg.eigvalsh(matrix) > -1e-12).all()
    torch.testing.assert_close(gram(features.flip(-1)) if len(shape) == 4 else matrix, matrix)
    torch.testing.assert_close(gram(3 * features), 9 * matrix)


def test_a_gram_matrix_of_a_texture_laid_out_twice_is_the_same():
    features = uniform(1, 4, 5, 6)
    torch.testing.assert_close(gram(torch.cat([features, features], -1)), gram(features))


@pytest.mark.parametrize("distance", DISTANCES)
def test_a_distance_is_of_each_image_and_zero_to_itself(distance):
    one, other = uniform(3, 4, 5, 6), uniform(3, 4, 5, 6, seed=1)
    found = distance(one, other)
    assert found.shape == (3,)
    assert (found > 0).all()
    torch.testing.assert_close(found[1:2], distance(one[1:2], other[1:2]))
    assert (distance(one, one) == 0).all()


def test_hubers_distance_is_squared_near_and_absolute_far():
    near, far = torch.full((1, 1, 2, 2), 0.5), torch.full((1, 1, 2, 2), 8.0)
    zero = torch.zeros(1, 1, 2, 2)
    assert smooth(near, zero).item() == pytest.approx(0.125)
    assert smooth(far, zero).item() == pytest.approx(7.5)


def test_a_picture_has_its_own_texture_and_every_layer_counts_alike():
    network, image = seeing(), picture()
    problem = pose.texture(image, network, LAYERS)
    y = problem.observation
    assert (problem.operator(image) - y).square().mean() < 1e-10
    assert y.square().mean() == pytest.approx(1.0, rel=1e-4)  # of features of zero
    ends = [0, *torch.tensor([len(m.flatten()) for m in seen(network, image)]).cumsum(0).tolist()]
    energies = [y[..., a:b].square().sum().item() for a, b in pairwise(ends)]
    assert energies == pytest.approx([y.numel() / 3] * 3, rel=1e-4)


def seen(network, image):
    features = network(image, LAYERS)
    return [gram(features[layer]) for layer in LAYERS]


def test_a_fit_comes_nearer_to_a_texture():
    problem = pose.texture(picture(), seeing(), LAYERS)
    found = fitted(problem, recipes.analysis_named("pixels/preimage").recipe(12), 0)
    assert found.losses[-1][1] < found.losses[0][1]


def test_a_network_sees_the_top_left_of_a_canvas():
    """As released: the network is 256 pixels wide, the classifier sees 224 of them."""
    network, image = seeing(), picture(3, 32, 40)
    problem = pose.preimage(image, network, "fire3", 64)
    assert problem.shape == (3, 64, 64)
    canvas = picture(3, 64, 64, seed=1)
    canvas[..., :32, :40] = image
    error = (problem.operator(canvas) - problem.observation).square().mean()
    assert error < 1e-10
    found = fitted(problem, recipes.analysis_named("pixels/preimage").recipe(1), 0)
    assert found.image.shape == found.start.shape == image.shape


def test_a_canvas_is_no_smaller_than_the_picture():
    with pytest.raises(ProblemError, match="canvas of at least 40, got 39"):
        pose.preimage(picture(3, 32, 40), seeing(), "fire3", 39)


def test_a_texture_without_answers_is_refused():
    network = seeing()
    with torch.no_grad():
        for name, tensor in network.layers["conv1"].named_parameters():
            tensor.fill_(-1e3 if name == "bias" else 0.0)
    with pytest.raises(ProblemError, match="relu1 answers this image with zeros"):
        pose.texture(picture(), network, ["relu1"])
