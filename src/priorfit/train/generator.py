"""A generator and its discriminator learn from photographs, in steps that resume exactly."""

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import astuple, dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Generator, Tensor

from priorfit.errors import DivergenceError
from priorfit.networks.generator import Discriminator
from priorfit.networks.generator import Generator as Drawing
from priorfit.train.adapting import EVERY, Adapting, Probability
from priorfit.train.augment import Augmentation
from priorfit.train.average import Average
from priorfit.train.batches import Batch, Batches
from priorfit.train.data import Photographs
from priorfit.train.growing import Growing, matched
from priorfit.train.losses import Losses, gradient_penalty, path_lengths
from priorfit.train.ready import ready
from priorfit.train.several import ALONE, Team, gradients, moving
from priorfit.types import Image

Latents = Callable[[Drawing, Tensor, Tensor | None, Generator], Tensor]
"""(generator, z, c, source of numbers) -> the latents that it draws in training."""


def mapped(generator: Drawing, z: Tensor, c: Tensor | None, noise: Generator) -> Tensor:
    """The latents that z stands for."""
    return generator.map(z, c)


Draw = Callable[..., Image]
"""`draw` of a generator, perhaps compiled, perhaps not grown up."""

Judging = Callable[..., Tensor]
"""`forward` of a discriminator, likewise."""

Paint = Callable[[Draw, Drawing, Tensor, Tensor | None, Generator], Image]
"""(its draw, generator, latents, c, source of numbers) -> the drawings it makes in training."""


def painted(
    draw: Draw, generator: Drawing, latent: Tensor, c: Tensor | None, noise: Generator
) -> Image:
    """The drawings of latents."""
    return draw(latent, c)


Rates = Callable[[int], float]
"""Photographs seen -> what both learning rates are multiplied by."""


def steady(seen: int) -> float:
    """Learning rates that stay what they are."""
    return 1.0


def cooled(images: int, part: float = 0.5) -> Rates:
    """Learning rates that go down to zero, in a straight line, in the last part of a training.

    Args:
        images: length of the training.
        part: of it, over which they go down.
    """

    def factor(seen: int) -> float:
        return min(1.0, max(0.0, (1 - seen / images) / part))

    return factor


@dataclass(frozen=True)
class Game:
    """How two networks learn from each other.

    Args:
        losses: what each minimises.
        augmentation: what changes images before the discriminator sees them.
        batch: photographs a step, and as many drawings.
        generator_rate: learning rate of Adam.
        discriminator_rate: likewise.
        betas: of both.
        r1: weight γ of the gradient penalty on photographs; 0 for none.
        r1_every: steps from one penalty to the next, which then counts so often [karras2020]_.
        path: weight of the regularisation of path lengths; 0 for none.
        path_every: likewise.
        half_life: images after which the average of the generator has forgotten half.
        latents: how latents come from z in training.
        paint: how drawings come from latents in training.
        precision: of the networks' arithmetic; float32, or bfloat16 where that is faster.
        rates: course of both learning rates.
        compiled: whether the networks are compiled; steps with a penalty, which compiled
            networks cannot learn from, and those of networks that grow are taken as they are.
        growing: resolution over the training, of networks that can grow; None for all at once.
        adapting: how often images are augmented; None for always.
    """

    losses: Losses
    augmentation: Augmentation
    batch: int = 64
    generator_rate: float = 1e-4
    discriminator_rate: float = 4e-4
    betas: tuple[float, float] = (0.0, 0.99)
    r1: float = 0.0
    r1_every: int = 16
    path: float = 0.0
    path_every: int = 8
    half_life: float = 10_000
    latents: Latents = mapped
    paint: Paint = painted
    precision: torch.dtype = torch.float32
    rates: Rates = steady
    compiled: bool = False
    growing: Growing | None = None
    adapting: Adapting | None = None


_GATHERED = ("discriminator", "generator", "real", "drawn", "penalty")


class Training:
    """Where the two networks stand: all that the next step depends on.

    Args:
        generator: learns to draw; on the device, as is the discriminator.
        discriminator: learns to tell.
        photographs: to learn from.
        game: how.
        seed: gives every number drawn from here on.
        team: which of several processes this is; all are given the same, and share each batch.

    Attributes:
        average: of the generator.
        steps: taken so far.
    """

    def __init__(
        self,
        generator: Drawing,
        discriminator: Discriminator,
        photographs: Photographs,
        game: Game,
        seed: int = 0,
        *,
        team: Team = ALONE,
    ) -> None:
        team.share(game.batch)
        self.team = team
        device = next(generator.parameters()).device
        self.game, self.device, self.steps = game, device, 0
        self.generator = ready(generator)
        self.discriminator = ready(discriminator)
        self.average = Average(self.generator, game.half_life)
        self._plain_draw: Draw = self.generator.draw
        self._drawn_by = _swift(self._plain_draw, game)
        self._judged_by: Judging = _swift(self.discriminator, game)
        self.noise = Generator(device).manual_seed(seed)
        self.batches = Batches(photographs, game.batch, self.noise)
        self.optimizers = {
            "generator": _adam(self.generator, game.generator_rate, game.betas),
            "discriminator": _adam(self.discriminator, game.discriminator_rate, game.betas),
        }
        self.probability = Probability(game.adapting, device)
        self.path_length = torch.zeros((), device=device)
        self._sums = torch.zeros(len(_GATHERED), device=device)
        self._penalties, self._since = 0, 0

    @property
    def seen(self) -> int:
        """Photographs that the discriminator has seen, again and again."""
        return self.steps * self.game.batch

    @property
    def lod(self) -> float:
        """How many doublings of the resolution are still missing."""
        return self.game.growing.lod(self.seen) if self.game.growing else 0.0

    def step(self) -> None:
        """Let both networks learn from one batch; nothing waits for the device.

        The drawings that the discriminator learns from serve the generator too, which saves
        drawing them twice; its verdicts on them come anew from the discriminator that has learnt.
        """
        self._set_rates()
        batch = self._shared(self.batches.next())
        if self.lod:
            batch = batch._replace(images=matched(batch.images, self.lod))
        labels = self._labels() if self.generator.classes else None
        with self._arithmetic():
            drawings = self._draw(labels)
        labels = None if labels is None else self.team.own(labels)
        real_labels = batch.labels if self.discriminator.classes else None
        self._teach_discriminator(Batch(batch.images, real_labels), drawings.detach(), labels)
        self._teach_generator(drawings, labels)
        self.steps += 1
        self._since += 1
        self.team.average([*moving(self.generator), *moving(self.discriminator)])
        if self.steps % EVERY == 0:
            self.team.average([self.probability.signs])
            self.probability.adapt(self.game.batch)
        self.average.update(self.generator, self.seen, self.game.batch)

    def gathered(self) -> dict[str, float]:
        """Means since the last call: both losses, verdicts on photographs and drawings, and R1.

        R1 is left out where no step since then had it.

        Raises:
            DivergenceError: one of them is no number any more.
        """
        counts = [self._since] * (len(_GATHERED) - 1) + [self._penalties]
        sums = zip(_GATHERED, self._sums.tolist(), counts, strict=True)
        means = {name: total / count for name, total, count in sums if count}
        self._sums.zero_()
        self._penalties, self._since = 0, 0
        if not all(abs(value) < float("inf") for value in means.values()):
            raise DivergenceError(
                f"the training lost its way after {self.seen} images: try another --seed, or a "
                "larger --batch"
            )
        return means

    def state_dict(self) -> dict[str, Any]:
        """Copy everything; a training like this one goes on from it to the same bytes."""
        return {
            "steps": self.steps,
            "generator": _copied(self.generator),
            "discriminator": _copied(self.discriminator),
            "average": _copied(self.average.network),
            "optimizers": {n: copy.deepcopy(o.state_dict()) for n, o in self.optimizers.items()},
            "noise": self.noise.get_state(),
            "batches": self.batches.state_dict(),
            "path_length": self.path_length.clone(),
            "probability": self.probability.state_dict(),
            "growing": None if self.game.growing is None else astuple(self.game.growing),
            "gathered": (self._sums.clone(), self._penalties, self._since),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on from there; the resolution grows as it did."""
        self.steps = saved["steps"]
        growing = None if saved["growing"] is None else Growing(*saved["growing"])
        self.game = replace(self.game, growing=growing)
        self.generator.load_state_dict(saved["generator"])
        self.discriminator.load_state_dict(saved["discriminator"])
        self.average.network.load_state_dict(saved["average"])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(saved["optimizers"][name])
        self.noise.set_state(saved["noise"].cpu())
        self.batches.load_state_dict(saved["batches"])
        self.path_length.copy_(saved["path_length"])
        self.probability.load_state_dict(saved["probability"])
        sums, self._penalties, self._since = saved["gathered"]
        self._sums.copy_(sums)

    def _shared(self, batch: Batch) -> Batch:
        """This process's part of a batch."""
        labels = None if batch.labels is None else self.team.own(batch.labels)
        return Batch(self.team.own(batch.images), labels)

    def _augmented(self, images: Image) -> Image:
        return self.probability.changed(self.game.augmentation, images, self.noise)

    def _labels(self) -> Tensor:
        """Classes to draw, as often as photographs have them."""
        labels = self.batches.labels
        shape = (self.game.batch,)
        return labels[torch.randint(len(labels), shape, generator=self.noise, device=self.device)]

    def _draw(self, labels: Tensor | None) -> Image:
        shape = (self.game.batch, self.generator.z_dim)
        z = torch.randn(shape, generator=self.noise, device=self.device)
        c = None if labels is None else self.generator.embed(labels)
        latent = self.team.own(self.game.latents(self.generator, z, c, self.noise))
        c = None if c is None else self.team.own(c)
        draw = self._drawn_by
        if self.lod:
            draw = partial(self._plain_draw, lod=self.lod)
        return self.game.paint(draw, self.generator, latent, c, self.noise)

    def _judge(self, images: Image, labels: Tensor | None, *, twice: bool = False) -> Tensor:
        """Verdicts; `twice` if a gradient of their gradient is wanted, which compiling loses."""
        judge: Judging = self.discriminator if twice or self.lod else self._judged_by
        if self.lod:
            judge = partial(judge, lod=self.lod)
        with self._arithmetic():
            return judge(images, labels).float()

    def _teach_discriminator(self, batch: Batch, drawings: Image, labels: Tensor | None) -> None:
        self.discriminator.requires_grad_(True)
        penalised = self.game.r1 > 0 and self.steps % self.game.r1_every == 0
        images = self._augmented(batch.images).detach()
        images.requires_grad_(penalised)
        real = self._judge(images, batch.labels, twice=penalised)
        unreal = self._judge(self._augmented(drawings.float()), labels)
        loss = objective = self.game.losses.discriminator(real, unreal)
        if penalised:
            penalty = gradient_penalty(real, images)
            objective = loss + self.game.r1 / 2 * self.game.r1_every * penalty
            self._penalties += 1
            self._sums[4] += penalty.detach()
        self.probability.note(real)
        self._learn("discriminator", objective)
        for place, value in enumerate((loss, None, real.mean(), unreal.mean())):
            if value is not None:
                self._sums[place] += value.detach()

    def _teach_generator(self, drawings: Image, labels: Tensor | None) -> None:
        self.discriminator.requires_grad_(False)
        verdicts = self._judge(self._augmented(drawings.float()), labels)
        loss = objective = self.game.losses.generator(verdicts)
        if self.game.path > 0 and self.steps % self.game.path_every == 0:
            objective = loss + self.game.path * self.game.path_every * self._path_penalty(labels)
        self._learn("generator", objective)
        self._sums[1] += loss.detach()

    def _path_penalty(self, labels: Tensor | None) -> Tensor:
        """How much path lengths differ from their running mean, on half a batch."""
        half = max(1, self.team.share(self.game.batch) // 2)
        shape = (half * self.team.size, self.generator.z_dim)
        z = self.team.own(torch.randn(shape, generator=self.noise, device=self.device))
        c = None if labels is None else self.generator.embed(labels[:half])
        w = self.game.latents(self.generator, z, c, self.noise)
        draw = partial(self._plain_draw, lod=self.lod) if self.lod else self._plain_draw
        images = self.game.paint(draw, self.generator, w, c, self.noise)
        noise = torch.randn(images.shape, generator=self.noise, device=self.device)
        lengths = path_lengths(images, w, noise)
        mean = lengths.mean().detach()
        self.team.average([mean])
        self.path_length.lerp_(mean, 0.01)
        return (lengths - self.path_length).square().mean()

    def _learn(self, name: str, objective: Tensor) -> None:
        optimizer = self.optimizers[name]
        optimizer.zero_grad(set_to_none=True)
        objective.backward()
        network = self.generator if name == "generator" else self.discriminator
        self.team.average(gradients(network))
        optimizer.step()

    def _set_rates(self) -> None:
        factor = self.game.rates(self.seen)
        rates = (self.game.generator_rate, self.game.discriminator_rate)
        for rate, name in zip(rates, ("generator", "discriminator"), strict=True):
            self.optimizers[name].param_groups[0]["lr"] = rate * factor

    def _arithmetic(self) -> AbstractContextManager:
        low = self.game.precision != torch.float32
        return torch.autocast(self.device.type, self.game.precision, enabled=low)


def _adam(network: torch.nn.Module, rate: float, betas: tuple[float, float]) -> torch.optim.Adam:
    fused = next(network.parameters()).device.type in ("cpu", "cuda")
    return torch.optim.Adam(network.parameters(), rate, betas, fused=fused)


def _swift(function: Draw, game: Game) -> Draw:
    return torch.compile(function, dynamic=False) if game.compiled else function


def _copied(network: torch.nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
