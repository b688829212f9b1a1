"""The loop: it descends, stops, resumes to the same bytes, and keeps images apart."""

import math
from functools import partial

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from torch import nn

from priorfit.code import detached, lerp, part, select, split, stack
from priorfit.degradations import BlindDownsample, Downsample, Identity, Mask
from priorfit.errors import ProblemError, RecipeError
from priorfit.loop.fit import Fit, Recipe, Stage, optimise, restore
from priorfit.loop.optimizers import lbfgs
from priorfit.loop.schedules import Decay, Stairs
from priorfit.loop.steps import Best, Rewinding, Smoothed, Snapshots, Until
from priorfit.noise import Noise
from priorfit.priors.deep_image import DeepImagePrior
from priorfit.priors.inputs import Companion, Guide, MeshGrid, NormalNoise, Observed, UniformNoise
from priorfit.problem import Problem
from priorfit.terms.data import Mse, TotalVariation


class TinyNetwork(nn.Sequential):
    """Two convolutions with batch statistics between them; milliseconds at 8×8."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.LeakyReLU(0.2),
            nn.Conv2d(4, out_channels, 1),
            nn.Sigmoid(),
        )


def picture(batch: int = 1, channels: int = 3, side: int = 8, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, channels, side, side, generator=generator)


def recipe(steps: int = 6, jitter: float = 0.05, **fields: object) -> Recipe:
    prior = DeepImagePrior(TinyNetwork, [UniformNoise(2), MeshGrid()], jitter=(jitter, 0.0))
    stages = [Stage(steps, {"network": 0.01}, 1.0 * Mse())]
    return Recipe(prior, stages, **fields)  # type: ignore[arg-type]


TWO_STAGES = [
    Stage(4, {"network": 0.01}, 1.0 * Mse()),
    Stage(
        3,
        {"network": lambda step: 0.01 / (1 + step), "z.0": 0.001},
        Mse() + 1e-4 * TotalVariation(),
    ),
]
ADAM_THEN_LBFGS = [
    Stage(4, {"network": 0.001}, 1.0 * Mse()),
    Stage(3, {"network": 0.1}, 1.0 * Mse(), optimizer=lbfgs),
]
FILTERS = (partial(Rewinding, every=2), partial(Smoothed, 0.9), Best)
PROBLEMS = {
    "identity": Problem(picture(), Identity()),
    "upscale": Problem(picture(side=4), Downsample(2)),
    "inpaint": Problem(picture(), Mask((picture(channels=1) > 0.5).float())),
    "blind": Problem(picture(side=4), BlindDownsample(2)),
}


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
@pytest.mark.parametrize("stages", [TWO_STAGES, ADAM_THEN_LBFGS], ids=["adam", "lbfgs"])
def test_the_loss_falls(problem, stages):
    method = Recipe(recipe(jitter=0.0).prior, stages)
    losses = [step.losses["Mse"].item() for step in Fit(problem, method, [0])]
    assert len(losses) == method.steps
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("stages", [TWO_STAGES, ADAM_THEN_LBFGS], ids=["adam", "lbfgs"])
@pytest.mark.parametrize("stop", range(1, 7))
def test_a_fit_stopped_anywhere_and_resumed_ends_in_the_same_bytes(stages, stop):
    problem = PROBLEMS["identity"]
    method = Recipe(recipe().prior, stages, FILTERS)
    whole = restore(problem, method, [3])

    first = Fit(problem, method, [3])
    for _, step in zip(range(stop), first, strict=False):
        del step
    second = Fit(problem, method, [3], resume=first.state_dict())
    for _ in second:
        pass
    assert torch.equal(second.result().image, whole.image)
    for name, tensor in second.result().code.items():
        assert torch.equal(tensor, whole.code[name]), name


def test_same_seed_same_bytes_other_seed_another_image():
    problem = PROBLEMS["inpaint"]
    one, again, other = (restore(problem, recipe(), [seed]).image for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_an_image_starts_and_steps_alone_as_in_a_batch():
    together = Problem(picture(2).double(), Identity())
    alone = Problem(together.observation[1:], Identity())
    both = list(Fit(together, recipe(10), [5, 6]))
    one = list(Fit(alone, recipe(10), [6]))
    assert torch.equal(both[0].image[1:], one[0].image)
    for a, b in zip(both, one, strict=True):
        assert torch.allclose(a.loss[1:], b.loss, rtol=1e-8, atol=0)


def test_the_global_random_state_is_never_touched():
    import random

    torch_state, python_state = torch.get_rng_state(), random.getstate()
    restore(PROBLEMS["upscale"], recipe(filters=FILTERS), [0])
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert random.getstate() == python_state


def test_lbfgs_refuses_a_batch():
    problem = Problem(picture(2), Identity())
    method = Recipe(recipe().prior, ADAM_THEN_LBFGS)
    with pytest.raises(RecipeError, match="one image at a time"):
        restore(problem, method, [0, 1])


def test_a_stage_that_tunes_an_unknown_part_is_refused():
    method = Recipe(recipe().prior, [Stage(1, {"w": 0.1}, 1.0 * Mse())])
    with pytest.raises(RecipeError, match="tunes 'w', but the prior's code has only"):
        restore(PROBLEMS["identity"], method, [0])


@pytest.mark.parametrize("parts", [["network"], ["z"], ["network", "z.0"], ["network.0", "z.1"]])
def test_only_the_named_parts_move(parts):
    method = Recipe(recipe().prior, [Stage(2, dict.fromkeys(parts, 0.1), 1.0 * Mse())])
    problem = PROBLEMS["identity"]
    start = recipe().prior.start(problem, Noise([0]))
    end = restore(problem, method, [0]).code
    for name, tensor in start.items():
        tuned = any(name in part(start, wanted) for wanted in parts)
        assert torch.equal(tensor, end[name]) != (tuned or name.startswith("buffers")), name


def test_a_blind_kernel_is_fitted_with_the_image():
    problem = PROBLEMS["blind"]
    stage = Stage(3, {"network": 0.01, "degradation": 0.01}, 1.0 * Mse())
    before = problem.degradation
    after = restore(problem, Recipe(recipe().prior, [stage]), [0]).code
    assert not torch.equal(
        before.start(problem.observation)["degradation.kernel"], after["degradation.kernel"]
    )


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_a_blind_kernel_starts_as_the_known_one(factor):
    image = picture(2, side=12)
    assert torch.allclose(BlindDownsample(factor)(image), Downsample(factor)(image), atol=1e-6)


def test_a_learning_rate_of_zero_collects_moments_and_stands_still():
    problem = PROBLEMS["identity"]
    code = recipe().prior.start(problem, noise := Noise([0]))
    still = code["z.0"].clone()
    method = Recipe(recipe().prior, [Stage(2, {"network": 0.01, "z.0": 0.0}, 1.0 * Mse())])
    *_, last = optimise(code, problem, method, noise)
    assert torch.equal(code["z.0"], still)
    assert last.state.optimizer is not None
    assert last.state.optimizer.state[code["z.0"]]["exp_avg"].abs().sum() > 0


def test_of_overlapping_parts_the_longest_name_holds():
    code = recipe().prior.start(PROBLEMS["identity"], Noise([0]))
    shares = split(code, ["network", "network.0"])
    assert set(shares["network.0"]) == set(part(code, "network.0"))
    assert not set(shares["network"]) & set(shares["network.0"])


def test_weight_noise_moves_the_render_and_not_the_code():
    problem = PROBLEMS["identity"]
    prior = DeepImagePrior(TinyNetwork, [UniformNoise(2)], weight_noise=0.1)
    code = prior.start(problem, noise := Noise([0]))
    before = detached(part(code, "network.0"))
    assert not torch.equal(prior.render(prior.vary(code, noise)), prior.render(code))
    for name, tensor in before.items():
        assert torch.equal(tensor, code[name])


@pytest.mark.parametrize("part", ["jitter", "weight_noise"])
def test_what_disturbs_a_code_may_fade_with_the_steps(part):
    """A schedule at a step is the constant of its value there, and zero draws no numbers."""
    problem, schedule = PROBLEMS["identity"], Stairs(((2, 0.5), (4, 0.1)))

    def varied(strength, step):
        prior = DeepImagePrior(TinyNetwork, [UniformNoise(2)], **{part: strength})
        code = prior.start(problem, noise := Noise([0]))
        return prior.vary(code, noise, step), noise.state_dict()["generators"][0]

    for step, value in enumerate([0.5, 0.5, 0.1, 0.1, 0.0, 0.0]):
        (one, after), (other, then) = varied(schedule, step), varied(value, 0)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)
        assert torch.equal(after, then)


@given(first=st.floats(-10, 10), last=st.floats(-10, 10), half=st.floats(0.5, 1e4))
def test_a_decay_goes_half_of_the_rest_of_the_way_in_every_half_life(first, last, half):
    decay = Decay(first, half, last)
    assert decay(0) == pytest.approx(first, abs=1e-9)
    assert decay(math.inf) == last  # type: ignore[arg-type]  # a step without an end
    for step in (0, 3, 40):
        rest = decay(step) - last
        assert decay(step + half) - last == pytest.approx(rest / 2, abs=1e-9)  # type: ignore[arg-type]


def test_the_loop_counts_the_steps_of_all_stages_for_what_fades():
    seen = []
    prior = DeepImagePrior(TinyNetwork, [UniformNoise(2)], jitter=lambda n: seen.append(n) or 0.0)
    stages = [Stage(2, {"network": 0.01}, 1.0 * Mse())] * 2
    restore(PROBLEMS["identity"], Recipe(prior, stages), [0])
    assert seen == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "source",
    [
        UniformNoise(2),
        NormalNoise(3),
        MeshGrid(),
        Observed(),
        Companion(),
        Guide(lambda p: p.observation),
    ],
)
def test_every_input_has_the_size_of_the_image(source):
    problem = Problem(picture(2), Identity(), companion=picture(2))
    z = source(problem, Noise([0, 1]))
    assert z.shape[0] == 2
    assert z.shape[2:] == problem.observation.shape[2:]


def test_codes_stack_select_and_interpolate():
    prior = recipe().prior
    a, b = (prior.start(PROBLEMS["identity"], Noise([seed])) for seed in (0, 1))
    both = stack([a, b])
    assert torch.equal(prior.render(select(both, 1)), prior.render(b))
    assert torch.equal(lerp(a, b, 0.0)["z.0"], a["z.0"])
    assert torch.equal(lerp(a, b, 1.0)["z.0"], b["z.0"])


@pytest.mark.parametrize(
    ("observation", "degradation"),
    [
        (torch.zeros(3, 8, 8), Identity()),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), Identity()),
        (torch.full((1, 3, 8, 8), torch.nan), Identity()),
        (torch.zeros(1, 3, 8, 8), "blur"),
    ],
)
def test_a_problem_that_makes_no_sense_is_refused(observation, degradation):
    with pytest.raises(ProblemError):
        Problem(observation, degradation)


def test_a_foreign_operator_takes_the_place_of_a_degradation():
    class Physics:
        """Shaped like a deepinv physics: calling it adds noise, so that only A may be called."""

        def A(self, x: torch.Tensor) -> torch.Tensor:  # noqa: N802
            return x[..., ::2, ::2]

        def __call__(self, x: torch.Tensor) -> torch.Tensor:
            raise AssertionError("calling a physics adds noise")

    y = picture(side=4)
    problem = Problem(y, Physics(), image_shape=(3, 8, 8))
    assert restore(problem, recipe(), [0]).image.shape == (1, 3, 8, 8)


class TestFilters:
    """Filters pick images, end runs and rewind; `steps.py`."""

    def test_smoothed_is_the_weighted_mean_of_what_was_seen(self):
        plain = [step.image for step in Fit(PROBLEMS["identity"], recipe(), [0])]
        fit = Fit(PROBLEMS["identity"], recipe(filters=[partial(Smoothed, 0.5)]), [0])
        *_, last = fit
        weights = torch.tensor([0.5 ** (len(plain) - i) for i in range(len(plain))])
        mean = sum(w * x for w, x in zip(weights / weights.sum(), plain, strict=True))
        assert torch.allclose(last.image, mean, atol=1e-6)
        assert last.picked

    def test_best_keeps_the_code_that_drew_the_image(self):
        method = recipe(8, jitter=0.0, filters=[Best])
        fit = Fit(PROBLEMS["identity"], method, [0])
        losses = [step.loss.item() for step in fit]
        result = fit.result()
        drawn = method.prior.render(result.code)
        error = (drawn - PROBLEMS["identity"].observation).square().mean().item()
        assert torch.allclose(drawn, result.image)
        assert error == pytest.approx(min(losses), rel=1e-4)

    def test_until_ends_the_run_and_says_why(self):
        stop = partial(Until, lambda step: step.state.taken >= 3, "three are enough")
        fit = Fit(PROBLEMS["identity"], recipe(filters=[stop]), [0])
        assert len(list(fit)) == 3
        assert fit.result().why_stopped == "three are enough"

    def test_snapshots_keep_the_asked_steps(self):
        keep = Snapshots([1, 4])
        fit = Fit(PROBLEMS["identity"], recipe(filters=[lambda: keep]), [0])
        images = [step.image for step in fit]
        assert torch.equal(keep.images[1], images[0])
        assert torch.equal(keep.images[4], images[3])
        assert set(keep.images) == {1, 4}

    def test_rewinding_restores_parameters_buffers_and_moments(self):
        problem = PROBLEMS["identity"]
        fit = Fit(problem, recipe(20), [0])
        steps = iter(fit)
        for _ in range(3):
            step = next(steps)
        kept = step.state.state_dict()
        for _ in range(4):
            next(steps)
        step.state.rewind(kept)
        now = step.state.state_dict()
        for name, tensor in kept["code"].items():
            assert torch.equal(tensor, now["code"][name]), name
        for index, moments in kept["optimizer"]["state"].items():
            assert torch.equal(moments["exp_avg"], now["optimizer"]["state"][index]["exp_avg"])
        assert now["taken"] == 7  # the step count goes on

    def test_a_loss_that_is_not_a_number_is_survived(self):
        method = recipe(12, filters=[partial(Rewinding, every=2), partial(Smoothed, 0.5)])
        fit = Fit(PROBLEMS["identity"], method, [0])
        for count, step in enumerate(fit):
            if count == 5:
                with torch.no_grad():
                    step.state.code["network.0.weight"].fill_(torch.nan)
        result = fit.result()
        assert torch.isfinite(result.image).all()
        assert fit.filters[0].rewound == 1

    def test_a_fit_that_cannot_be_saved_ends_with_the_last_good_picture(self):
        method = recipe(30, filters=[partial(Rewinding, every=2, limit=2), partial(Smoothed, 0.5)])
        fit = Fit(PROBLEMS["identity"], method, [0])
        good = None
        for step in fit:
            good = step.image.clone()
            with torch.no_grad():
                fit.filters[0].kept = fit.filters[0].candidate = None
                step.state.code["network.0.weight"].fill_(torch.nan)
        assert good is not None
        assert torch.equal(fit.result().image, good.clamp(0, 1))
        assert "did not return" in fit.result().why_stopped

    def test_a_fit_that_gives_up_stands_at_the_last_good_copy(self):
        method = recipe(30, filters=[partial(Rewinding, every=2, limit=2)])
        fit = Fit(PROBLEMS["identity"], method, [0])
        for step in fit:
            if step.state.taken > 5:
                with torch.no_grad():
                    step.state.code["network.0.weight"].fill_(torch.nan)
                fit.filters[0].limit = 0
        good = fit.filters[0].kept["code"]
        result = fit.result()
        assert "did not return" in result.why_stopped
        for name in (name for name in good if name.startswith("network.")):
            assert torch.equal(result.code[name], good[name]), name
        assert torch.isfinite(result.image).all()
