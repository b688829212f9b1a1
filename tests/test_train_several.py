"""Several processes learn together what one would learn; how often images are augmented."""

import dataclasses
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from priorfit.errors import ProblemError
from priorfit.networks.pggan import PgGan, PgGanConfig
from priorfit.networks.stylegan_discriminator import (
    StyleGanDiscriminator,
    StyleGanDiscriminatorConfig,
)
from priorfit.train.adapting import EVERY, Adapting, Probability
from priorfit.train.augment import chain
from priorfit.train.data import Photographs
from priorfit.train.families import Pair
from priorfit.train.game import Game
from priorfit.train.generator import Training
from priorfit.train.losses import LOGISTIC
from priorfit.train.run import Length, TrainingRun
from priorfit.train.several import ALONE, Team, gradients, join_team

ROOT = Path(__file__).resolve().parents[1]
SIDE, BATCH = 8, 8

GAME = Game(
    LOGISTIC,
    chain(),  # the parts of a batch are augmented alike, not as the whole batch would be
    batch=BATCH,
    generator_rate=1e-6,  # Adam makes much of the rounding of small gradients
    discriminator_rate=1e-6,
    r1=1.0,
    r1_every=2,
)


def photographs() -> Photographs:
    noise = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (20, 3, SIDE, SIDE), generator=noise, dtype=torch.uint8)
    return Photographs(images, torch.zeros(20).long())


def pair(game: Game = GAME) -> Pair:
    drawing = PgGanConfig(channels=(4, 4), z_dim=4)
    judging = StyleGanDiscriminatorConfig(channels=(4, 4), dense=4, group=1)
    return Pair(lambda: PgGan(drawing), lambda: StyleGanDiscriminator(judging), game)


def learnt(team: Team) -> dict[str, torch.Tensor]:
    """Gradients of the third step."""
    made = pair()
    training = Training(*made.started(0), photographs(), made.game, team=team)
    for _ in range(3):
        training.step()
    found = [*gradients(training.generator), *gradients(training.discriminator)]
    return {
        str(number): gradient.clone(memory_format=torch.contiguous_format)
        for number, gradient in enumerate(found)
    }


def worker(folder: str) -> None:
    """What each process does."""
    with join_team(torch.device("cpu")) as (team, device):
        save_file(learnt(team), Path(folder) / f"{team.rank}.safetensors")
        length = Length(images=32, minutes=60)
        run = TrainingRun(Path(folder), pair(), photographs(), length, team=team)
        assert run.go_on()
        assert team.agreed(float(team.rank), device) == 0.0
    os._exit(0)  # as `python -m priorfit` ends under torchrun, which says why


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where two processes have left what they learnt."""
    folder = tmp_path_factory.mktemp("together")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    command = f"from tests.test_train_several import worker; worker({str(folder)!r})"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", command],
            cwd=ROOT,
            env={**os.environ, **settings, "RANK": str(rank), "OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        errors = [process.communicate(timeout=120)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert [process.returncode for process in processes] == [0, 0], errors
    return folder


def test_two_processes_have_the_gradients_of_one_with_the_whole_batch(together):
    alone = learnt(ALONE)
    for rank in range(2):
        found = load_file(together / f"{rank}.safetensors")
        assert found.keys() == alone.keys()
        for name, gradient in alone.items():
            scale = gradient.abs().max()
            assert (found[name] - gradient).abs().max() <= 1e-4 * scale + 1e-7
    assert max(gradient.abs().max() for gradient in alone.values()) > 1e-3


def test_two_processes_stay_alike_to_the_bit(together):
    first, second = (load_file(together / f"{rank}.safetensors") for rank in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_what_two_processes_left_goes_on_in_one(together):
    run = TrainingRun(together, pair(), photographs(), Length(images=48))
    run.resume()
    assert run.training.seen == 32
    assert run.go_on()


def test_a_batch_is_dealt_out_whole():
    batch = torch.arange(8)
    parts = [Team(rank, 4).own(batch) for rank in range(4)]
    assert torch.equal(torch.cat(parts), batch)
    assert Team(0, 4).share(8) == 2


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(ProblemError, match="that 3 processes can share, got 8"):
        Training(*pair().started(0), photographs(), GAME, team=Team(0, 3))


def test_one_process_is_alone(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    device = torch.device("cpu")
    with join_team(device) as found:
        assert found == (ALONE, device)
    assert ALONE.agreed(0.5, device) == 0.5
    assert ALONE.first


def test_processes_that_miss_an_address_say_so(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name in ("MASTER_ADDR", "MASTER_PORT", "RANK"):
        monkeypatch.delenv(name, raising=False)
    with (
        pytest.raises(ProblemError, match="do not find each other"),
        join_team(torch.device("cpu")),
    ):
        pass


RULE = Adapting(target=0.6, images=64)


def after(verdict: float, times: int, rule: Adapting | None = RULE) -> float:
    probability = Probability(rule, torch.device("cpu"))
    for step in range(times * EVERY):
        probability.note(torch.full((4,), verdict))
        if step % EVERY == EVERY - 1:
            probability.adapt(4)
    return float(probability.value)


def test_photographs_that_are_told_too_surely_are_augmented_more_often():
    assert after(3.0, 1) == pytest.approx(EVERY * 4 / 64)
    assert after(3.0, 100) == 1.0


def test_photographs_that_are_doubted_are_not_augmented():
    assert after(-3.0, 3) == 0.0


def test_without_a_rule_every_image_is_augmented():
    assert after(-3.0, 3, None) == 1.0


@pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
def test_so_many_images_are_augmented_as_the_probability_says(value):
    probability = Probability(RULE, torch.device("cpu"))
    probability.value.fill_(value)
    image = torch.zeros(2_000, 3, 1, 1)
    found = probability.changed(lambda x, noise: x + 1, image, torch.Generator().manual_seed(0))
    assert float(found.mean()) == pytest.approx(value, abs=0.03)


def test_a_training_that_adapts_goes_on_exactly():
    game = dataclasses.replace(GAME, adapting=Adapting(target=-2.0, images=64))
    made = pair(game)

    def training() -> Training:
        return Training(*made.started(0), photographs(), game)

    straight, first, second = training(), training(), training()
    for _ in range(10):
        straight.step()
    for _ in range(5):
        first.step()
    second.load_state_dict(first.state_dict())
    for _ in range(5):
        second.step()
    assert float(straight.probability.value) == pytest.approx(2 * EVERY * BATCH / 64)
    assert torch.equal(second.probability.value, straight.probability.value)
    for mine, its in zip(
        second.generator.parameters(), straight.generator.parameters(), strict=True
    ):
        assert torch.equal(mine, its)
