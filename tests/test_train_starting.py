"""Trainings that start from trained networks: what they know is kept, and what is new follows."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F

from priorfit.errors import ProblemError
from priorfit.networks.growth import smooth
from priorfit.networks.style_layers import repeat
from priorfit.train.card import CardFacts, write
from priorfit.train.families import FAMILIES, GROWING, Pair
from priorfit.train.generator import Training
from priorfit.train.growing import Growing
from priorfit.train.run import Length, TrainingRun
from priorfit.train.starting import start
from tests.training import noise, photographs

SIZES = [(8, 8), (8, 16), (8, 32), (16, 32)]


def made(family: str, size: int, *, classes: int = 2, width: int = 16, grown: int = 0) -> Pair:
    """Networks whose coarse layers are as wide whatever their size; `grown` doublings fade in."""
    kinds = GROWING if family in GROWING else FAMILIES
    pair = kinds[family](size, classes, width * 8 // size)
    growing = Growing(grown, 1000, 1000) if grown else None
    game = dataclasses.replace(pair.game, batch=4, growing=growing)
    return dataclasses.replace(pair, game=game)


def training(family: str, size: int, seed: int = 0, **how) -> Training:
    pair = made(family, size, **how)
    return Training(*pair.started(seed), photographs(size=size), pair.game, seed)


def networks(learner: Training):
    """Generator and discriminator of a training as they are kept."""
    return learner.generator.eval(), learner.discriminator.eval()


def drawn(generator, size: int = 4, **how) -> torch.Tensor:
    z = torch.randn(size, generator.z_dim, generator=noise(3))
    c = generator.embed(torch.arange(size) % 2) if generator.classes else None
    with torch.no_grad():
        return generator.draw(generator.map(z, c), c, **how)


def differences(learner: Training, seed: int = 5) -> tuple[float, float]:
    """How far drawings and features of a training are from those of the networks of `seed`."""
    small = training("biggan", 8, seed=seed)
    generator, discriminator = networks(small)
    large, judge = learner.generator, learner.discriminator
    z = torch.randn(64, large.z_dim, generator=noise(1))
    labels = torch.arange(64) % 2
    with torch.no_grad():
        generator.train()
        goal = generator.draw(z[:, : generator.z_dim], generator.embed(labels))
        image = large.draw(z, large.embed(labels))
        goals = by_side(discriminator.features(F.interpolate(image, (8, 8), mode="area")))
        found = by_side(judge.features(image))
    far = (image - F.interpolate(goal, large.size, mode="bicubic")).square().mean()
    pairs = [(found[side], goal) for side, goal in goals.items()]
    return float(far), float(sum((a - b).square().mean() / b.square().mean() for a, b in pairs))


def by_side(features) -> dict[tuple[int, ...], torch.Tensor]:
    return {tuple(one.shape[2:]): one for one in features}


@pytest.mark.parametrize("classes", [0, 2])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_start_from_networks_of_the_same_size_is_those_networks(family, classes):
    old, new = (training(family, 8, seed=seed, classes=classes) for seed in (5, 0))
    start(new, *networks(old))
    for mine, its in zip((new.generator, new.discriminator), networks(old), strict=True):
        for name, tensor in its.state_dict().items():
            assert torch.equal(mine.state_dict()[name], tensor), name
    average = new.average.network.state_dict()
    assert all(torch.equal(average[n], t) for n, t in old.generator.state_dict().items())


@pytest.mark.parametrize(("small", "large"), [pair for pair in SIZES if pair[0] != pair[1]])
@pytest.mark.parametrize("family", GROWING)
def test_networks_that_grow_go_on_where_the_smaller_ones_were(family, small, large):
    more = large.bit_length() - small.bit_length()
    old, new = training(family, small, seed=5), training(family, large, grown=more)
    generator, discriminator = networks(old)
    start(new, generator, discriminator)
    assert new.lod == more
    image = drawn(new.generator, lod=new.lod)
    assert torch.allclose(image, repeat(drawn(generator), 1 << more), atol=1e-5)
    labels = torch.arange(4) % 2
    with torch.no_grad():
        known = discriminator(F.avg_pool2d(image, 1 << more), labels)
        found = new.discriminator(smooth(image, 1 << more), labels, lod=new.lod)
    assert torch.allclose(found, known, atol=1e-5)


@pytest.mark.parametrize("large", [16, 32])
def test_new_layers_of_those_that_do_not_grow_learn_to_go_on(large):
    old, idle, new = training("biggan", 8, seed=5), *(training("biggan", large) for _ in range(2))
    start(idle, *networks(old), imitated=0)
    start(new, *networks(old), imitated=400)
    before, after = differences(idle), differences(new)
    assert after[0] < before[0] / 2
    assert after[1] < before[1]


def test_imitation_leaves_what_is_known_alone_and_everything_learning():
    old, new = training("biggan", 8, seed=5), training("biggan", 16)
    start(new, *networks(old), imitated=16)
    kept = old.generator.blocks[0].conv1.weight
    assert torch.equal(new.generator.blocks[0].conv1.weight, kept)
    assert all(p.requires_grad for p in new.generator.parameters())
    before = new.state_dict()
    new.step()
    after = new.state_dict()
    moved = {n for n, t in after["generator"].items() if not torch.equal(t, before["generator"][n])}
    assert {"blocks.0.conv1.weight", "blocks.1.conv1.weight"} <= moved


def test_the_same_start_comes_to_the_same_bytes():
    learners = []
    for _ in range(2):
        learner = training("biggan", 16)
        start(learner, *networks(training("biggan", 8, seed=5)), imitated=16)
        learner.step()
        learners.append(learner.generator.state_dict())
    assert all(torch.equal(learners[0][name], tensor) for name, tensor in learners[1].items())


WRONG = [
    ("stylegan", 8, 2, 16, "expected a biggan of 2 classes and at most 16×16 pixels to start from"),
    ("biggan", 32, 2, 16, "got a biggan of 2 classes and 32×32 pixels"),
    ("biggan", 8, 0, 16, "got a biggan of 0 classes and 8×8 pixels"),
]


@pytest.mark.parametrize(("family", "size", "classes", "width", "message"), WRONG)
def test_networks_that_do_not_fit_are_refused(family, size, classes, width, message):
    old = training(family, size, classes=classes, width=width)
    with pytest.raises(ProblemError, match=message):
        start(training("biggan", 16), *networks(old))


def test_latents_that_would_be_lost_are_refused():
    old = training("stylegan", 8, width=64)
    with pytest.raises(ProblemError, match=r"16 latent numbers or fewer .* got one of 64"):
        start(training("stylegan", 8, width=16), *networks(old))


def test_what_a_training_leaves_is_a_start(tmp_path):
    """Files in half precision: what is lost is less than what one step changes."""
    from priorfit.networks.generator import Discriminator
    from priorfit.networks.generator import Generator as Drawing

    pair = made("biggan", 8)
    run = TrainingRun(tmp_path / "old", pair, photographs(), Length(images=40))
    run.go_on()
    write(run, CardFacts("these", 24, ("odd", "even"), "command"))
    generator = Drawing.from_pretrained(tmp_path / "old")
    discriminator = Discriminator.from_pretrained(tmp_path / "old/discriminator")
    again = training("biggan", 8, seed=1)
    start(again, generator, discriminator)
    assert torch.allclose(drawn(again.generator.eval()), drawn(generator), atol=1e-5)
    again.generator.train()
    again.step()
    assert all(abs(value) < 1e3 for value in again.gathered().values())
