"""No picture leaves worse than it came, as far as the evidence tells."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

import priorfit as pf
from priorfit import recipes, tasks
from priorfit.degradations import Downsample, Identity, Mask
from priorfit.guarantee.comparators import AS_IT_WAS, BICUBIC, BIHARMONIC, NON_LOCAL_MEANS
from priorfit.guarantee.evidence import Following, evidence_on
from priorfit.guarantee.guard import contenders, make_guard
from priorfit.loop.fit import Fit
from priorfit.loop.tiles import Grid
from priorfit.problem import Problem
from priorfit.recipes.method import Cited
from priorfit.records.sidecar import load_sidecar
from priorfit.runs import Job, run
from priorfit.tasks import Deblur, Denoise, Inpaint, Upscale
from tests.tiny import TINY, changed, hole, photo, pixels

STD = 0.1


def scene(size: int = 64) -> torch.Tensor:
    """Smooth, with an edge: (1, 1, H, W)."""
    ramp = torch.linspace(0.2, 0.6, size)
    picture = ramp[:, None] * 0.5 + ramp * 0.5
    picture[:, size // 2 :] += 0.2
    return picture[None, None]


def noisy(clean: torch.Tensor, seed: int = 0) -> Problem:
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))
    return Problem(clean + STD * noise, Identity(), noise_std=STD)


def mse(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).square().mean())


def judged(problem: Problem, task: str, image: torch.Tensor):
    """Verdict on a fit that has come to an image."""
    guard = make_guard(problem, tasks.TASKS[task]().contenders[:2])
    assert guard is not None
    fit = Fit(problem, replace(recipes.load("dip/denoise-paper", 1), filters=[Following]), [0])
    return guard, guard.judge(fit, image)


@pytest.mark.parametrize("seed", range(3))
def test_steins_estimate_is_near_the_error_nobody_knows(seed):
    clean = scene()
    problem = noisy(clean, seed)
    evidence = evidence_on(problem)
    for method in (AS_IT_WAS, NON_LOCAL_MEANS):
        image = method.solve(problem)
        error = evidence.of(image, evidence.known(method))
        assert error == pytest.approx(mse(image, clean), abs=0.15 * STD**2)


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0, math.nan])
def test_mush_is_never_handed_out(value):
    clean = scene()
    problem = noisy(clean)
    mush = torch.full_like(clean, value)
    guard, verdict = judged(problem, "denoise", mush)
    image = guard.mix(mush, verdict)
    assert mse(image, clean) <= mse(guard.instead, clean) * 1.001
    assert mse(image, clean) < mse(problem.observation, clean)


def test_the_truth_is_handed_out():
    clean = scene()
    guard, verdict = judged(noisy(clean), "denoise", clean)
    assert verdict.share > 0.9
    assert mse(guard.mix(clean, verdict), clean) < mse(guard.instead, clean) / 4


def test_a_mixture_is_no_worse_than_either():
    clean = scene()
    problem = noisy(clean)
    blurred = torch.nn.functional.avg_pool2d(clean, 5, 1, 2, count_include_pad=False)
    guard, verdict = judged(problem, "denoise", blurred)
    best = min(mse(blurred, clean), mse(guard.instead, clean))
    assert mse(guard.mix(blurred, verdict), clean) <= 1.05 * best


@pytest.mark.parametrize("noise", [0.02, 0.2])
def test_copying_the_noise_is_not_better_than_the_input(noise):
    clean = scene()
    problem = noisy(clean)
    near = problem.observation + noise * STD * torch.randn(
        clean.shape, generator=torch.Generator().manual_seed(9)
    )
    guard, verdict = judged(problem, "denoise", near)
    assert mse(guard.mix(near, verdict), clean) < 1.1 * mse(guard.instead, clean)


def test_a_fill_that_misses_what_is_known_is_not_handed_out():
    clean = scene()
    known = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(1)) > 0.5
    mask = Mask(known)
    problem = Problem(mask(clean), mask)
    assert judged(problem, "inpaint", torch.full_like(clean, 0.5))[1].share == 0
    assert judged(problem, "inpaint", clean)[1].share == 1


def test_an_enlargement_that_explains_less_is_not_handed_out():
    clean = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(2))
    clean = clean.repeat_interleave(4, -1).repeat_interleave(4, -2)
    small = Downsample(2)
    problem = Problem(small(clean), small)
    assert judged(problem, "upscale", torch.full_like(clean, 0.5))[1].share == 0
    assert judged(problem, "upscale", clean)[1].share == 1


def test_a_part_is_judged_like_the_whole():
    clean = scene(96)
    problem = noisy(clean)
    guard = make_guard(problem, [NON_LOCAL_MEANS])
    for window in Grid.of((96, 96), 64).windows:
        part = guard.part(window)
        error = mse(window.cut(guard.instead), window.cut(clean))
        assert torch.equal(part.instead, window.cut(guard.instead))
        assert part.errors["non-local means"] ** 1 == pytest.approx(error, abs=0.2 * STD**2)


def test_what_is_asked_for_costs_a_small_part_of_the_fit():
    large, small = (Problem(torch.rand(1, 3, n, n), Identity(), noise_std=STD) for n in (900, 64))

    def named(problem: Problem, steps: int | None, patience: float) -> set[str]:
        return {m.name for m in contenders(Denoise().contenders, problem, steps, patience)}

    assert named(small, 900, 10.0) == {"as it was", "non-local means", "block matching"}
    assert "block matching" not in named(large, 900, 10.0)
    assert "block matching" not in named(small, 20, 10.0)
    assert named(large, None, 0.1) == {"as it was"}


TASKS = {
    "denoise": lambda folder: Denoise(noise_std=0.1),
    "inpaint": lambda folder: Inpaint(hole_mask=hole(folder / "hole.png")),
    "upscale": lambda folder: Upscale(factor=2),
    "deblur": lambda folder: Deblur(gaussian=1.0),
}
CHEAP = {
    "denoise": "non-local-means",
    "inpaint": "biharmonic",
    "upscale": "bicubic",
    "deblur": "as-it-was",
}


@pytest.fixture
def job(tmp_path, tiny_recipes):
    return lambda task, **how: Job(
        input=photo(tmp_path / "in.png"),
        output=tmp_path / f"{task}.png",
        task=TASKS[task](tmp_path),
        recipe=f"dip/{task}",
        device="cpu",
        **how,
    )


@pytest.mark.parametrize("task", TASKS)
def test_a_fit_that_has_hardly_begun_is_replaced_and_that_is_said(job, task):
    sidecar = run(job(task, time_limit=30.0, steps=1, hand_out="best")).sidecar
    assert sidecar.share_of_fit < 1
    assert sidecar.handed_out != "fit"
    assert sidecar.share_of_fit or any("written instead" in note for note in sidecar.notes)


@pytest.mark.parametrize("task", TASKS)
def test_no_time_at_all_gives_the_cheap_estimate(job, task):
    outcome = run(job(task, time_limit=1e-3))
    assert outcome.sidecar.steps == 0
    assert "no fit was made" in outcome.sidecar.notes[-1]
    assert outcome.job.output.exists()


@pytest.mark.parametrize("task", TASKS)
def test_a_cheap_estimate_can_be_asked_for_by_name(job, task, tmp_path):
    first = run(job(task, hand_out=CHEAP[task]))
    assert first.sidecar.steps == 0
    again = dict(zip(first.sidecar.repeat[::2], first.sidecar.repeat[1::2], strict=True))
    assert again["--hand-out"] == CHEAP[task]


@pytest.mark.parametrize("task", TASKS)
def test_what_was_mixed_can_be_made_again(job, task, tmp_path):
    first = run(job(task, hand_out="best", steps=3))
    made = pixels(first.job.output)
    given = first.sidecar.repeat
    how = given[given.index("--hand-out") + 1] if "--hand-out" in given else None
    second = run(job(task, hand_out=how, steps=3, overwrite=True))
    assert np.array_equal(made, pixels(second.job.output))
    assert second.sidecar.share_of_fit == pytest.approx(first.sidecar.share_of_fit)


def test_steps_that_were_asked_for_are_handed_out_with_a_word(job):
    sidecar = run(job("denoise", steps=2)).sidecar
    assert sidecar.handed_out == "fit"
    assert any("--hand-out best" in note for note in sidecar.notes)


def test_steps_that_the_clock_cut_short_are_not(job):
    sidecar = run(job("denoise", steps=10**6, time_limit=0.5)).sidecar
    assert sidecar.handed_out != "fit"


def test_a_published_recipe_is_handed_out(job, monkeypatch):
    monkeypatch.setitem(
        recipes.METHODS, "dip/denoise-paper", replace(TINY, steps=Cited(2, "t"), published=True)
    )
    plain = changed(job("denoise"), recipe="dip/denoise-paper")
    assert run(plain).sidecar.handed_out == "fit"


def test_the_sidecar_holds_the_evidence(job):
    outcome = run(job("denoise", steps=2))
    kept = load_sidecar(outcome.job.output)
    assert set(kept.estimated_errors) >= {"fit", "as it was", "non-local means"}


def test_arrays_are_safe_too(tiny_recipes):
    rng = np.random.default_rng(0)
    clean = np.linspace(0.2, 0.8, 64) * np.ones((64, 1))
    image = np.clip(clean + rng.normal(0, 0.1, clean.shape), 0, 1)
    with pytest.warns(UserWarning, match="non-local means|as it was"):
        result = pf.denoise(image, noise_std=0.1)
    assert np.mean((result - clean) ** 2) < np.mean((image - clean) ** 2) / 2


def test_a_callback_sees_every_step_and_may_end_the_fit(tiny_recipes):
    seen = []

    def watch(progress):
        seen.append((progress.step, progress.steps, progress.picture().shape))
        if progress.step == 2:
            raise StopIteration

    image = np.random.default_rng(0).random((20, 24))
    with pytest.warns(UserWarning, match="instead"):
        pf.deblur(image, np.ones((3, 3)), steps=4, callback=watch)
    assert seen == [(1, 4, (20, 24)), (2, 4, (20, 24))]


def test_arrays_keep_a_time_limit_and_take_a_rule(tiny_recipes):
    image = np.random.default_rng(0).random((20, 24))
    steps = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # which result is better hangs on how far the fit comes
        pf.denoise(image, noise_std=0.1, time_limit=1.5, callback=lambda p: steps.append(p.steps))
    assert steps[0] is None
    with pytest.raises(pf.PriorfitError, match="time_limit"):
        pf.denoise(image, noise_std=0.1, time_limit=0)
    with pytest.raises(pf.PriorfitError, match="no stop rule"):
        pf.denoise(image, noise_std=0.1, stop="never")


@pytest.mark.parametrize("function", [pf.denoise, pf.inpaint, pf.upscale, pf.deblur, pf.dejpeg])
def test_help_is_complete_in_itself(function):
    assert "see the module" not in function.__doc__
    assert "time_limit: seconds" in function.__doc__


def test_block_matching_and_the_rest_have_names_of_their_own():
    by_task = [task().contenders for task in tasks.TASKS.values()]
    for methods in by_task:
        assert len({m.name for m in methods}) == len(methods)
    assert {BICUBIC, BIHARMONIC} < {m for methods in by_task for m in methods}


def test_ctrl_c_while_a_fit_is_prepared_leaves_the_cheap_estimate(job, monkeypatch):
    def pressed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("priorfit.engine.run.begin_fit", pressed)
    outcome = run(job("denoise"))
    assert outcome.interrupted and outcome.job.output.exists()
    assert outcome.sidecar.share_of_fit == 0
    with pytest.raises(KeyboardInterrupt):
        run(job("upscale", hand_out="fit"))
