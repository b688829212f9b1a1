"""What a degradation says of itself, for every kind and for compositions in several orders."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from priorfit.degradations import (
    BlindDownsample,
    Blur,
    Border,
    Compose,
    Degradation,
    Downsample,
    Enlarge,
    Foreign,
    Grayscale,
    Identity,
    Lanczos,
    Mask,
    Window,
)
from priorfit.errors import ProblemError
from priorfit.guarantee.comparators import BIHARMONIC, PYRAMID
from priorfit.guarantee.evidence import evidence_on
from priorfit.guarantee.guard import make_guard
from priorfit.loop import memory
from priorfit.loop.finish import KeepKnownPixels
from priorfit.loop.fit import Fit, restore
from priorfit.loop.scores import HeldOut
from priorfit.loop.tiled import TiledFit
from priorfit.loop.tiles import Grid
from priorfit.noise import Noise
from priorfit.problem import Problem
from priorfit.tasks.problems import in_own_units
from priorfit.units import Units
from tests.pictures import uniform
from tests.tiny import TINY

SIZE = (24, 20)
PSF = uniform(3, 4, seed=1)


class Mirror:
    """A foreign operator, of which nothing is known."""

    def A(self, x: Tensor) -> Tensor:  # noqa: N802
        return x.flip(-1)


def holed(height: int = SIZE[0], width: int = SIZE[1], channels: int = 1, fill: float = 0) -> Mask:
    known = uniform(1, channels, height, width, seed=3) > 0.3
    known[..., 8:14, 6:12] = False
    return Mask(known, fill)


# A degradation, and the number of channels of its observation, which is always of one size.
ASKED: dict[str, tuple[Degradation, int]] = {
    "identity": (Identity(), 3),
    "mask": (holed(), 3),
    "filled mask of each channel": (holed(channels=3, fill=0.5), 3),
    "downsample": (Downsample(2), 3),
    "downsample as pillow": (Downsample(3, Lanczos(3), border=Border.RENORMALISE), 1),
    "valid downsample": (Downsample(2, border=Border.VALID), 1),
    "blur": (Blur(PSF), 3),
    "blur of one size": (Blur(PSF, Border.REPLICATE), 1),
    "grayscale": (Grayscale(), 1),
    "enlarge": (Enlarge(2), 1),
    "foreign": (Foreign(Mirror()), 3),
    "unknown window": (BlindDownsample(2), 3),
    "nothing": (Compose(), 3),
    "grey with holes": (Compose(Grayscale(), holed()), 1),
    "holes then grey": (Compose(holed(fill=0.5), Grayscale()), 1),
    "holes of channels then grey": (Compose(holed(channels=3, fill=0.5), Grayscale()), 1),
    "holes in holes": (Compose(holed(), Mask(uniform(1, 1, *SIZE, seed=4) > 0.2)), 3),
    "nested": (Compose(Identity(), Compose(Grayscale(), holed()), Identity()), 1),
    "blurred holes": (Compose(holed(26, 23), Blur(PSF)), 3),
    "blur with holes": (Compose(Blur(PSF), holed()), 3),
    "small with holes": (Compose(Downsample(2), holed()), 1),
    "holes made small": (Compose(holed(48, 40), Downsample(2)), 3),
    "small blur": (Compose(Blur(PSF), Downsample(2)), 1),
    "blurred small": (Compose(Downsample(2), Blur(PSF)), 1),
    "grey and small": (Compose(Downsample(2), Grayscale()), 1),
    "small and enlarged": (Compose(Downsample(2), Enlarge(2)), 3),
    "unknown window with holes": (Compose(Grayscale(), BlindDownsample(2), holed()), 1),
    "foreign with holes": (Compose(Foreign(Mirror()), holed()), 3),
}
UNTILED = {
    "valid downsample": "Downsample",
    "enlarge": "Enlarge",
    "small and enlarged": "Enlarge",
    "foreign": "Foreign",
    "foreign with holes": "Foreign",
    "unknown window": "BlindDownsample",
    "unknown window with holes": "BlindDownsample",
}
LIFTED = ASKED.keys() - {"foreign", "foreign with holes"}
MASKED = {name for name, (degradation, _) in ASKED.items() if degradation.masked}
EXACT = {"identity", "mask", "filled mask of each channel", "grayscale", "nothing"}
EXACT |= {"grey with holes", "holes then grey", "holes in holes", "nested"}


def of(names) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", sorted(names))


def made(name: str, seed: int = 5) -> tuple[Degradation, Tensor, Tensor]:
    """A degradation, an image and its observation, in double precision."""
    degradation, channels = ASKED[name]
    image = uniform(1, *degradation.image_shape((channels, *SIZE)), seed=seed)
    return degradation, image, degradation(image)


def posed(name: str, *finish) -> Problem:
    degradation, _, y = made(name)
    return Problem(y.float(), degradation, noise_std=0.05, finish=finish)


@of(ASKED)
def test_what_is_known_depends_on_the_image_and_nothing_else_does(name):
    degradation, image, y = made(name)
    known = degradation.known_in(y)
    other = degradation(uniform(*image.shape, seed=6))
    assert known.shape == y.shape and known.dtype == torch.bool
    assert torch.equal((y - other).abs() > 1e-6, known)
    assert degradation.masked or known.all()


@of(ASKED)
def test_an_observation_that_is_filled_anew_is_the_same(name):
    degradation, _, y = made(name)
    assert torch.allclose(degradation.refill(y), y)
    lost = y.where(degradation.known_in(y), -7.0)
    assert torch.allclose(degradation.refill(lost), y)


@of(MASKED)
def test_what_is_hidden_too_is_known_no_more_and_the_rest_is(name):
    degradation, image, y = made(name)
    hidden = uniform(*y.shape, seed=7) < 0.2
    less, seen = degradation.hide(hidden, y)
    assert torch.equal(less.known_in(seen), degradation.known_in(y) & ~hidden)
    assert torch.allclose(less(image), seen)


@of(ASKED.keys() - MASKED)
def test_nothing_is_hidden_where_nothing_can_be_missing(name):
    degradation, _, y = made(name)
    assert degradation.hide(uniform(*y.shape) < 0.2, y) is None


@of(ASKED)
def test_what_is_put_back_leaves_the_true_image_alone(name):
    degradation, image, y = made(name)
    assert torch.allclose(degradation.put_back(image, y), image)


@of(ASKED)
def test_putting_back_twice_is_putting_back_once(name):
    degradation, image, y = made(name)
    once = degradation.put_back(torch.full_like(image, 0.5), y)
    assert torch.allclose(degradation.put_back(once, y), once)


@of(EXACT)
def test_an_image_with_all_put_back_gives_the_observation(name):
    degradation, image, y = made(name)
    back = degradation.put_back(uniform(*image.shape, seed=8), y)
    assert torch.allclose(degradation(back), y, atol=1e-6)


@of(MASKED & EXACT)
def test_a_fit_keeps_what_is_known_if_it_is_to(name):
    problem = posed(name, KeepKnownPixels())
    image = restore(problem, TINY.recipe(2), [0]).image
    known = problem.known
    assert torch.allclose(problem.operator(image)[known], problem.observation[known], atol=1e-5)


@of(LIFTED)
def test_a_flat_observation_is_lifted_to_a_flat_image(name):
    degradation, image, y = made(name)
    lifted = degradation.lift(torch.full_like(y, 0.5))
    assert lifted.shape == image.shape
    assert torch.allclose(lifted, torch.tensor(0.5, dtype=lifted.dtype))


@of(ASKED.keys() - LIFTED)
def test_what_cannot_be_lifted_is_refused(name):
    degradation, _, y = made(name)
    with pytest.raises(ProblemError, match="Foreign"):
        degradation.lift(y)


WINDOW = Window(4, 2, 15, 14)


@of(ASKED.keys() - UNTILED.keys())
def test_a_part_of_an_observation_is_one_of_a_part_of_the_image(name):
    degradation, image, y = made(name)
    behind = degradation.behind(WINDOW)
    part = degradation.part(WINDOW)
    assert part.image_shape((y.shape[1], *WINDOW[2:]))[1:] == behind[2:]
    seen = part(behind.cut(image))[..., 5:-5, 5:-5]  # what lies at an edge sees another border
    assert torch.allclose(seen, WINDOW.cut(y)[..., 5:-5, 5:-5])


@of(ASKED.keys() - UNTILED.keys())
def test_tiles_of_any_kind_make_a_picture_of_the_right_size(name, monkeypatch):
    monkeypatch.setattr("priorfit.loop.tiles.LEAST", 8)
    problem = posed(name)
    fit = TiledFit(problem, TINY.recipe(1), [0], Grid(SIZE, 16, 4))
    assert fit.result().image.shape[1:] == problem.finished_shape
    for _ in fit:
        pass
    assert fit.result().image.shape[1:] == problem.finished_shape


@of(UNTILED)
def test_what_has_no_parts_is_refused_in_a_line(name):
    with pytest.raises(ProblemError, match=rf"tiles: nobody knows what {UNTILED[name]} makes"):
        TiledFit(posed(name), TINY.recipe(1), [0], Grid(SIZE, 48, 4))


@of(ASKED)
def test_a_result_has_the_margins_cut_off(name):
    problem = posed(name)
    image = restore(problem, TINY.recipe(1), [0]).image
    assert tuple(image.shape[1:]) == problem.finished_shape
    left, right, top, bottom = problem.operator.overhang
    assert problem.finished_shape[1:] == (
        problem.shape[1] - top - bottom,
        problem.shape[2] - left - right,
    )


@of(ASKED)
def test_other_units_change_the_units_of_what_is_seen_and_nothing_else(name):
    degradation, image, y = made(name)
    units = Units(-0.5, 2.5)
    inside = degradation.in_units(units)
    assert torch.allclose(inside.refill(units.inward(y)), inside(units.inward(image)), atol=1e-4)
    assert inside.masked == degradation.masked


@of({"identity", "mask", "filled mask of each channel", "blur", "holes in holes", "blurred holes"})
def test_a_grey_picture_of_three_channels_is_fitted_as_one(name):
    degradation, image, _ = made(name)
    grey = image[:, :1].expand_as(image)
    if name.startswith("filled"):
        degradation = replace(degradation, known=degradation.known[:, :1].expand(-1, 3, -1, -1))
    problem = Problem(degradation(grey).float(), degradation)
    inside = in_own_units(problem)
    assert inside.shape[0] == 1 and inside.observation.shape[1] == 1
    result = restore(inside, TINY.recipe(1), [0]).image
    assert tuple(result.shape[1:]) == problem.finished_shape


@of(ASKED)
def test_a_small_problem_of_the_same_kind_can_be_made(name):
    problem = posed(name)
    small = memory._like(problem, 32)
    share = problem.shape[1] / problem.size[0]
    assert small.shape[0] == problem.shape[0]
    assert small.shape[1] / small.size[0] == pytest.approx(share, rel=0.2)
    assert small.operator.masked == problem.operator.masked
    seen = small.operator(torch.rand(1, *small.shape))
    assert seen.shape == small.observation.shape
    Fit(small, TINY.recipe(1), [0])


def test_a_foreign_operator_of_one_shape_has_no_small_problem():
    degradation = Foreign(Mirror(), (3, *SIZE))
    with pytest.raises(ProblemError, match="cannot be foretold"):
        memory._like(Problem(uniform(1, 3, *SIZE), degradation), 32)


@of(MASKED)
def test_entries_held_out_lie_in_no_hole(name):
    problem = posed(name)
    held = HeldOut(fraction=0.1)
    seen = held.begin(problem, Noise([0]))
    assert held.chosen.any() and not (held.chosen & ~problem.known).any()
    assert not (seen.known & held.chosen.expand_as(seen.known)).any()


@of(MASKED & LIFTED)
def test_holes_of_any_kind_are_filled_and_judged_by_what_was_hidden(name):
    problem = posed(name)
    guard = make_guard(problem, [PYRAMID, BIHARMONIC])
    assert guard.evidence.about == "known pixels held out"
    assert guard.instead.shape[1:] == problem.shape
    fit = Fit(problem, TINY.recipe(1), [0])
    list(fit)
    assert guard.judge(fit, fit.drawn()).errors["fit"] >= 0


@of(ASKED)
def test_evidence_is_of_the_kind_that_the_degradation_allows(name):
    problem = posed(name)
    kinds = {(True, False): "HiddenEvidence", (False, True): "SteinEvidence"}
    asked = (problem.operator.masked, problem.operator.direct)
    assert type(evidence_on(problem)).__name__ == kinds.get(asked, "ExplainedEvidence")


@of({"unknown window", "unknown window with holes"})
def test_unknown_numbers_are_fitted_wherever_they_stand(name):
    degradation, image, y = made(name)
    code = degradation.start(y)
    assert all(part.startswith("degradation.") for part in code)
    assert torch.allclose(degradation.at(code)(image), y, atol=1e-6)
    recipe = TINY.recipe(2)
    stage = replace(recipe.stages[0], lr={"network": 0.01, "degradation": 0.01})
    after = restore(posed(name), replace(recipe, stages=[stage]), [0]).code
    assert all(not torch.equal(after[part], tensor.float()) for part, tensor in code.items())


@of(ASKED.keys() - {"unknown window", "unknown window with holes"})
def test_nothing_is_fitted_where_all_is_known(name):
    degradation, _, y = made(name)
    assert degradation.start(y) == {}


def test_a_callable_of_ones_own_is_a_degradation():
    class Halved:
        def __call__(self, image: Tensor) -> Tensor:
            return image / 2

        def image_shape(self, observation: tuple[int, int, int]) -> tuple[int, int, int]:
            return observation

    problem = Problem(uniform(1, 3, 8, 8), Halved())
    assert problem.known.all() and problem.shape == (3, 8, 8)
    assert Compose(Halved(), Identity()).image_shape((3, 8, 8)) == (3, 8, 8)
