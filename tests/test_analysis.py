"""Laws of what is asked of a network, and of what a prior is held against."""

import pytest
import torch

from priorfit import recipes
from priorfit.analysis import pose
from priorfit.analysis.effect import ARMS, effect, recipe_of
from priorfit.analysis.fit import fitted
from priorfit.analysis.record import spread
from priorfit.analysis.seen import Seen, Watched
from priorfit.errors import ProblemError, RecipeError
from priorfit.loop.fit import Recipe, Stage, restore
from priorfit.networks.features import FeatureNetwork
from priorfit.noise import Noise
from priorfit.priors.pixels import Pixels
from priorfit.recipes.aim import aim
from priorfit.recipes.dip import Setting
from priorfit.recipes.method import DEFAULT, Cited
from priorfit.report.curve import draw_together
from priorfit.tasks.denoise import denoising
from priorfit.tasks.upscale import upscaling
from priorfit.terms.data import Ascent, Mse, TotalVariation
from tests.pictures import uniform
from tests.seeing import PLAIN, ours


def seeing(trunk: str = "squeezenet1_1") -> FeatureNetwork:
    network = ours(PLAIN[trunk].state_dict())
    assert isinstance(network, FeatureNetwork)
    return network.float()


def picture(*shape: int, seed: int = 0) -> torch.Tensor:
    return uniform(1, *(shape or (3, 32, 32)), seed=seed, dtype=torch.float32)


def test_a_picture_is_its_own_pre_image_and_features_of_zero_are_as_far_as_one():
    network, image = seeing(), picture()
    problem = pose.preimage(image, network, "fire3")
    own = problem.operator(image) - problem.observation
    assert own.square().mean() < 1e-10
    torch.testing.assert_close(problem.observation.square().mean(), torch.tensor(1.0))


@pytest.mark.parametrize(("trunk", "layer"), [("alexnet", "fc6"), ("vgg16", "fc8")])
def test_features_without_places_are_an_observation_too(trunk, layer):
    problem = pose.preimage(picture(3, 64, 64), seeing(trunk), layer)
    assert problem.observation.shape[2:] == (1, 1)
    assert problem.shape == (3, 64, 64)


def test_a_grey_picture_has_a_grey_pre_image():
    problem = pose.preimage(picture(1, 32, 32), seeing(), "fire2")
    assert problem.shape == (1, 32, 32)
    assert restore(problem, short("pixels/preimage", 2), [0]).image.shape == (1, 1, 32, 32)


def test_a_layer_that_does_not_answer_has_no_pre_image():
    network = seeing()
    with torch.no_grad():
        for name, tensor in network.layers["conv1"].named_parameters():
            tensor.fill_(-1e3 if name == "bias" else 0.0)
    with pytest.raises(ProblemError, match="relu1 answers this image with zeros"):
        pose.preimage(picture(), network, "relu1")


def test_a_window_is_the_middle_of_one_channel():
    network, image = seeing("vgg16"), picture(3, 32, 32)
    features = network(image, ["relu2_2"])["relu2_2"]  # 16 places a side
    seen = Seen(network, "relu2_2", (3, 32, 32))
    assert torch.equal(Watched(seen, 2)(image), features[:, 2:3])
    assert torch.equal(Watched(seen, 2, 4)(image), features[:, 2:3, 6:10, 6:10])
    assert Watched(seen, 2, 1)(image).shape == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("channel", "window", "message"),
    [(99, None, "channel of relu2_2 from 0 to"), (0, 17, "window of 1 to 16 places")],
)
def test_what_a_layer_does_not_have_is_refused(channel, window, message):
    with pytest.raises(ProblemError, match=message):
        pose.maximise(seeing("vgg16"), "relu2_2", channel, (32, 32), window=window)


def test_a_class_is_a_channel_of_the_last_layer():
    network, image = seeing(), picture(3, 64, 64)
    layer = pose.class_layer(network)
    answer = Watched(Seen(network, layer, (3, 64, 64)), 3)(image)
    torch.testing.assert_close(answer.flatten(), network.logits(image)[:, 3])


def test_ascent_is_the_mean_answer_with_its_sign_turned_image_by_image():
    answers = uniform(2, 1, 3, 3)
    estimate = type("At", (), {"degraded": answers})()
    problem = denoising(picture())
    loss = Ascent().against(problem)(estimate)  # type: ignore[arg-type]
    torch.testing.assert_close(loss, -answers.mean((1, 2, 3)))


def test_a_mean_of_total_variation_weighs_the_same_in_a_picture_laid_out_twice():
    flat = torch.linspace(0, 1, 9)[:, None].expand(1, 1, 9, 9)
    wide = torch.linspace(0, 1, 9)[:, None].expand(1, 1, 9, 17)
    losses = []
    for image in (flat, wide):
        estimate = type("At", (), {"image": image})()
        term = TotalVariation(mean=True).against(denoising(picture()))
        losses.append(float(term(estimate)))  # type: ignore[arg-type]
    assert losses[0] == pytest.approx(losses[1])


def short(name: str, steps: int) -> Recipe:
    return recipes.analysis_named(name).recipe(steps)


@pytest.mark.parametrize("name", recipes.ANALYSES)
def test_every_analysis_runs_and_gives_a_picture(name):
    network = seeing()
    problem = {
        "preimage": lambda: pose.preimage(picture(), network, "fire3"),
        "maximise": lambda: pose.maximise(network, "fire3", 1, (32, 32)),
        "effect": lambda: upscaling(picture(3, 16, 16), 2),
        "impedance": lambda: denoising(picture()),
    }[recipes.analysis_named(name).tasks[0]]()
    found = fitted(problem, short(name, 2), 0)
    assert found.image.shape == found.start.shape == (1, 3, 32, 32)
    assert torch.isfinite(found.image).all()
    assert [step for step, _ in found.losses] == [1, 2]
    assert (found.steps, found.planned, found.interrupted) == (2, 2, False)


@pytest.mark.parametrize("name", recipes.ANALYSES)
def test_every_number_of_an_analysis_has_a_source(name):
    setting = recipes.analysis_named(name)
    cited = [value for value in vars(setting).values() if isinstance(value, Cited)]
    assert len(cited) >= 4
    assert all(value.source for value in cited)
    if "paper" in name and "impedance" not in name:  # which no notebook has
        chosen = [value.source for value in cited if value.source != DEFAULT]
        assert all(".ipynb" in source or ".py" in source for source in chosen)


@pytest.mark.parametrize(
    ("name", "channels", "parameters"),
    [("preimage", 32, 2_606_763), ("maximise", 32, 2_948_567), ("impedance", 32, 2_217_831)],
)
def test_the_published_networks_have_the_published_number_of_parameters(name, channels, parameters):
    setting = recipes.ANALYSES[f"dip/{name}-paper"]
    assert isinstance(setting, Setting)
    with torch.device("meta"):
        network = setting.network.value(channels, 3)
    assert sum(tensor.numel() for tensor in network.parameters()) == parameters


def test_pixels_of_no_prior_become_the_observation():
    problem = denoising(picture())
    recipe = Recipe(Pixels(), [Stage(200, {"pixels": 0.05}, 1.0 * Mse())])
    assert (restore(problem, recipe, [0]).image - problem.observation).abs().max() < 0.01


def test_bounded_pixels_start_where_free_ones_do_and_cannot_leave_the_range():
    problem = denoising(picture())
    free, bounded = Pixels(0.2, 0.3), Pixels(0.2, 0.3, bounded=True)
    starts = [prior.render(prior.start(problem, Noise([3]))) for prior in (free, bounded)]
    torch.testing.assert_close(*starts)
    driven = restore(problem, Recipe(bounded, [Stage(20, {"pixels": 5.0}, 1.0 * Ascent())]), [0])
    assert 0.99 < driven.image.min() and driven.image.max() <= 1


def test_ascent_ascends_and_a_target_is_come_to():
    network = seeing("vgg16")
    problem = pose.maximise(network, "conv2_1", 0, (32, 32))
    risen = fitted(problem, short("pixels/maximise", 30), 0)
    before = float(problem.operator(risen.start).mean())
    assert risen.answer > before
    target = (before + risen.answer) / 2
    problem = pose.maximise(network, "conv2_1", 0, (32, 32), target=target)
    come = fitted(problem, aim(recipes.analysis_named("pixels/maximise")).recipe(60), 0)
    assert abs(come.answer - target) < abs(before - target) / 2


def test_shuffled_pixels_are_the_same_pixels_elsewhere():
    image = picture()
    targets = pose.pose_impedance(image, 0.1, seed=0)
    shuffled = targets["shuffled pixels"].observation
    rows = [x.flatten(2)[0].T.tolist() for x in (image, shuffled)]
    assert rows[0] != rows[1]
    assert sorted(rows[0]) == sorted(rows[1])


def test_the_four_targets_are_those_of_the_seed():
    one, same, other = (pose.pose_impedance(picture(), 0.1, seed) for seed in (0, 0, 1))
    assert list(one) == ["image", "image and noise", "shuffled pixels", "white noise"]
    for name in one:
        assert torch.equal(one[name].observation, same[name].observation)
        assert torch.equal(one[name].observation, other[name].observation) == (name == "image")


def test_the_same_seed_makes_the_same_picture():
    problem = pose.preimage(picture(), seeing(), "fire2")
    one, same, other = (fitted(problem, short("dip/preimage", 3), seed) for seed in (0, 0, 1))
    assert torch.equal(one.image, same.image)
    assert not torch.equal(one.image, other.image)


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("paper", [False, True])
def test_every_arm_of_the_study_has_a_recipe(noisy, paper):
    for arm in ARMS:
        assert recipes.analysis_named(recipe_of(arm, noisy=noisy, paper=paper))


def test_without_a_prior_noise_is_what_is_restored():
    posed = denoising(picture(), 0.1)
    found = effect(posed, "none", "pixels/effect", 0, steps=300).fitted
    assert found.error < 1e-4
    smooth = effect(posed, "tv", "tv/effect-noise", 0, steps=300).fitted
    assert smooth.error > 100 * found.error


def test_an_analysis_is_found_by_its_name_or_refused_with_the_nearest():
    with pytest.raises(RecipeError, match="did you mean 'dip/preimage'"):
        recipes.analysis_named("dip/pre-image")


def test_a_spread_curve_keeps_its_ends_and_most_of_its_beginning():
    points = [(step, 1.0 / step) for step in range(1, 5001)]
    kept = spread(points)
    assert len(kept) <= 200
    assert kept[0] == points[0] and kept[-1] == points[-1]
    assert [step for step, _ in kept[:20]] == list(range(1, 21))
    assert list(kept) == sorted(set(kept))


def test_lines_share_their_axes_and_stay_in_the_frame():
    drawn = draw_together({"a": [(1, 1.0), (100, 0.01)], "b": [(1, 0.1), (10, float("nan"))]})
    assert drawn is not None and drawn.logarithmic
    first, second = (line.points.split() for line in drawn.lines)
    assert first == ["0.0,0.0", f"{drawn.width:.1f},{drawn.height:.1f}"]
    assert second == [f"0.0,{drawn.height / 2:.1f}"]
    assert [tick.text for tick in drawn.across] == ["1", "10", "100"]
    assert draw_together({"a": []}) is None
