"""Progressive growing: a schedule, photographs as fine as drawings, networks that follow."""

import dataclasses
import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from priorfit.errors import ProblemError
from priorfit.networks.growth import smooth
from priorfit.networks.initialise import initialised
from priorfit.networks.stylegan_discriminator import (
    StyleGanDiscriminator,
    StyleGanDiscriminatorConfig,
)
from priorfit.train.data import Photographs
from priorfit.train.families import Pair, biggan, pggan, stylegan
from priorfit.train.generator import Training
from priorfit.train.growing import Growing, at, match_detail, within
from priorfit.train.run import Length, TrainingRun

SIDE = 16
GROWING = Growing(doublings=2, stays=16, fades=16)


def photographs(count: int = 12) -> Photographs:
    noise = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 3, SIDE, SIDE), generator=noise, dtype=torch.uint8)
    return Photographs(images, torch.zeros(count).long())


def pair(family: str = "stylegan") -> Pair:
    made = stylegan(SIDE, 0, 2, grows=True) if family == "stylegan" else pggan(SIDE, 0, 2)
    return dataclasses.replace(made, game=dataclasses.replace(made.game, batch=4, growing=GROWING))


def training(family: str = "stylegan", seed: int = 3) -> Training:
    made = pair(family)
    return Training(*made.started(0), photographs(), made.game, seed)


def discriminator(*, grows: bool = True) -> StyleGanDiscriminator:
    config = StyleGanDiscriminatorConfig(channels=(4, 3, 2), dense=4, group=1, grows=grows)
    return initialised(lambda: StyleGanDiscriminator(config), torch.Generator().manual_seed(0))


def image() -> torch.Tensor:
    return torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def test_a_resolution_stays_and_the_next_fades_in():
    lods = {0: 2.0, 16: 2.0, 24: 1.5, 32: 1.0, 48: 1.0, 56: 0.5, 64: 0.0, 1_000: 0.0}
    assert {seen: GROWING.lod(seen) for seen in lods} == lods


@given(st.integers(1, 10_000), st.integers(1, 6), st.floats(0.1, 1.0))
def test_growing_is_over_in_its_part_of_a_training_and_never_goes_back(images, doublings, part):
    growing = within(images, doublings, part)
    lods = [growing.lod(seen) for seen in range(0, images, max(1, images // 50))]
    assert lods[0] == doublings
    assert all(later <= earlier for earlier, later in itertools.pairwise(lods))
    assert growing.lod(math.ceil(images * part) + 2 * doublings) == 0


def test_photographs_are_as_fine_as_drawings():
    fine = image()
    assert torch.equal(match_detail(fine, 0.0), fine)
    assert torch.equal(match_detail(fine, 1.0), smooth(fine, 2))
    expected = 0.75 * smooth(fine, 2) + 0.25 * smooth(fine, 4)
    torch.testing.assert_close(match_detail(fine, 1.25), expected)
    assert match_detail(fine, 2.0).unfold(2, 4, 4).unfold(3, 4, 4).std((-1, -2)).max() < 1e-6


def test_a_discriminator_looks_no_closer_than_its_lod():
    network = discriminator()
    torch.testing.assert_close(network(image(), lod=1.0), network(smooth(image(), 2), lod=1.0))
    assert not torch.equal(network(image()), network(smooth(image(), 2)))


def test_a_discriminator_grows_without_a_jump():
    network = discriminator()
    for whole in (1.0, 2.0):
        exact = network(image(), lod=whole)
        torch.testing.assert_close(network(image(), lod=whole - 1e-6), exact, rtol=0, atol=1e-4)
        torch.testing.assert_close(
            network(image(), lod=whole - 1 + 1e-6), network(image(), lod=whole - 1),
            rtol=0, atol=1e-4,
        )  # fmt: skip


def test_a_lod_between_mixes_the_features_of_two_sizes():
    network = discriminator()
    fine, coarse = network.features(image(), lod=0.25), network.features(image(), lod=1.0)
    grown = network.features(image())
    torch.testing.assert_close(fine[1], torch.lerp(grown[1], coarse[0], 0.25))


def test_a_discriminator_that_does_not_grow_has_no_other_numbers_than_before():
    plain = discriminator(grows=False)
    assert not any("coarser" in name for name in plain.state_dict())
    with pytest.raises(ProblemError, match="expected a lod from 0 to 0"):
        plain(image(), lod=0.5)


@pytest.mark.parametrize("family", ["stylegan", "pggan"])
def test_only_what_is_grown_learns(family):
    one = training(family)
    before = {name: t.clone() for name, t in one.generator.named_parameters()}
    one.step()
    changed = {n for n, t in one.generator.named_parameters() if not torch.equal(t, before[n])}
    assert one.lod == 2.0
    assert "outputs.0.weight" in changed
    assert not changed & {"outputs.1.weight", "outputs.2.weight"}


def test_every_layer_learns_in_the_end():
    one = training()
    before = {name: t.clone() for name, t in one.discriminator.named_parameters()}
    while one.lod:
        one.step()
    one.step()
    assert all(not torch.equal(t, before[n]) for n, t in one.discriminator.named_parameters())


def test_a_growing_training_goes_on_exactly():
    straight, first = training(), training()
    for _ in range(13):
        straight.step()
    for _ in range(5):
        first.step()
    second = training(seed=9)
    second.load_state_dict(first.state_dict())
    for _ in range(8):
        second.step()
    assert 0 < straight.lod < 1
    assert second.lod == straight.lod
    for mine, its in zip(
        second.generator.parameters(), straight.generator.parameters(), strict=True
    ):
        assert torch.equal(mine, its)


def test_an_average_that_is_not_grown_up_draws_as_coarse_as_it_has_learnt(tmp_path):
    run = TrainingRun(tmp_path, pair(), photographs(), Length(images=8))
    run.go_on()
    average = run.average()
    assert average.config.lod == run.training.lod == 2.0
    z = torch.randn(1, average.z_dim, generator=torch.Generator().manual_seed(0))
    drawn = average(z)
    torch.testing.assert_close(drawn, smooth(drawn, 4))


def test_a_generator_that_cannot_grow_is_left_alone():
    network = biggan(SIDE, 0, 2).generator()
    before = network.config
    assert at(network, 0.5) is network
    assert network.config == before
