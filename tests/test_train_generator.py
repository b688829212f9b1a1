"""The steps of a training: the same seed the same bytes, whole or in pieces, and it learns."""

import pytest
import torch

from priorfit.errors import DivergenceError
from priorfit.train.generator import Training
from tests.training import judge, pair, photographs

FAMILIES = ["biggan", "stylegan"]


def training(family: str, *, seed: int = 0, **game) -> Training:
    made = pair(family, **game)
    return Training(*made.started(seed), photographs(), made.game, seed)


def steps(learner: Training, count: int) -> Training:
    for _ in range(count):
        learner.step()
    return learner


def flat(state: object) -> list[torch.Tensor]:
    if isinstance(state, dict):
        return [tensor for value in state.values() for tensor in flat(value)]
    if isinstance(state, list | tuple):
        return [tensor for value in state for tensor in flat(value)]
    return [state if isinstance(state, torch.Tensor) else torch.tensor(state or 0)]


def same(first: Training, second: Training) -> bool:
    pairs = zip(flat(first.state_dict()), flat(second.state_dict()), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seed_comes_to_the_same_bytes_and_another_to_others(family):
    assert same(steps(training(family), 3), steps(training(family), 3))
    assert not same(steps(training(family), 1), steps(training(family, seed=1), 1))


def test_a_training_leaves_the_numbers_of_the_process_alone():
    before = torch.get_rng_state()
    steps(training("stylegan"), 1)
    assert torch.equal(before, torch.get_rng_state())


PENALTIES = {
    "biggan": {"r1": 1.0, "r2": 1.0, "r1_every": 2},
    "stylegan": {"r1_every": 2, "path": 1.0, "path_every": 3},
}


@pytest.mark.parametrize(
    ("family", "taken"), [("biggan", 2), *(("stylegan", n) for n in (0, 1, 4))]
)
def test_a_training_goes_on_to_the_same_bytes_from_any_step(family, taken):
    whole = steps(training(family, **PENALTIES[family]), 5)
    state = steps(training(family, **PENALTIES[family]), taken).state_dict()
    again = training(family, seed=5, **PENALTIES[family])
    again.load_state_dict(state)
    assert same(steps(again, 5 - taken), whole)


@pytest.mark.parametrize("name", ["r1", "r2"])
def test_a_penalty_flattens_the_discriminator_where_it_is_put(name):
    """R1 at photographs, R2 at drawings: one step with it leaves smaller slopes than without."""
    slopes = []
    for weight in (0.0, 100.0):
        learner = training("biggan", r1_every=1, discriminator_rate=1e-2, **{name: weight})
        steps(learner, 12)
        images = photographs().images[:8].float() / 127.5 - 1
        if name == "r2":
            z = torch.randn(8, learner.generator.z_dim, generator=torch.Generator().manual_seed(0))
            labels = torch.arange(8) % 2
            images = learner.generator.draw(z, learner.generator.embed(labels)).detach()
        images.requires_grad_()
        verdicts = learner.discriminator.requires_grad_(False)(images)
        slopes.append(torch.autograd.grad(verdicts.sum(), images)[0].square().sum().item())
    assert slopes[1] < 0.8 * slopes[0]


def test_drawings_are_of_the_classes_of_the_photographs_they_are_paired_with():
    learner = training("biggan")
    told = []
    judge = learner.discriminator.forward

    def noted(images, labels=None):
        told.append(labels)
        return judge(images, labels)

    learner.discriminator.forward = noted
    learner.step()
    of_real, of_drawn, again = told
    assert torch.equal(of_real, of_drawn)
    assert torch.equal(of_real, again)


def test_a_state_is_a_copy():
    learner = training("stylegan")
    state = learner.state_dict()
    kept = [tensor.clone() for tensor in flat(state)]
    steps(learner, 2)
    assert all(torch.equal(a, b) for a, b in zip(flat(state), kept, strict=True))


@pytest.mark.parametrize("family", FAMILIES)
def test_both_networks_and_the_average_move(family):
    learner = training(family)
    before = learner.state_dict()
    after = steps(learner, 2).state_dict()
    for name in ("generator", "discriminator", "average"):
        assert any(not torch.equal(before[name][n], t) for n, t in after[name].items())


def test_what_is_seen_is_counted():
    assert steps(training("stylegan", batch=6), 3).seen == 18


@pytest.mark.parametrize("classes", [0, 2])
@pytest.mark.parametrize("family", FAMILIES)
def test_training_needs_no_classes(family, classes):
    made = pair(family, classes=classes)
    learner = steps(Training(*made.started(0), photographs(), made.game), 1)
    assert all(abs(value) < 1e6 for value in learner.gathered().values())


@pytest.mark.parametrize("batch", [2, 3, 5])
def test_any_batch_will_do(batch):
    assert steps(training("stylegan", batch=batch), 1).seen == batch


def test_short_arithmetic_learns_too():
    learner = steps(training("stylegan", precision=torch.bfloat16, r1_every=1), 2)
    assert all(abs(value) < 1e6 for value in learner.gathered().values())
    assert all(p.dtype == torch.float32 for p in learner.generator.parameters())


def test_what_is_gathered_are_means_since_the_last_time():
    learner = training("stylegan", r1_every=1)
    first = steps(learner, 1).gathered()
    second = steps(learner, 1).gathered()
    both = steps(training("stylegan", r1_every=1), 2).gathered()
    for name, value in both.items():
        assert value == pytest.approx((first[name] + second[name]) / 2, abs=1e-6)


def test_a_penalty_is_gathered_where_there_was_one():
    learner = training("stylegan", r1_every=2)
    assert "penalty" in steps(learner, 1).gathered()
    assert "penalty" not in steps(learner, 1).gathered()
    assert learner.gathered() == {}


def test_a_training_that_lost_its_way_says_so():
    learner = training("stylegan")
    with torch.no_grad():
        next(learner.generator.parameters()).fill_(float("nan"))
    with pytest.raises(DivergenceError, match=r"after 4 images: try another --seed"):
        steps(learner, 1).gathered()


@pytest.mark.parametrize("family", FAMILIES)
def test_drawings_come_nearer_to_photographs(family):
    learner = training(family, generator_rate=5e-3, discriminator_rate=5e-3)
    before = judge().judge(learner.average.network).distance
    steps(learner, 45)
    assert judge().judge(learner.average.network).distance < before / 2


def test_the_loss_of_a_discriminator_falls_while_the_generator_stands_still():
    learner = training("stylegan", generator_rate=0.0, discriminator_rate=1e-2, batch=8)
    first = steps(learner, 3).gathered()
    steps(learner, 15).gathered()
    last = steps(learner, 3).gathered()
    assert last["discriminator"] < 0.7 * first["discriminator"]
    assert last["real"] > last["drawn"] + 1
