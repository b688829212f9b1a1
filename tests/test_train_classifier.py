"""The classifier whose features judge where nothing larger is at hand."""

import pytest
import torch

from priorfit.errors import CheckpointError, ProblemError
from priorfit.networks.classifier import Classifier, ClassifierConfig
from priorfit.train.classifier import Schooling, _vary, accuracy, train
from priorfit.train.data import Photographs
from tests.training import classifier, noise


def two_colours(count: int = 32, size: int = 16) -> Photographs:
    labels = torch.arange(count) % 2
    level = torch.where(labels[:, None, None, None] == 1, 180.0, 60.0)
    images = level + 20 * torch.randn(count, 3, size, size, generator=noise())
    return Photographs(images.clamp(0, 255).byte(), labels, ("dark", "light"))


def test_it_learns_what_can_be_told_apart_and_its_loss_falls():
    told = []
    network = train(two_colours(), epochs=30, width=4, watch=told.append)
    losses = [lesson.loss.item() for lesson in told]
    assert sum(losses[-3:]) < sum(losses[:3])
    assert [lesson.step for lesson in told] == list(range(1, told[0].planned + 1))
    assert accuracy(network, two_colours().images, two_colours().labels) == 1
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())


@pytest.mark.parametrize("size", [8, 16, 64])
def test_one_batch_in_four_is_blurred(size):
    stripes = (torch.arange(size) % 2).float().expand(1, 3, size, size)
    source = noise()
    blurred = sum(bool(_vary(stripes, source).std() < 0.4) for _ in range(400))
    assert 70 < blurred < 130


@pytest.mark.parametrize("taken", [1, 3])
def test_a_schooling_goes_on_to_the_same_bytes(taken):
    def schooling(seed: int) -> Schooling:
        return Schooling(two_colours(8), epochs=40, width=2, seed=seed)

    whole, first, again = schooling(0), schooling(0), schooling(1)
    for _ in range(5):
        whole.learn()
    for _ in range(taken):
        first.learn()
    again.load_state_dict(first.state_dict())
    for _ in range(5 - taken):
        again.learn()
    state = again.network.state_dict()
    assert all(torch.equal(t, state[name]) for name, t in whole.network.state_dict().items())


def test_the_same_seed_makes_the_same_classifier():
    first, second, other = (
        train(two_colours(8), epochs=10, width=2, seed=seed).state_dict() for seed in (0, 0, 1)
    )
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    assert any(not torch.equal(tensor, other[name]) for name, tensor in first.items())


def test_without_classes_there_is_nothing_to_learn():
    alone = Photographs(two_colours().images, torch.zeros(32))
    with pytest.raises(ProblemError, match="at least two classes"):
        train(alone)


def test_accuracy_is_the_part_that_is_right():
    photographs = two_colours(10)
    network = classifier()
    verdicts = network(photographs.images.float() / 255).argmax(1)
    labels = verdicts.clone()
    labels[:3] = 1 - labels[:3]
    assert accuracy(network, photographs.images, labels) == pytest.approx(0.7)


def test_features_halve_and_double_and_their_mean_is_the_embedding():
    network, image = classifier(), torch.rand(2, 3, 16, 16, generator=noise())
    found = network.features(image)
    assert [tuple(f.shape[1:]) for f in found] == [(4, 8, 8), (8, 4, 4), (16, 2, 2)]
    assert network.widths == (4, 8, 16)
    assert torch.equal(network.embed(image), found[-1].mean((2, 3)))
    assert torch.equal(network(image), network.head(network.embed(image)))


def test_an_image_is_seen_the_same_alone_and_in_company():
    network, images = classifier(), torch.rand(3, 3, 16, 16, generator=noise())
    alone = torch.cat([network(image[None]) for image in images])
    assert torch.allclose(network(images), alone, atol=1e-6)


@pytest.mark.parametrize("size", [(8, 8), (40, 24)])
def test_images_of_any_size_are_brought_to_its_own(size):
    assert classifier().embed(torch.rand(1, 3, *size, generator=noise())).shape == (1, 16)


def test_gradients_reach_the_image():
    image = torch.rand(1, 3, 16, 16, generator=noise()).requires_grad_()
    classifier().embed(image).square().sum().backward()
    assert (image.grad != 0).any()


def test_it_comes_back_from_its_folder(tmp_path):
    network, image = classifier(), torch.rand(1, 3, 16, 16, generator=noise())
    network.save_pretrained(tmp_path)
    again = Classifier.from_pretrained(tmp_path)
    assert torch.equal(again(image), network(image))
    assert again.config == network.config


@pytest.mark.parametrize(
    "settings",
    [
        {"size": 8, "stages": 4},
        {"size": 0},
        {"classes": 0},
        {"width": 0},
        {"width": -4},
        {"stages": 0},
        {"stages": 60_000},
        {"width": 60_000, "stages": 16, "size": 65_536},
    ],
)
def test_settings_of_no_classifier_are_refused(settings):
    with pytest.raises(CheckpointError), torch.device("meta"):
        Classifier(ClassifierConfig(**settings))
