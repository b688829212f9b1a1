"""Perceptual terms: released distances written down plainly, what is computed when, and errors."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from priorfit.color import BT601
from priorfit.degradations import Compose, Degradation, Downsample, Enlarge, Grayscale, Identity
from priorfit.degradations.mask import centre_square
from priorfit.errors import ProblemError
from priorfit.networks.features import FeatureNetwork
from priorfit.networks.preparation import TORCHVISION, Preparation
from priorfit.problem import Problem
from priorfit.terms.objective import Estimate, Term
from priorfit.terms.perceptual import DiscriminatorFeatures, Perceptual, absolute, squared
from tests.pictures import uniform
from tests.seeing import PLAIN, ours, tiny_discriminator

X, TRUTH = uniform(2, 3, 32, 24), uniform(2, 3, 32, 24, seed=1)
MASK = centre_square((32, 24), 10)


@pytest.fixture
def network() -> FeatureNetwork:
    found = ours(PLAIN["vgg16"].state_dict())
    assert isinstance(found, FeatureNetwork)
    return found


def loss_of(term: Term, degradation: Degradation, x: Tensor = X) -> Tensor:
    shape = (x.shape[1], x.shape[2], x.shape[3])
    problem = Problem(degradation(TRUTH[: len(x)]), degradation, image_shape=shape)
    return term.against(problem)(Estimate({}, x, degradation(x), lambda code: x))


def seen(image: Tensor, cut: int, mean: Tensor, std: Tensor) -> Tensor:
    image = image.expand(-1, 3, -1, -1)
    return PLAIN["vgg16"].features[:cut]((image - mean[:, None, None]) / std[:, None, None])


def columns(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


IMAGENET = columns(0.485, 0.456, 0.406), columns(0.229, 0.224, 0.225)
HALF = columns(0.5, 0.5, 0.5), columns(0.5, 0.5, 0.5)


@pytest.mark.parametrize("degradation", [Identity(), MASK, Grayscale(BT601), Downsample(2)])
def test_mganpriors_distance_is_absolute_at_relu3_3_of_the_resized_pictures(network, degradation):
    where = Preparation(TORCHVISION.mean, TORCHVISION.std, size=40, resize="nearest")
    term = Perceptual(network, ["relu3_3"], absolute, preparation=where)
    pair = (F.interpolate(degradation(x), (40, 40), mode="nearest") for x in (X, TRUTH))
    x, y = (seen(image, 16, *IMAGENET) for image in pair)
    torch.testing.assert_close(loss_of(term, degradation), (x - y).abs().mean((1, 2, 3)))


def test_idinverts_distance_is_squared_at_relu4_3():
    files = {n.replace("features.", "layer"): t for n, t in PLAIN["vgg16"].state_dict().items()}
    caffe = ours({n: t for n, t in files.items() if n.startswith("layer")})
    mean = columns(103.939, 116.779, 123.68) / 255
    x, y = (seen(i.flip(1), 23, mean, columns(1, 1, 1) / 255) for i in (MASK(X), MASK(TRUTH)))
    loss = loss_of(Perceptual(caffe, ["relu4_3"]), MASK)
    torch.testing.assert_close(loss, (x - y).square().mean((1, 2, 3)))


def test_dgps_distance_is_squared_at_relu4_2_of_pictures_from_minus_one_to_one(network):
    signed = Preparation((0.5,) * 3, (0.5,) * 3)
    loss = loss_of(Perceptual(network, ["features[:21]"], preparation=signed), Identity())
    x, y = (seen(image, 21, *HALF) for image in (X, TRUTH))
    torch.testing.assert_close(loss, (x - y).square().mean((1, 2, 3)))


def test_layers_add_up_with_their_weights(network):
    names = ["relu1_2", "conv2_1", "relu3_1"]
    alone = [loss_of(Perceptual(network, [name]), MASK) for name in names]
    together = loss_of(Perceptual(network, names), MASK)
    torch.testing.assert_close(together, torch.stack(alone).sum(0))
    weighted = loss_of(Perceptual(network, names, weights=(1.0, 0.0, 3.0)), MASK)
    torch.testing.assert_close(weighted, alone[0] + 3 * alone[2])
    with pytest.raises(ProblemError, match="one weight for each of 3 layers, got 1"):
        Perceptual(network, names, weights=(1.0,))


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_discriminator_compares_its_last_features(layers):
    discriminator = tiny_discriminator()
    x, y = uniform(2, 3, 8, 8), uniform(2, 3, 8, 8, seed=1)
    theirs, wanted = (discriminator.features(2 * image - 1)[-layers:] for image in (x, y))
    pairs = zip(theirs, wanted, strict=True)
    expected = torch.stack([(a - b).abs().flatten(1).mean(1) for a, b in pairs]).sum(0)
    problem = Problem(y, Identity())
    loss = DiscriminatorFeatures(discriminator, layers).against(problem)
    torch.testing.assert_close(loss(Estimate({}, x, x, lambda code: x)), expected)


def test_a_discriminator_sees_grey_and_small_pictures_at_its_size():
    term = DiscriminatorFeatures(tiny_discriminator(), 3)
    truth, x = uniform(2, 3, 16, 16, seed=1), uniform(2, 3, 16, 16)

    def loss(degradation: Degradation) -> Tensor:
        problem = Problem(degradation(truth), degradation, image_shape=(3, 16, 16))
        return term.against(problem)(Estimate({}, x, degradation(x), lambda code: x))

    small = Compose(Downsample(4), Grayscale())
    torch.testing.assert_close(loss(small), loss(Compose(small, Enlarge(2))))


def test_more_layers_than_a_discriminator_has_are_refused():
    for layers in (0, 4):
        with pytest.raises(ProblemError, match=f"expected 1 to 3 layers .* got {layers}"):
            DiscriminatorFeatures(tiny_discriminator(), layers).against(
                Problem(uniform(1, 3, 8, 8), Identity())
            )


def test_a_layer_that_is_not_there_is_refused_before_the_first_step(network):
    with pytest.raises(ProblemError, match="has no layer 'relu7_1'"):
        Perceptual(network, ["relu7_1"]).against(Problem(X, Identity()))
    with pytest.raises(ProblemError, match="expected a picture"):
        Perceptual(network, ["relu1_1"]).against(Problem(X[:, :2], Identity()))


def test_the_observation_is_seen_once(network):
    calls = []
    network.register_forward_pre_hook(lambda module, given: calls.append(given[0]))
    loss = Perceptual(network, ["relu1_1"]).against(Problem(TRUTH, Identity()))
    for _ in range(3):
        loss(Estimate({}, X, X, lambda code: X))
    assert len(calls) == 4


def test_gradients_reach_the_estimate_and_not_the_observation(network):
    x, y = X.clone().requires_grad_(), TRUTH.clone().requires_grad_()
    at, problem = Estimate({}, x, x, lambda code: x), Problem(y, Identity())
    for term in (Perceptual(network, ["relu2_2"]), DiscriminatorFeatures(tiny_discriminator(), 2)):
        loss = term.against(problem)(at).sum()
        gradients = torch.autograd.grad(loss, [x, y], allow_unused=True)
        assert gradients[0] is not None
        assert gradients[0].abs().sum() > 0
        assert gradients[1] is None


def test_a_smaller_number_format_changes_little_and_ends_in_the_picture_s():
    network = ours(PLAIN["vgg16"].state_dict()).float()
    x, problem = X.float(), Problem(TRUTH.float(), Identity())
    at = Estimate({}, x, x, lambda code: x)
    exact = Perceptual(network, ["relu3_3"]).against(problem)(at)
    rounded = Perceptual(network, ["relu3_3"], precision=lambda device: torch.bfloat16)
    assert rounded.against(problem)(at).dtype == torch.float32
    assert not torch.equal(rounded.against(problem)(at), exact)
    torch.testing.assert_close(rounded.against(problem)(at), exact, rtol=0.05, atol=0)


@pytest.mark.parametrize("distance", [squared, absolute])
def test_distances_are_means_over_everything_but_the_batch(distance):
    assert torch.equal(distance(torch.ones(2, 3, 4, 5), torch.zeros(2, 3, 4, 5)), torch.ones(2))
    assert torch.equal(distance(torch.ones(2, 7), torch.ones(2, 7)), torch.zeros(2))
