from dataclasses import replace
from functools import partial

import pytest
import torch
from torch.utils._pytree import tree_leaves

from priorfit import recipes
from priorfit.classical.block_matching import BlockMatching
from priorfit.classical.guides import observation
from priorfit.degradations import Blur, Downsample, Identity, Mask, gaussian_psf
from priorfit.loop import memory
from priorfit.loop.ensemble import Blended
from priorfit.loop.fit import Fit
from priorfit.loop.memory import Counting, Forecast, Probe, available, forecast, used
from priorfit.noise import Noise
from priorfit.priors.inputs import Hiding, Probing
from priorfit.problem import Problem
from priorfit.recipes.method import Cited
from tests.tiny import TINY


def image(side: int = 48) -> torch.Tensor:
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))


def test_a_tensor_counts_from_its_birth_to_its_death():
    with Counting() as counted:
        a = torch.zeros(1000)
        assert counted.peak == 4000
        view = a[:10]  # no bytes of its own
        assert counted.peak == 4000
        del a, view
        torch.zeros(500)
        assert counted.peak == 4000
        both = torch.zeros(500), torch.zeros(750)
    assert counted.peak == 5000
    assert len(both) == 2


def test_what_autograd_keeps_counts_too():
    x = torch.zeros(1000, requires_grad=True)
    with Counting() as counted:
        x.exp().exp().exp().sum().backward()
    assert counted.peak >= 4 * 4000


LINE = Forecast((Probe(100, 1000, 1.0, 0.1), Probe(200, 1500, 1.5, 0.2)))


def test_a_forecast_is_a_straight_line_there_and_back():
    assert LINE.memory(200) == pytest.approx(1500 * 1.35, abs=1)
    assert LINE.memory(1000) == pytest.approx(5500 * 1.35, abs=1)
    for pixels in (300, 5000, 10**6):
        assert LINE.pixels(LINE.memory(pixels)) == pytest.approx(pixels, abs=2)
    assert LINE.seconds(1000, 10) == pytest.approx(1.0 + 0.005 * 900 + 10 * 1.0)
    assert LINE.pixels(0) == 0


PROBLEMS = [
    Problem(image(), Identity(), noise_std=0.1),
    Problem(image(), Mask(image()[:, :1] > 0.3)),
    Problem(image(), Downsample(3)),
    Problem(image(), Blur(gaussian_psf(1.0))),
    Problem(image(), Identity(), companion=image()),
]


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: type(p.degradation).__name__)
def test_estimates_grow_with_the_size_for_every_kind_of_problem(problem: Problem, monkeypatch):
    monkeypatch.setattr(memory, "_SIDES", (24, 48))
    found = forecast(problem, TINY.recipe(8))
    assert 0 < found.memory(10_000) < found.memory(1_000_000)
    assert found.memory(2_000_000) - found.memory(1_000_000) > 32 * 4 * 1_000_000  # its input alone


@pytest.mark.parametrize("name", ["dip/denoise", "dip/inpaint", "dip/upscale"])
def test_a_probe_foretells_what_a_larger_fit_takes(name: str, monkeypatch):
    tiny = replace(recipes.find(name), network=TINY.network).recipe(8)
    monkeypatch.setattr(memory, "_SIDES", (32, 64))
    monkeypatch.setattr(memory, "_SPARE", 1.0)
    known = Mask(image(96)[:, :1] > 0.5)
    problem = {
        "dip/denoise": Problem(image(96), Identity(), noise_std=0.1),
        "dip/inpaint": Problem(known(image(96)), known),
        "dip/upscale": Problem(image(24), Downsample(4)),
    }[name]
    foretold = forecast(problem, tiny).memory(96 * 96)
    with Counting() as counted:
        fit = Fit(problem, tiny, [0])
        steps = iter(fit)
        next(steps)
        next(steps)
    checkpoint = sum(storage.nbytes() for storage in storages_of(fit.state_dict()))
    assert foretold == pytest.approx(counted.peak + checkpoint, rel=0.15)


def storages_of(state) -> list[torch.UntypedStorage]:
    """What the tensors of a nested state lie in, each once."""
    tensors = [leaf for leaf in tree_leaves(state) if isinstance(leaf, torch.Tensor)]
    return list({t.untyped_storage().data_ptr(): t.untyped_storage() for t in tensors}.values())


def test_a_checkpoint_counts_beside_the_fit():
    with_it = Forecast((Probe(100, 1000, 1.0, 0.1, 10), Probe(200, 1500, 1.5, 0.2, 20)))
    assert with_it.memory(400) == LINE.memory(400) + 40
    for pixels in (300, 5000, 10**6):
        assert with_it.pixels(with_it.memory(pixels)) == pytest.approx(pixels, abs=2)


def test_bounded_work_counts_up_to_its_bound():
    known = Forecast((LINE.probes[0], replace(LINE.probes[1], bounded=2000, bound=400)))
    assert known.memory(200) == pytest.approx((1500 + 2000) * 1.35, abs=1)
    assert known.memory(400) == pytest.approx((2500 + 6000) * 1.35, abs=1)
    assert known.memory(500) == pytest.approx((3000 + 6000) * 1.35, abs=1)
    for pixels in (300, 500, 5000, 10**6):
        assert known.pixels(known.memory(pixels)) == pytest.approx(pixels, abs=2)


def test_a_probe_knows_how_much_block_matching_takes_of_a_large_picture(monkeypatch):
    matching = BlockMatching(reach=4, alike=8, alike_again=8, stride=4, places=96 * 96)
    tiny = replace(
        TINY, filters=Cited([partial(Blended, partial(matched, matching), 0.5)], "tests")
    )
    monkeypatch.setattr(memory, "_SIDES", (48, 96))
    monkeypatch.setattr(memory, "_SPARE", 1.0)
    problem = Problem(image(128), Identity(), noise_std=0.1)
    foretold = forecast(problem, tiny.recipe(8))
    with Counting() as counted:
        matching(problem.observation, 0.1)
    pixels = 128 * 128
    assert foretold._at(96 * 96, "bounded") == pytest.approx(counted.peak, rel=0.2)
    assert foretold.memory(pixels) - foretold.memory(96 * 96) < 0.15 * counted.peak


def matched(matching: BlockMatching, problem: Problem) -> torch.Tensor:
    assert problem.noise_std is not None
    return matching(problem.observation, problem.noise_std)


def test_the_system_tells_what_is_there():
    assert available(torch.device("cpu")) > 2**20
    assert used() >= 0


@pytest.mark.parametrize(
    "source", [Probing(observation, copies=24), Hiding(observation, copies=24)]
)
def test_a_pool_takes_little_more_than_itself_while_it_is_made(source):
    known = Mask(image()[:, :1] > 0.5)
    problem = Problem(known(image()), known, noise_std=0.1)
    with Counting() as counted:
        pool = source.pool(problem, Noise([0]))
    assert counted.peak < 1.35 * sum(storage.nbytes() for storage in storages_of(pool))
