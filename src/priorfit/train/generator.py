"""A generator and its discriminator learn from photographs, in steps that resume exactly."""

import copy
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import astuple, replace
from functools import partial
from typing import Any

import torch
from torch import Generator, Tensor

from priorfit.errors import DivergenceError
from priorfit.networks.generator import Discriminator
from priorfit.networks.generator import Generator as Drawing
from priorfit.train.adapting import EVERY, Probability
from priorfit.train.average import Average
from priorfit.train.batches import Batch, Batches
from priorfit.train.data import Photographs
from priorfit.train.game import Draw, Game, Judging
from priorfit.train.growing import Growing, match_detail
from priorfit.train.losses import gradient_penalty, path_lengths
from priorfit.train.onlooker import Heads
from priorfit.train.ready import ready
from priorfit.train.several import ALONE, Team, gradients, moving
from priorfit.types import Image

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
        self.heads: Heads | None = None
        if game.sight is not None:
            self.heads = ready(game.sight.heads(Generator().manual_seed(seed), device))
        self.noise = Generator(device).manual_seed(seed)
        self.batches = Batches(photographs, game.batch, self.noise)
        self.optimizers = {
            "generator": _adam(self.generator, game.generator_rate, game.betas),
            "discriminator": _adam(self.discriminator, game.discriminator_rate, game.betas),
        }
        if self.heads is not None:
            self.optimizers["heads"] = _adam(self.heads, game.discriminator_rate, game.betas)
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
        whole = self.batches.next()
        batch = self._share(whole)
        if self.lod:
            batch = batch._replace(images=match_detail(batch.images, self.lod))
        # Of the photographs' classes, in their order: the game may compare them pair by pair.
        labels = whole.labels if self.generator.classes else None
        with self.arithmetic():
            drawings = self._draw(labels)
        labels = None if labels is None else self.team.own(labels)
        real_labels = batch.labels if self.discriminator.classes else None
        told = Batch(batch.images, real_labels)
        of_real = self._teach_discriminator(told, drawings.detach(), labels)
        self._teach_generator(drawings, labels, of_real)
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
            "generator": _copy(self.generator),
            "discriminator": _copy(self.discriminator),
            "average": _copy(self.average.network),
            "optimizers": {n: copy.deepcopy(o.state_dict()) for n, o in self.optimizers.items()},
            "noise": self.noise.get_state(),
            "batches": self.batches.state_dict(),
            "heads": None if self.heads is None else _copy(self.heads),
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
        if (self.heads is None) != (saved["heads"] is None):
            raise ValueError("only one of both trainings has further verdicts")
        if self.heads is not None:
            self.heads.load_state_dict(saved["heads"])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(saved["optimizers"][name])
        self.noise.set_state(saved["noise"].cpu())
        self.batches.load_state_dict(saved["batches"])
        self.path_length.copy_(saved["path_length"])
        self.probability.load_state_dict(saved["probability"])
        sums, self._penalties, self._since = saved["gathered"]
        self._sums.copy_(sums)

    def arithmetic(self) -> AbstractContextManager:
        """In which the networks compute, and their gradients do not."""
        low = self.game.precision != torch.float32
        return torch.autocast(self.device.type, self.game.precision, enabled=low)

    def latents(self) -> Tensor:
        """Draw z of a batch, (B, Z)."""
        shape = (self.game.batch, self.generator.z_dim)
        return torch.randn(shape, generator=self.noise, device=self.device)

    def _share(self, batch: Batch) -> Batch:
        """This process's part of a batch."""
        labels = None if batch.labels is None else self.team.own(batch.labels)
        return Batch(self.team.own(batch.images), labels)

    def _augment(self, images: Image) -> Image:
        return self.probability.changed(self.game.augmentation, images, self.noise)

    def _draw(self, labels: Tensor | None) -> Image:
        z = self.latents()
        c = None if labels is None else self.generator.embed(labels)
        latent = self.team.own(self.game.latents(self.generator, z, c, self.noise))
        c = None if c is None else self.team.own(c)
        draw = self._drawn_by
        if self.lod:
            draw = partial(self._plain_draw, lod=self.lod)
        return self.game.paint(draw, self.generator, latent, c, self.noise)

    def _judge(
        self, images: Image, labels: Tensor | None, *, twice: bool = False
    ) -> tuple[Tensor, ...]:
        """Verdicts of the discriminator, (B,), then of the heads, (B, P) each.

        Args:
            images: augmented.
            labels: their classes.
            twice: if a gradient of the first one's gradient is wanted, which compiling loses.
        """
        judge: Judging = self.discriminator if twice or self.lod else self._judged_by
        if self.lod:
            judge = partial(judge, lod=self.lod)
        with self.arithmetic():
            found = [judge(images, labels)]
            if self.heads is not None and self.game.sight is not None:
                found += self.heads(self.game.sight.see(images), labels)
        return tuple(verdicts.float() for verdicts in found)

    def _teach_discriminator(
        self, batch: Batch, drawings: Image, labels: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Let it and the heads learn to tell; returns their verdicts on the photographs."""
        self._open(True)
        game = self.game
        penalised = max(game.r1, game.r2) > 0 and self.steps % game.r1_every == 0
        images = self._augment(batch.images).detach().requires_grad_(penalised)
        unreal = self._augment(drawings.float()).detach()
        unreal.requires_grad_(penalised and game.r2 > 0)
        of_real = self._judge(images, batch.labels, twice=penalised)
        of_drawn = self._judge(unreal, labels, twice=unreal.requires_grad)
        losses = list(map(game.losses.discriminator, of_real, of_drawn))
        objective = torch.stack(losses).sum()
        if penalised:
            penalty = gradient_penalty(of_real[0], images)
            weighed = game.r1 * penalty
            if game.r2:
                weighed = weighed + game.r2 * gradient_penalty(of_drawn[0], unreal)
            objective = objective + game.r1_every / 2 * weighed
            self._penalties += 1
            self._sums[4] += penalty.detach()
        self.probability.note(of_real[0])
        self._learn(("discriminator", "heads"), objective)
        for place, value in enumerate((losses[0], None, of_real[0].mean(), of_drawn[0].mean())):
            if value is not None:
                self._sums[place] += value.detach()
        return tuple(verdicts.detach() for verdicts in of_real)

    def _teach_generator(
        self, drawings: Image, labels: Tensor | None, of_real: Sequence[Tensor]
    ) -> None:
        self._open(False)
        verdicts = self._judge(self._augment(drawings.float()), labels)
        losses = list(map(self.game.losses.generator, of_real, verdicts))
        objective = torch.stack(losses).sum()
        if self.game.path > 0 and self.steps % self.game.path_every == 0:
            penalty = self._path_penalty(labels)
            objective = objective + self.game.path * self.game.path_every * penalty
        self._learn(("generator",), objective)
        self._sums[1] += losses[0].detach()

    def _open(self, learning: bool) -> None:
        """Have those who judge learn, or not."""
        self.discriminator.requires_grad_(learning)
        if self.heads is not None:
            self.heads.requires_grad_(learning)

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

    def _learn(self, names: Sequence[str], objective: Tensor) -> None:
        networks = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "heads": self.heads,
        }
        learning = {name: net for name in names if (net := networks[name]) is not None}
        for name in learning:
            self.optimizers[name].zero_grad(set_to_none=True)
        objective.backward()
        for name, network in learning.items():
            self.team.average(gradients(network))
            self.optimizers[name].step()

    def _set_rates(self) -> None:
        factor = self.game.rates(self.seen)
        for name, optimizer in self.optimizers.items():
            drawing = name == "generator"
            rate = self.game.generator_rate if drawing else self.game.discriminator_rate
            optimizer.param_groups[0]["lr"] = rate * factor


def _adam(network: torch.nn.Module, rate: float, betas: tuple[float, float]) -> torch.optim.Adam:
    fused = next(network.parameters()).device.type in ("cpu", "cuda")
    return torch.optim.Adam(network.parameters(), rate, betas, fused=fused)


def _swift(function: Draw, game: Game) -> Draw:
    return torch.compile(function, dynamic=False) if game.compiled else function


def _copy(network: torch.nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
