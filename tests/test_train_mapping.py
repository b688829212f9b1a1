"""A W space in front of a generator that has none, which itself stays what it is."""

import copy
import dataclasses

import pytest
import torch

from priorfit.errors import CheckpointError, ProblemError
from priorfit.networks.biggan import BigGan
from priorfit.networks.generator import Generator
from priorfit.networks.initialise import initialised
from priorfit.networks.mapped import MAPPING, Mapped, Mapping, MappingConfig, with_mapping
from priorfit.train.data import Photographs
from priorfit.train.families import biggan, pggan, stylegan
from priorfit.train.mapping import learn_mapping

SIDE, CLASSES = 8, 2


def source(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawing(classes: int = CLASSES) -> Generator:
    made = biggan(SIDE, classes, 2) if classes else pggan(SIDE, 0, 2)
    return made.started(0)[0].eval()


def in_front_of(generator: Generator) -> Mapped:
    config = MappingConfig(generator.z_dim, 6, 3)
    return Mapped(generator, initialised(lambda: Mapping(config), source())).eval()


def latents(generator: Generator, count: int = 4):
    z = torch.randn(count, generator.z_dim, generator=source(1))
    c = generator.embed(torch.arange(count) % CLASSES) if generator.classes else None
    return z, c


def learnt(generator: Generator) -> Mapped:
    pair = biggan(SIDE, CLASSES, 2)
    images = torch.randint(0, 256, (12, 3, SIDE, SIDE), generator=source(), dtype=torch.uint8)
    photographs = Photographs(images, torch.arange(12) % 2, ("a", "b"))
    game = dataclasses.replace(pair.game, batch=4)
    return learn_mapping(generator, pair.started(0)[1], photographs, game, images=24)


@pytest.mark.parametrize("classes", [0, CLASSES])
def test_a_mapping_begins_by_drawing_the_same_pictures(classes):
    generator = drawing(classes)
    found = in_front_of(generator)
    z, c = latents(generator)
    assert torch.equal(found(z, c), generator(z, c))
    assert found.spaces == ("z", "w")


@pytest.mark.parametrize("classes", [0, CLASSES])
def test_w_alone_says_what_is_drawn(classes):
    generator = drawing(classes)
    found = in_front_of(generator)
    z, c = latents(generator)
    w = found.map(z, c)
    assert w.shape[:2] == (4, found.layers)
    torch.testing.assert_close(found.draw(w[:, :1]), generator(z, c))


def test_it_can_be_split_at_every_layer():
    generator = drawing()
    found = in_front_of(generator)
    z, c = latents(generator)
    w = found.map(z, c)
    for layer in range(found.layers + 1):
        torch.testing.assert_close(found.upper(found.lower(w, layer), layer, w), generator(z, c))


def test_the_mapping_learns_and_the_generator_stays():
    generator = drawing()
    before = copy.deepcopy(generator.state_dict())
    found = learnt(generator)
    z, c = latents(generator)
    assert not torch.equal(found(z, c), generator(z, c))
    assert all(torch.equal(tensor, before[name]) for name, tensor in generator.state_dict().items())


def test_the_same_seed_learns_the_same_mapping():
    one, other = learnt(drawing()), learnt(drawing())
    state = other.mapping.state_dict()
    assert all(torch.equal(t, state[name]) for name, t in one.mapping.state_dict().items())


def test_a_mapping_lies_beside_its_generator(tmp_path):
    generator = drawing()
    found = learnt(generator)
    generator.save_pretrained(tmp_path)
    found.mapping.save_pretrained(tmp_path / MAPPING)
    again = with_mapping(tmp_path)
    z, c = latents(generator)
    assert isinstance(again.inner, BigGan)
    torch.testing.assert_close(again(z, c), found(z, c))


def test_both_move_to_another_precision():
    found = in_front_of(drawing()).double()
    z, c = latents(found)
    assert found(z.double(), c).dtype == torch.float64


def test_a_class_that_is_not_told_is_missed():
    with pytest.raises(ProblemError, match="embedding of a class"):
        in_front_of(drawing()).map(torch.zeros(1, drawing().z_dim))


def test_a_generator_with_a_w_space_needs_none():
    style = stylegan(SIDE, 0, 2).started(0)[0]
    with pytest.raises(ProblemError, match="has a W space already"):
        in_front_of(style)


def test_a_mapping_of_another_z_is_refused():
    with pytest.raises(ProblemError, match="expected a mapping of"):
        Mapped(drawing(), Mapping(MappingConfig(3, 4, 2)))


@pytest.mark.parametrize("depth", [1, 65])
def test_a_mapping_of_absurd_depth_is_refused(depth):
    with pytest.raises(CheckpointError, match="2 to 64 layers"):
        Mapping(MappingConfig(4, 4, depth))
