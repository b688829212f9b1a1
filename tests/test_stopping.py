"""Rules that stop a fit: scores given by hand, and tiny fits; nothing knows the truth."""

from dataclasses import replace

import pytest
import torch

from priorfit.degradations import Downsample, Identity, Mask
from priorfit.errors import ProblemError, RecipeError
from priorfit.loop.fit import Fit, Recipe, Stage
from priorfit.loop.scores import Calm, HeldOut, MovingVariance, Objective, Score, WindowedVariance
from priorfit.loop.state import State, Step
from priorfit.loop.steps import Lengthening, Rewinding, Smoothed, Snapshots
from priorfit.loop.stopping import AUTO, NONE, RULES, Implausible, Lowest, Residual, Stopping, ruled
from priorfit.noise import Noise
from priorfit.problem import Problem
from priorfit.records.state_file import load_state, save_state
from priorfit.terms.data import Mae, Mse
from priorfit.types import PerImage
from tests.tiny import TINY


class Scripted(Score):
    """Scores given by hand, (steps, B)."""

    name = "the script"

    def __init__(self, scores: torch.Tensor) -> None:
        self.scores = scores

    def of(self, step: Step) -> PerImage | None:
        return self.scores[step.state.taken - 1]


def steps(count: int, batch: int = 1, seed: int = 0):
    """Steps whose images are all t, the number of the step, plus a little noise."""
    generator = torch.Generator().manual_seed(seed)
    state = State({}, Noise([0] * batch))
    for taken in range(1, count + 1):
        state.taken = taken
        image = taken + 0.1 * torch.randn(batch, 1, 4, 4, generator=generator)
        yield Step(image, {"loss": image.flatten(1).mean(1)}, state, {})


def lowest(scores, **how) -> Lowest:
    table = torch.tensor(scores, dtype=torch.float64)
    return Lowest(lambda: Scripted(table), **{"start": 1, "patience": 3, "share": 0.0} | how)


def course(*values: float) -> list[list[float]]:
    return [[value] for value in values]


def test_the_first_minimum_that_lasts_is_picked_even_if_a_lower_one_would_follow():
    rule = lowest(course(5, 4, 3, 4, 4, 4, 1, 0))
    seen = list(rule(steps(8)))
    assert rule.at == [3]
    assert len(seen) == 6
    assert seen[-1].picked
    assert seen[-1].image.mean() == pytest.approx(3, abs=0.2)
    assert "step 3" in rule.why


def test_a_minimum_that_does_not_last_is_passed_over():
    rule = lowest(course(5, 4, 3, 4, 4, 2, 3, 3, 3, 9))
    assert len(list(rule(steps(10)))) == 9
    assert rule.at == [6]


def test_no_picture_before_the_start_is_picked():
    rule = lowest(course(0, 0, 5, 3, 4, 4, 4), start=3)
    assert rule.see(next(steps(1))).image.mean() == pytest.approx(1, abs=0.2)
    list(rule(steps(7)))
    assert rule.at == [4]


def test_patience_grows_with_the_steps_up_to_the_minimum():
    values = [*range(20, 0, -1), *[5] * 20]
    rule = lowest(course(*values), patience=2, share=0.5)
    assert len(list(rule(steps(40)))) == 30


def test_an_image_stops_alone_as_it_does_in_a_batch():
    one, two = [5, 3, 4, 4, 4, 1, 1, 1], [9, 8, 7, 6, 5, 6, 6, 6]
    rule = lowest(list(zip(one, two, strict=True)))
    last = list(rule(steps(8, batch=2)))[-1]
    assert rule.at == [2, 5]
    assert last.image.flatten(1).mean(1).tolist() == pytest.approx([2, 5], abs=0.2)


def test_a_run_that_ends_early_has_the_best_picture_so_far():
    rule = lowest(course(5, 3, 4, 4), patience=9)
    assert list(rule(steps(4)))[-1].image.mean() == pytest.approx(2, abs=0.2)
    assert rule.why is None


def scores_of(score: Score, count: int = 60) -> list[float]:
    found = [score.of(step) for step in steps(count)]
    return [value.item() for value in found if value is not None]


def test_the_windowed_variance_is_that_of_the_latest_renders():
    images = torch.stack([step.image for step in steps(60)])
    expected = [images[end - 20 : end].var(0, unbiased=False).mean() for end in range(20, 61, 5)]
    found = scores_of(WindowedVariance(window=20, parts=4))
    assert found == pytest.approx(torch.stack(expected).tolist(), rel=1e-4)


def test_the_moving_variance_follows_its_formula():
    rate, mean, variance, expected = 0.2, None, 0.0, []
    for step in steps(10):
        mean = step.image if mean is None else mean
        variance = (1 - rate) * (variance + rate * (step.image - mean).square().mean().item())
        mean = (1 - rate) * mean + rate * step.image
        expected.append(variance)
    assert scores_of(MovingVariance(rate), 10) == pytest.approx(expected, rel=1e-4)


def test_the_objective_is_averaged_without_a_pull_to_zero():
    constant = [step._replace(losses={"a": torch.tensor([0.7])}) for step in steps(5)]
    score = Objective()
    assert [score.of(step).item() for step in constant] == pytest.approx([0.7] * 5)


def test_variance_is_of_the_renders_and_not_of_their_average():
    smoothed, score = Smoothed(0.999), MovingVariance()
    averaged = [score.of(smoothed.see(step._replace(rendered=step.image))) for step in steps(30)]
    assert averaged[-1].item() == pytest.approx(scores_of(MovingVariance(), 30)[-1])


def picture(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def hole(*shape: int) -> Mask:
    return Mask((picture(*shape) > 0.4).float())


PROBLEMS = {
    "denoise": lambda: Problem(picture(2, 3, 16, 20), Identity(), noise_std=0.1),
    "upscale": lambda: Problem(picture(2, 3, 8, 10), Downsample(2)),
    "inpaint": lambda: Problem(hole(1, 1, 16, 20)(picture(2, 3, 16, 20)), hole(1, 1, 16, 20)),
}
each_problem = pytest.mark.parametrize("pose", PROBLEMS.values(), ids=PROBLEMS)


@each_problem
def test_the_objective_has_no_gradient_where_entries_are_held_out(pose):
    problem, score = pose(), HeldOut(0.1)
    seen = score.begin(problem, Noise([0, 1]))
    changed = score.problem.observation + score.chosen.float()
    again = HeldOut(0.1).begin(replace(problem, observation=changed), Noise([0, 1]))
    assert torch.equal(seen.observation, again.observation)
    assert score.chosen.flatten(1).any(1).all()
    image = picture(2, *problem.shape).requires_grad_()
    y = seen.operator(image).detach() + score.chosen  # differs where it is held out, nowhere else
    for term in (Mse(), Mae()):
        estimate = type("At", (), {"degraded": seen.operator(image)})
        against = replace(seen, observation=y * getattr(seen.operator, "known", 1))
        assert term.against(against)(estimate).sum().item() == 0


@each_problem
def test_the_score_is_the_error_where_entries_are_held_out(pose):
    problem, score = pose(), HeldOut(0.1)
    score.begin(problem, Noise([0, 1]))
    image = picture(2, *problem.shape)
    step = next(steps(1))._replace(image=image)
    error = (problem.operator(image) - problem.observation).square()
    expected = [error[i][score.chosen[i]].mean().item() for i in range(2)]
    assert score.of(step).tolist() == pytest.approx(expected)


@each_problem
def test_entries_are_held_out_alone_as_in_a_batch(pose):
    together, alone = HeldOut(), HeldOut()
    problem = pose()
    together.begin(problem, Noise([3, 4]))
    alone.begin(replace(problem, observation=problem.observation[1:]), Noise([4]))
    assert torch.equal(together.chosen[1:], alone.chosen)


@pytest.mark.parametrize("known", [1, 2, 5])
def test_where_next_to_nothing_is_known_something_stays_known(known):
    """What is judged by is then fitted too, rather than nothing be left to fit."""
    mask = torch.zeros(1, 1, 16, 20)
    mask.view(-1)[torch.arange(known) * 61] = 1
    problem = Problem(Mask(mask)(picture(2, 3, 16, 20)), Mask(mask))
    score = HeldOut(0.02)
    seen = score.begin(problem, Noise([0, 1]))
    assert (seen.operator.known.sum((2, 3)) == max(1, known - 1)).all()
    step = next(steps(1))._replace(image=picture(2, 3, 16, 20))
    assert score.of(step).isfinite().all()


def test_a_large_picture_holds_out_no_more_than_it_has_to():
    score = HeldOut(0.5, most=7)
    score.begin(Problem(picture(2, 1, 16, 20), Identity()), Noise([0, 1]))
    assert all(7 <= chosen.sum() <= 14 for chosen in score.chosen)


def test_withheld_entries_move_with_the_problem():
    problem = HeldOut().begin(PROBLEMS["denoise"](), Noise([0, 1]))
    assert problem.to("cpu").withheld is not None


def test_the_residual_is_compared_with_the_strength_of_the_noise():
    rule = Residual(start=1)
    rule.begin(Problem(torch.zeros(1, 1, 4, 4), Identity(), noise_std=0.5), Noise([0]))
    falling = [step._replace(image=torch.full((1, 1, 4, 4), 3 - i)) for i, step in
               enumerate(steps(4))]  # fmt: skip
    seen = list(rule(iter(falling)))
    assert (len(seen), rule.at) == (4, [4])
    assert "noise" in rule.why


def test_an_objective_below_what_pictures_have_ends_the_fit_and_its_mean_is_what_counts():
    rule = Implausible(share=1.0, start=1, momentum=0.5)
    rule.begin(Problem(torch.zeros(1, 1, 4, 4), Identity(), noise_std=1.0), Noise([0]))
    falling = (
        step._replace(losses={"sure": torch.tensor([2.0 - i])}) for i, step in enumerate(steps(6))
    )
    seen = list(rule(falling))
    assert [value for _, value in rule.curve] == [2.0, 1.5, 0.75]  # (m + loss) / 2 each time
    assert (len(seen), rule.at) == (3, [3])
    assert "objective" in rule.why


@pytest.mark.parametrize("rule", [Residual, Implausible])
def test_a_level_asks_for_the_noise_level(rule):
    with pytest.raises(ProblemError, match="noise-std"):
        rule().begin(Problem(torch.zeros(1, 1, 4, 4), Identity()), Noise([0]))


SHORT = {
    "held-out": lambda: Lowest(HeldOut, start=2, patience=2, share=0.0),
    "held-out and calm": lambda: Lowest(Calm, start=2, patience=2, share=0.0),
    "windowed": lambda: Lowest(lambda: WindowedVariance(4, 2), start=2, patience=2),
    "moving": lambda: Lowest(MovingVariance, start=2, patience=3),
    "objective": lambda: Lowest(Objective, start=2, patience=3),
    "residual": lambda: Residual(share=16.0, start=2),
    "implausible": lambda: Implausible(share=16.0, start=2, momentum=0.5),
}
each_rule = pytest.mark.parametrize("rule", SHORT.values(), ids=SHORT)


def fit(rule, count=12, seeds=(0, 1), resume=None) -> Fit:
    recipe = TINY.recipe(count)
    stage = Stage(count, {"network": 0.01}, 1.0 * Mse())
    filters = [lambda: Smoothed(Lengthening()), rule]
    whole = Recipe(recipe.prior, [stage], filters)
    problem = Problem(picture(2, 3, 16, 16)[: len(seeds)], Identity(), noise_std=0.1)
    return Fit(problem, whole, seeds, resume)


@each_rule
def test_a_rule_goes_on_from_its_saved_state_to_the_same_pictures(rule, tmp_path):
    whole = fit(rule)
    list(whole)
    broken = fit(rule)
    for step in broken:
        if step.state.taken == 5:
            break
    save_state(tmp_path / "state", broken.state_dict())
    gone_on = fit(rule, resume=load_state(tmp_path / "state"))
    list(gone_on)
    assert torch.equal(gone_on.result().image, whole.result().image)
    assert gone_on.filters[-1].curve == whole.filters[-1].curve
    assert gone_on.result().why_stopped == whole.result().why_stopped


@each_rule
def test_a_picture_is_picked_alone_as_in_a_batch(rule):
    together, alone = fit(rule), fit(rule, seeds=(0,))
    list(together)
    list(alone)
    assert torch.allclose(together.result().image[:1], alone.result().image, atol=1e-5)
    assert together.filters[-1].at[0] == alone.filters[-1].at[0]


def kinds(filters) -> list[str]:
    return [type(make()).__name__ for make in filters]


BARE, AVERAGED = [Rewinding], [Rewinding, Smoothed, lambda: Snapshots([3])]
OWN = [*AVERAGED, Residual]


@pytest.mark.parametrize(
    ("filters", "stop", "expected"),
    [
        (BARE, None, ["Rewinding"]),
        (BARE, NONE, ["Rewinding"]),
        (BARE, AUTO, ["Rewinding", "Smoothed", "Lowest"]),
        ([], "residual", ["Smoothed", "Residual"]),
        (AVERAGED, "objective", ["Rewinding", "Smoothed", "Lowest", "Snapshots"]),
        (OWN, None, ["Rewinding", "Smoothed", "Snapshots", "Residual"]),
        (OWN, AUTO, ["Rewinding", "Smoothed", "Snapshots", "Residual"]),
        (OWN, NONE, ["Rewinding", "Smoothed", "Snapshots"]),
        (OWN, "variance", ["Rewinding", "Smoothed", "Lowest", "Snapshots"]),
    ],
)
def test_a_rule_stands_after_the_average_that_it_picks(filters, stop, expected):
    assert kinds(ruled(filters, stop)) == expected


def test_every_rule_has_a_title():
    assert all(isinstance(rule(), Stopping) and rule().title for rule in RULES.values())


def test_a_rule_of_no_known_name_is_refused():
    with pytest.raises(RecipeError, match="held-out"):
        ruled([], "soon")
