"""What is said of a trained generator, held to generators of which it is known beforehand."""

import json
import math

import pytest
import torch
from torch import Tensor, nn

from priorfit.networks.generator import Generator
from priorfit.networks.initialise import initialised
from priorfit.report.embed import levels
from priorfit.train import examine as examining
from priorfit.train.data import Photographs
from priorfit.train.examine import examine, to_markdown
from priorfit.train.families import FAMILIES
from priorfit.train.inversion import Effort, Spread, closest, inversion, shrink

SIDE, CLASSES = 8, ("red", "green", "blue")
QUICK = Effort(most=60, inverted=4, candidates=3, steps=2)


def photographs(count: int, seed: int, classes: tuple[str, ...] = CLASSES) -> Photographs:
    """Noise in which the colour of the class is brightest."""
    noise = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 180, (count, 3, SIDE, SIDE), generator=noise)
    labels = torch.arange(count) % 3
    images[torch.arange(count), labels] += 75
    return Photographs(images.byte(), labels if classes else torch.zeros(count).long(), classes)


class Colours(nn.Module):
    """A classifier that looks at the mean colour alone; its features are a coarse copy."""

    classes = 3

    def embed(self, image: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(image, 4).flatten(1)

    def head(self, features: Tensor) -> Tensor:
        return features.unflatten(1, (3, -1)).mean(2)


class Replaying(Generator):
    """Draws photographs that it was given: one of the class asked for."""

    kind, size, z_dim, classes = "replaying", (SIDE, SIDE), 4, 3

    def __init__(self, given: Photographs, turn: int = 0) -> None:
        super().__init__(None)
        self.images = nn.Parameter(given.images.float() / 127.5 - 1)
        self.turn = turn

    def embed(self, labels: Tensor) -> Tensor:
        return ((labels + self.turn) % 3)[:, None].float()

    def draw(self, latent: Tensor, c: Tensor | None = None) -> Tensor:
        assert c is not None
        places = latent.sum(1).mul(1e3).long().abs() % (len(self.images) // 3)
        return self.images[3 * places + c[:, 0].long()]


LEARNT, HELD_OUT, UNSEEN = photographs(90, 0), photographs(60, 1), photographs(90, 2)
COLOURS: nn.Module = Colours()


def judged(generator: Generator, monkeypatch) -> examining.Findings:
    """Without an inversion, for which a generator must be a function of its latent."""
    monkeypatch.setattr(examining, "inversion", lambda *given, **named: (None, None))
    return examine(generator, None, COLOURS, LEARNT, HELD_OUT, effort=QUICK)


def test_a_generator_that_replays_what_it_learnt_from_is_found_out(monkeypatch):
    found = judged(Replaying(LEARNT), monkeypatch)
    assert found.memory.share.mean == 1
    assert found.memory.closest < 1e-3 < found.memory.closest_real
    sheet = found.pictures["memory"][0]
    pairs = sheet.unflatten(2, (4, 2, SIDE))  # (3, H, pair, which, W)
    torch.testing.assert_close(pairs[:, :, :, 0], pairs[:, :, :, 1])


def test_a_generator_of_what_nobody_has_seen_is_as_innocent_as_photographs(monkeypatch):
    found = judged(Replaying(UNSEEN), monkeypatch)
    assert found.memory.share.mean < 0.1
    assert found.memory.closest > found.memory.closest_real / 2


def test_a_copy_of_a_rare_photograph_is_more_suspicious_than_drawings_in_a_crowd():
    crowd = 1e-3 * torch.rand(50, 4, generator=torch.Generator().manual_seed(0))
    rare = torch.full((1, 4), 9.0)
    learnt, drawn = torch.cat([crowd, rare]), torch.cat([crowd + 1e-5, rare + 1e-2])
    images = torch.arange(51).byte().view(51, 1, 1, 1).expand(-1, 3, 2, 2)
    drawings = examining._Drawn(images, drawn, torch.zeros(51))
    _, sheet = examining._memory(images, learnt, torch.cat([crowd.flip(1), rare + 1]), [drawings])
    assert round(float(sheet[0, 0, 0, 0]) * 255) == 50


def test_drawings_like_photographs_are_as_far_from_them_as_photographs_are(monkeypatch):
    found = judged(Replaying(UNSEEN), monkeypatch).likeness
    assert found.half == 30
    assert found.half_distance.mean < 2 * found.real_distance.mean
    far = photographs(90, 3)
    dark = Replaying(Photographs(far.images // 4, far.labels, far.classes))
    worse = judged(dark, monkeypatch).likeness
    assert worse.half_distance.mean > 5 * worse.real_distance.mean
    assert worse.precision.mean < found.precision.mean


@pytest.mark.parametrize(("turn", "part"), [(0, 1.0), (1, 0.0)])
def test_the_classes_of_drawings_are_those_asked_for(turn, part, monkeypatch):
    found = judged(Replaying(UNSEEN, turn), monkeypatch).classes
    assert found is not None
    assert found.drawings == Spread(part, 0.0)
    assert found.photographs == 1
    assert found.by_class == dict.fromkeys(CLASSES, part)


def test_without_classes_nothing_is_said_of_them(monkeypatch):
    generator = Replaying(UNSEEN)
    monkeypatch.setattr(examining, "inversion", lambda *given, **named: (None, None))
    bare = photographs(60, 1, classes=())
    found = examine(generator, None, COLOURS, LEARNT, bare, seeds=(0,), effort=QUICK)
    assert found.classes is None


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_examined_and_its_card_says_so(family, tmp_path):
    pair = FAMILIES[family](SIDE, 3, 4)
    noise = torch.Generator().manual_seed(0)
    generator = initialised(pair.generator, noise).eval().requires_grad_(False)
    discriminator = initialised(pair.discriminator, noise).eval().requires_grad_(False)
    found = examine(generator, discriminator, COLOURS, LEARNT, HELD_OUT, seeds=(0, 1), effort=QUICK)
    found.save(tmp_path)
    numbers = json.loads((tmp_path / "findings.json").read_text("utf-8"))
    assert numbers["inversion"]["photographs"] == 4
    assert all(math.isfinite(way["psnr"]["mean"]) for way in numbers["inversion"]["ways"])
    card = to_markdown(found, "tests")
    for picture in ("memory.png", "inversion.png"):
        assert f"]({picture})" in card
        assert (tmp_path / picture).stat().st_size
    assert f"{found.inversion.ways[0].psnr.mean:.2f}" in card
    assert levels(found.pictures["inversion"][0]).size == (8 * SIDE, SIDE)


def test_inversion_comes_closer_than_its_start_and_counts_what_is_kept():
    pair = FAMILIES["stylegan"](SIDE, 0, 4)
    noise = torch.Generator().manual_seed(0)
    generator = initialised(pair.generator, noise).eval().requires_grad_(False)
    discriminator = initialised(pair.discriminator, noise).eval().requires_grad_(False)
    effort = Effort(inverted=4, candidates=3, steps=20)
    found, _ = inversion(
        generator, discriminator, LEARNT.images, HELD_OUT.images, seeds=(0,), effort=effort
    )
    inverted, start, colour, *_ = found.ways
    assert inverted.psnr.mean > start.psnr.mean + 1
    assert inverted.values == generator.layers * generator.z_dim
    assert (colour.values, colour.between_seeds) == (3, None)


def test_the_closest_photograph_is_found_among_many():
    wanted = LEARNT.images[[80, 3]].float() / 255
    assert torch.equal(closest(wanted + 0.01, LEARNT.images.repeat(4, 1, 1, 1)), wanted)


def test_a_photograph_that_was_learnt_from_is_close_without_end():
    """Its PSNR would be infinite, which no JSON holds."""
    pair = FAMILIES["biggan"](SIDE, 0, 4)
    noise = torch.Generator().manual_seed(0)
    generator = initialised(pair.generator, noise).eval().requires_grad_(False)
    discriminator = initialised(pair.discriminator, noise).eval().requires_grad_(False)
    found, _ = inversion(
        generator, discriminator, LEARNT.images, LEARNT.images, seeds=(0,), effort=QUICK
    )
    nearest = next(way for way in found.ways if way.name.startswith("nearest"))
    assert nearest.psnr == Spread(100.0, 0.0)


def test_the_larger_a_copy_the_closer_and_one_of_all_pixels_is_the_photograph():
    images = HELD_OUT.images.float() / 255
    errors = [float((shrink(images, side) - images).square().mean()) for side in (1, 2, 4, SIDE)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-12


def test_a_single_number_has_no_spread():
    assert Spread.of([2.0]) == Spread(2.0, 0.0)
    assert Spread.of([1.0, 3.0]) == Spread(2.0, math.sqrt(2))
