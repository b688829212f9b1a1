"""Further verdicts: heads on what a frozen network sees teach a generator, and do not move it."""

import dataclasses

import pytest
import torch

from priorfit.networks.features import FeatureNetwork, FeatureSettings
from priorfit.networks.initialise import initialised
from priorfit.train.families import seeing
from priorfit.train.generator import Training
from priorfit.train.losses import PAIRING
from priorfit.train.onlooker import Sight, beside
from tests import pictures
from tests.training import noise, pair, photographs

# Names of the layers that are seen, by the trunk: the last of each scale but the finest.
SEEN = {
    "squeezenet1_1": ("fire3", "fire5", "fire9"),
    "vgg16": ("relu2_2", "relu3_3", "relu4_3", "relu5_3"),
    "alexnet": ("relu2", "relu5"),
}
WIDTHS = {"squeezenet1_1": 25, "vgg16": 13, "alexnet": 5}


def network(trunk: str = "squeezenet1_1", count: int | None = None) -> FeatureNetwork:
    """A trunk of two channels."""
    config = FeatureSettings(trunk, (2,) * (count or WIDTHS[trunk]))
    return initialised(lambda: FeatureNetwork(config), noise()).requires_grad_(False).eval()


def uniform(*shape: int) -> torch.Tensor:
    return pictures.uniform(*shape, dtype=torch.float32)


def sight(**how) -> Sight:
    return beside(network(), 8, 2, width=4, **how)


def training(**game) -> Training:
    made = pair("biggan", **({"sight": sight()} | game))
    return Training(*made.started(0), photographs(), made.game)


@pytest.mark.parametrize("trunk", SEEN)
def test_it_sees_the_last_layer_of_each_scale_but_the_finest(trunk):
    seen = beside(network(trunk), 64)
    names = network(trunk)(uniform(1, 3, 128, 128), SEEN[trunk])
    found = seen.see(uniform(1, 3, 64, 64))
    assert [one.shape for one in found] == [names[name].shape for name in SEEN[trunk]]


@pytest.mark.parametrize(("size", "side"), [(8, 64), (32, 64), (64, 128), (128, 128), (256, 256)])
def test_images_are_enlarged_twice_but_to_no_more_than_128_pixels_and_no_less_than_64(size, side):
    whole = FeatureNetwork(FeatureSettings("vgg16", (2, 2)))
    asked: list[torch.Size] = []
    whole.register_forward_pre_hook(lambda module, given: asked.append(given[0].shape))
    beside(whole, size).see(torch.zeros(1, 3, size, size))
    assert asked == [(1, 3, side, side)]


def test_images_are_seen_on_the_scale_of_the_network():
    image = uniform(2, 3, 128, 128)
    found = beside(network(), 128).see(image * 2 - 1)
    known = network()(image, SEEN["squeezenet1_1"])
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(found, known.values(), strict=True))


@pytest.mark.parametrize("classes", [0, 2])
def test_each_head_gives_verdicts_of_places_and_is_told_the_class(classes):
    seen = dataclasses.replace(sight(), classes=classes)
    heads = seen.heads(noise())
    features = [uniform(3, count, 6, 8) for count in seen.channels]
    verdicts = heads(features, torch.tensor([0, 1, 1]))
    assert [one.shape for one in verdicts] == [(3, 12)] * 3
    others = heads.eval()(features, torch.tensor([1, 0, 0]))
    same = [torch.allclose(a, b, atol=1e-3) for a, b in zip(verdicts, others, strict=True)]
    assert all(same) if not classes else not any(same)


def test_how_strong_features_are_does_not_matter():
    seen = sight()
    heads = seen.heads(noise()).eval()
    features = [uniform(2, count, 4, 4) + 0.1 for count in seen.channels]
    strong = heads([300 * one for one in features])
    pairs = zip(heads(features), strong, strict=True)
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in pairs)


def test_heads_learn_their_mixtures_and_the_network_do_not():
    learner = training()
    assert learner.heads is not None
    seeing = learner.game.sight.see.args[0]
    before = {n: t.clone() for n, t in learner.heads.state_dict().items()}
    frozen = {n: t.clone() for n, t in seeing.state_dict().items()}
    learner.step()
    after = learner.heads.state_dict()
    moved = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    assert {"each.0.conv1.weight", "each.2.out.weight"} <= moved
    assert not any("mixture" in name for name in moved)
    assert all(torch.equal(frozen[name], t) for name, t in seeing.state_dict().items())


def test_the_generator_learns_from_them_and_the_discriminator_does_not():
    with_heads, without = training(), training(sight=None)
    for learner in (with_heads, without):
        learner.step()
    judges = [learner.discriminator.state_dict() for learner in (with_heads, without)]
    assert all(torch.equal(judges[0][name], tensor) for name, tensor in judges[1].items())
    drawers = [learner.generator.blocks[0].conv1.weight for learner in (with_heads, without)]
    assert not torch.equal(*drawers)


def test_with_further_verdicts_the_hinge_gives_way_to_pairs_and_other_games_stay():
    for family, pairs in (("biggan", True), ("stylegan", False), ("pggan", False)):
        game = pair(family).game
        seen = seeing(game, sight())
        assert (seen.losses is PAIRING, seen.r2 > 0) == (pairs, pairs)
        assert seen.sight is not None
        assert seen.r1 > 0


def test_a_training_with_heads_goes_on_to_the_same_bytes_and_only_with_heads():
    whole = training()
    for _ in range(3):
        whole.step()
    first = training()
    first.step()
    again = training()
    again.load_state_dict(first.state_dict())
    for _ in range(2):
        again.step()
    assert all(
        torch.equal(tensor, again.heads.state_dict()[name])
        for name, tensor in whole.heads.state_dict().items()
    )
    made = pair("biggan")
    bare = Training(*made.started(0), photographs(), made.game)
    with pytest.raises(ValueError, match="further verdicts"):
        bare.load_state_dict(first.state_dict())
    with pytest.raises(ValueError, match="further verdicts"):
        first.load_state_dict(bare.state_dict())
