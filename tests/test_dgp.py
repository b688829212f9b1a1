"""Deep Generative Prior as a recipe: its counts, its lengths, and what it needs."""

from dataclasses import replace

import pytest
import torch

from priorfit.code import part
from priorfit.degradations import Identity
from priorfit.errors import ProblemError, RecipeError
from priorfit.loop.fit import Fit
from priorfit.networks.biggan_discriminator import BigGanDiscriminator, BigGanDiscriminatorConfig
from priorfit.networks.generator import Generator
from priorfit.networks.initialise import initialised
from priorfit.networks.pggan import PgGan, PgGanConfig
from priorfit.noise import Noise
from priorfit.priors.latent import LatentPrior
from priorfit.problem import Problem
from priorfit.recipes import dgp
from priorfit.recipes.dgp.setting import Counts, Setting, Tuning, scaled
from priorfit.recipes.method import Cited
from priorfit.terms.code import Usual
from priorfit.terms.objective import Estimate
from tests.pictures import uniform
from tests.test_latent import GENERATORS, biggan, made, stylegan

STAGES = (Tuning(2, 0.01, 0.01, 1), Tuning(3, 0.01, 0.01, 2, 0.5, mse_weight=1.0))


def setting(**more) -> Setting:
    cited = (Counts(3, 2), STAGES, 2, 0.5, 2, 0.02)
    return Setting("tests", "invert", *(Cited(value, "tests") for value in cited), **more)


def judge() -> BigGanDiscriminator:
    config = BigGanDiscriminatorConfig(side=8, channels=(4, 8), halvings=1, attention=(), classes=3)
    network = initialised(lambda: BigGanDiscriminator(config), torch.Generator().manual_seed(1))
    return network.double().eval()


def problem(count: int = 1) -> Problem:
    return Problem(uniform(count, 3, 8, 8, seed=3).double(), Identity())


@pytest.mark.parametrize(
    "generator",
    [
        biggan(3),
        stylegan(0, repeat_w=True),
        made(lambda: PgGan(PgGanConfig(channels=(6, 4), z_dim=5))),
    ],
    ids=["biggan", "stylegan", "pggan"],
)
def test_groups_are_weights_of_the_generator_and_leave_the_last_layer_out(generator: Generator):
    weights = dict(generator.named_parameters())
    found = [set(part(weights, name)) for group in generator.groups for name in group]
    assert all(found)
    assert sum(map(len, found)) == len(set().union(*found)) < len(weights)


@pytest.mark.parametrize("of", [7, 8, 9])
@pytest.mark.parametrize("there", [1, 3, 5, 9])
def test_counts_keep_their_order_and_the_whole_stays_the_whole(of, there):
    counts = [scaled(count, of, there) for count in range(1, of + 1)]
    assert counts == sorted(counts)
    assert counts[0] >= 1
    assert counts[-1] == there


@pytest.mark.parametrize("steps", [1, 2, 4, 9])
def test_a_shorter_fit_is_the_beginning_and_a_longer_one_ends_with_more_of_the_last_stage(steps):
    whole = setting().made_for(GENERATORS["biggan"], judge())
    other = setting().made_for(GENERATORS["biggan"], judge(), steps)
    assert (whole.steps, other.steps) == (5, steps)
    assert [stage.lr for stage in other.stages] == [s.lr for s in whole.stages[: len(other.stages)]]


def test_weights_are_tuned_group_by_group_and_the_last_layer_never():
    method = setting(tunes_class=Cited(True, "tests"))
    fit = Fit(problem(), method.made_for(GENERATORS["biggan"], judge()), [0])
    before = {name: tensor.detach().clone() for name, tensor in fit.code.items()}
    moved = []
    for step in fit:
        changed = {n for n, t in fit.code.items() if not torch.equal(t, before[n])}
        moved.append((step.state.taken, changed))
    first, last = dict(moved)[1], dict(moved)[5]
    assert {"z", "c", "generator.linear.weight"} <= first
    assert not any(name.startswith("generator.blocks") for name in first)
    assert any(name.startswith("generator.blocks.0") for name in last)
    assert not any(name.startswith("generator.output") for name in last)


def test_images_of_a_batch_have_weights_of_their_own():
    method = setting()
    together = Fit(problem(2), method.made_for(GENERATORS["biggan"], judge()), [0, 1])
    for _ in together:
        pass
    alone = Fit(
        Problem(problem(2).observation[1:], Identity()),
        method.made_for(GENERATORS["biggan"], judge()),
        [1],
    )
    for _ in alone:
        pass
    assert torch.allclose(together.result().image[1:], alone.result().image, atol=1e-9)


def test_instance_norms_leave_the_first_drawing_as_it_is():
    plain = LatentPrior(GENERATORS["biggan"], tunes=True)
    normed = LatentPrior(GENERATORS["biggan"], tunes=True, instance_norms=True)
    codes = [prior.start(problem(2), Noise([0, 1])) for prior in (plain, normed)]
    assert part(codes[1], "norms")
    drawn = [prior.render(code) for prior, code in zip((plain, normed), codes, strict=True)]
    assert torch.allclose(*drawn, atol=0.05)  # they take the deviation of a sample, as released


def test_instance_norms_are_for_a_biggan():
    with pytest.raises(ProblemError, match="for a BigGAN and its z, got StyleGan, w"):
        LatentPrior(GENERATORS["stylegan"], "w", instance_norms=True)


def test_a_generator_without_groups_is_refused():
    bare = biggan(0)
    bare.groups = ()
    with pytest.raises(RecipeError, match="no groups of weights"):
        setting().made_for(bare, judge())


def test_how_usual_a_latent_is_counts_each_image_alone():
    z = torch.tensor([[1.0, 1.0], [2.0, 0.0]])
    image = torch.zeros(2, 3, 8, 8)
    at = Estimate({"z": z}, image, image, lambda code: image)
    assert Usual().against(problem(2))(at).tolist() == [0.5, 1.0]


@pytest.mark.parametrize("name", dgp.FAMILY.methods)
def test_published_settings_run_on_small_networks(name):
    method = dgp.FAMILY.methods[name]
    assert isinstance(method, Setting)
    assert (method.length, method.published, method.synthesises) == (1000, True, True)
    few = replace(method, candidates=Cited(2, "tests"))
    fit = Fit(problem(), few.made_for(GENERATORS["biggan"], judge(), 2), [0])
    assert len(list(fit)) == 2
    assert fit.result().image.isfinite().all()


def test_the_published_counts_are_named_among_the_rows():
    rows = {name: value for name, value, _ in setting().rows()}
    assert "features=3" in rows["counted"]
    assert replace(setting(), published=True).published
