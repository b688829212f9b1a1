"""A step of a training beside the textbook's, measured in turns in one run, as a ratio.

Textbook: StyleGAN's networks written plainly, the scale of every weight computed in every pass,
R1 in every step, memory as (B, C, H, W), float32, drawings drawn once for the discriminator and
once more for the generator, Adam of PyTorch as it is. Ours: `Training`, over whole rounds of its
lazy penalty.
"""

import copy
import json
import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import torch
from tests import plain_style
from torch import Tensor

from priorfit.train.augment import DIFFERENTIABLE
from priorfit.train.data import Photographs
from priorfit.train.families import Pair, stylegan
from priorfit.train.generator import Training
from priorfit.train.losses import LOGISTIC, gradient_penalty

WIDTH = 32


def photographs(size: int) -> Photographs:
    """Noise, which takes as long as photographs."""
    noise = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (256, 3, size, size), generator=noise, dtype=torch.uint8)
    return Photographs(images, torch.zeros(256).long())


def textbook(pair: Pair, learnt: Photographs) -> Callable[[], object]:
    """One step of the textbook, from the same networks."""
    generator, discriminator = pair.started(0)
    made = {name: t.detach().clone().contiguous() for name, t in generator.state_dict().items()}
    judged = {name: t.detach().clone() for name, t in discriminator.state_dict().items()}
    ours = {name for name, _ in generator.named_parameters()}
    learning = [made[name].requires_grad_() for name in sorted(ours)]
    judging = [tensor.requires_grad_() for tensor in judged.values()]
    game = pair.game
    optimizers = [
        torch.optim.Adam(parameters, game.generator_rate, game.betas)
        for parameters in (judging, learning)
    ]
    noise = torch.Generator().manual_seed(0)
    average = copy.deepcopy([tensor.detach() for tensor in learning])
    images = learnt.images.contiguous()

    def drawn() -> Tensor:
        z = torch.randn(game.batch, generator.z_dim, generator=noise)
        none = [torch.zeros(1, 1, 4 << (i // 2), 4 << (i // 2)) for i in range(generator.layers)]
        return plain_style.stylegan(made, plain_style.mapping(made, z), noise=none)

    def judge(image: Tensor) -> Tensor:
        return plain_style.discriminator(judged, DIFFERENTIABLE(image, noise))[:, 0]

    def step() -> None:
        chosen = torch.randint(len(images), (game.batch,), generator=noise)
        real = (images[chosen].float() / 127.5 - 1).requires_grad_()
        verdicts = judge(real)
        loss = LOGISTIC.discriminator(verdicts, judge(drawn().detach()))
        optimizers[0].zero_grad()
        (loss + game.r1 / 2 * gradient_penalty(verdicts, real)).backward()
        optimizers[0].step()
        optimizers[1].zero_grad()
        LOGISTIC.generator(verdicts.detach(), judge(drawn())).backward()
        optimizers[1].step()
        with torch.no_grad():
            for mean, value in zip(average, learning, strict=True):
                mean.lerp_(value, 0.001)

    return step


def ours(pair: Pair, learnt: Photographs) -> Callable[[], object]:
    """Steps of ours: one whole round of the lazy penalty."""
    training = Training(*pair.started(0), learnt, pair.game)

    def steps() -> None:
        for _ in range(pair.game.r1_every):
            training.step()

    return steps


def measure(rounds: int, results: Path, size: int = 32) -> None:
    """Time both in turn, and write the medians and the median of the ratios."""
    pair, learnt = stylegan(size, 0, WIDTH), photographs(size)
    plain, rounds_of_ours = textbook(pair, learnt), ours(pair, learnt)
    times: list[tuple[float, float]] = []
    for _ in range(rounds + 1):
        times.append((_timed(plain), _timed(rounds_of_ours) / pair.game.r1_every))
    times = times[1:]
    seconds = {
        name: round(statistics.median(column), 4)
        for name, column in zip(("textbook", "ours"), zip(*times, strict=True), strict=True)
    }
    report = {
        "date": date.today().isoformat(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "networks": f"StyleGAN, {size}×{size}, width {WIDTH}, batches of {pair.game.batch}",
        "rounds": rounds,
        "seconds a step, median": seconds,
        "images a second": {name: round(pair.game.batch / s, 1) for name, s in seconds.items()},
        "share of the textbook's, median of pairs": round(
            statistics.median(own / plainly for plainly, own in times), 3
        ),
    }
    text = json.dumps(report, indent=1, ensure_ascii=False)
    results.write_text(text + "\n")
    print(text)


def _timed(step: Callable[[], object]) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started
