"""Deep Image Prior: the image is what an untrained network makes of a fixed input."""

import copy
from collections.abc import Callable, Collection, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from priorfit.classical.guides import observation
from priorfit.code import part
from priorfit.networks.initialise import initialise
from priorfit.networks.precision import Precision, full
from priorfit.noise import Noise
from priorfit.priors.base import Prior
from priorfit.priors.inputs import (
    Estimator,
    Guide,
    Hiding,
    Input,
    Pooled,
    Probing,
    Relative,
    estimated,
    name_of,
)
from priorfit.priors.moves import STILL, Moving
from priorfit.problem import Problem
from priorfit.terms.objective import Schedule, at
from priorfit.types import Code, Image

NetworkFactory = Callable[[int, int], nn.Module]
"""(input channels, image channels) to a network that keeps the size of what it is given."""

TARGET = "target"
"""Part of a code, shaped like the image: what a term may draw the image to."""

Jitter = float | Schedule | Relative
"""Standard deviation of normal noise on an input, a function of the steps taken, or a kind."""


class DeepImagePrior(Prior):
    """x = f(z): the weights of f are the code [ulyanov2018]_.

    Parts of the code: `network.*`, the parameters; `buffers.*`, running statistics of
    normalisations; `z.0`, `z.1`, …, one an input; `pool.*`, what these are varied with; `target`,
    if there is one; `channels`, of the image.

    Args:
        network: builds f from the number of channels of z and of the image.
        inputs: what z is made of, joined channel by channel.
        jitter: standard deviation of the normal noise added to z at every step of a fit, one for
            each input or one for all (reg_noise_std in the released notebooks); each a number or a
            function of the steps taken, so that it may fade, or `Relative`.
        weight_noise: standard deviation of normal noise on the filters at every step, as a fraction
            of their own spread; a number or a function of the steps taken. The released
            `param_noise` meant this and did nothing.
        moving: fit the image turned, mirrored and moved at random.
        target: estimate that a term may draw the image to; the network does not see it.
        precision: number format of convolutions, by device.
        memory_format: order of the numbers in memory; channels last is faster on every device.
    """

    still = ("z", "pool", TARGET, "channels")

    def __init__(
        self,
        network: NetworkFactory,
        inputs: Sequence[Input],
        *,
        jitter: Jitter | Sequence[Jitter] = 0.0,
        weight_noise: float | Schedule = 0.0,
        moving: Moving = STILL,
        target: Estimator | None = None,
        precision: Precision = full,
        memory_format: torch.memory_format = torch.channels_last,
    ) -> None:
        self.network, self.inputs = network, tuple(inputs)
        self.jitter = (
            tuple(jitter) if isinstance(jitter, Sequence) else (jitter,) * len(self.inputs)
        )
        self.weight_noise, self.moving, self.precision = weight_noise, moving, precision
        self.target = target
        self.memory_format = memory_format
        self._modules: dict[tuple[int, int], nn.Module] = {}

    def start(self, problem: Problem, noise: Noise) -> Code:
        y = problem.observation
        code: Code = {}
        for i, source in enumerate(self.inputs):
            code[f"z.{i}"] = _owned(source(problem, noise), problem)
            if isinstance(source, Pooled):
                pool = source.pool(problem, noise)
                code |= {f"pool.{i}.{name}": members for name, members in pool.items()}
        if self.target is not None:
            code[TARGET] = _owned(estimated(self.target, problem), problem)
        channels = sum(code[f"z.{i}"].shape[1] for i in range(len(self.inputs)))
        module = self._module(channels, problem.shape[0])
        drawn = [_drawn(module, generator, y) for generator in noise.generators]
        for name in drawn[0]:
            code[name] = torch.stack([numbers[name] for numbers in drawn])
        code["channels"] = torch.full((len(y), 1), problem.shape[0], device=y.device)
        return code

    def settled(self, problem: Problem) -> Prior:
        settled = copy.copy(self)
        settled.inputs = tuple(
            source.settled(problem) if isinstance(source, Pooled) else source
            for source in self.inputs
        )
        return settled

    def guide(self, code: Code, moved: Collection[str]) -> tuple[str, Image] | None:
        for i, shown in enumerate(self.inputs):
            if f"z.{i}" in moved or not isinstance(shown, Guide | Probing | Hiding):
                continue
            if shown.estimate is not observation:  # the estimate is the first part of the input
                channels = int(code["channels"][0, 0])
                return name_of(shown.estimate), code[f"z.{i}"][:, :channels]
        return None

    def vary(self, code: Code, noise: Noise, step: int = 0) -> Code:
        varied = dict(code)
        for i, source in enumerate(self.inputs):
            if isinstance(source, Pooled):
                varied |= _member(code, i, noise)
            varied[f"z.{i}"] = _jittered(varied[f"z.{i}"], self.jitter[i], noise, step)
        varied |= self.moving.drawn(noise)
        strength = at(self.weight_noise, step)
        return self._shaken(varied, noise, strength) if strength else varied

    def render(self, code: Code) -> Image:
        z = torch.cat([code[f"z.{i}"] for i in range(len(self.inputs))], 1)
        module = self._module(z.shape[1], int(code["channels"][0, 0]))
        images = []
        for i in range(len(z)):
            numbers = {
                name.split(".", 1)[1]: _one(tensor, i)
                for name, tensor in code.items()
                if name.startswith(("network.", "buffers."))
            }
            moved = self.moving.move(code, i)
            images.append(moved.back(self._run(module, numbers, moved.there(z[i : i + 1]))))
        return images[0] if len(images) == 1 else torch.cat(images)

    def _run(self, module: nn.Module, weights: dict[str, Tensor], z: Tensor) -> Image:
        z = z.contiguous(memory_format=self.memory_format)
        precision = self.precision(z.device) if z.dtype == torch.float32 else None
        with torch.autocast(z.device.type, precision, enabled=precision is not None):
            return functional_call(module, weights, z).to(z.dtype)

    def _shaken(self, code: Code, noise: Noise, strength: float) -> Code:
        for name, weight in part(code, "network").items():
            if (
                weight.ndim == 5
            ):  # (B, out, in, k, k): convolutions alone, as the released guard meant
                spread = weight.detach().flatten(1).std(1)[:, None, None, None, None]
                draw = noise.normal(*weight.shape[1:], dtype=weight.dtype)
                code[name] = weight + strength * spread * draw
        return code

    def _module(self, channels: int, image_channels: int) -> nn.Module:
        """The network's shape without memory: its numbers come from the code."""
        key = (channels, image_channels)
        if key not in self._modules:
            with torch.device("meta"):
                self._modules[key] = self.network(*key)
        return self._modules[key]


def _owned(z: Tensor, problem: Problem) -> Tensor:
    """A tensor that can be written to: no image shares it with another, nor with the problem."""
    shared = any(not stride and size > 1 for stride, size in zip(z.stride(), z.shape, strict=True))
    given = [t for t in (problem.observation, problem.companion) if t is not None]
    shared |= z.untyped_storage().data_ptr() in {t.untyped_storage().data_ptr() for t in given}
    return z.clone(memory_format=torch.contiguous_format) if shared else z


def _jittered(z: Tensor, jitter: Jitter, noise: Noise, step: int) -> Tensor:
    if isinstance(jitter, Relative):
        return jitter(z, noise)
    std = at(jitter, step)
    return z + std * noise.normal(*z.shape[1:], dtype=z.dtype) if std else z


def _drawn(module: nn.Module, generator: torch.Generator, like: Tensor) -> dict[str, Tensor]:
    """Initial parameters and buffers, drawn in float32 so that every precision starts alike."""
    drawn = copy.deepcopy(module).to_empty(device=like.device)
    initialise(drawn, generator)
    numbers = {f"network.{name}": tensor.detach() for name, tensor in drawn.named_parameters()}
    numbers |= {f"buffers.{name}": tensor for name, tensor in drawn.named_buffers()}
    return {
        name: tensor.to(like.dtype) if tensor.is_floating_point() else tensor
        for name, tensor in numbers.items()
    }


def _member(code: Code, index: int, noise: Noise) -> Code:
    """Draw one member of the pools of an input, the same one of each."""
    pools = part(code, f"pool.{index}")
    count = next(iter(pools.values())).shape[1]
    chosen = (noise.uniform(1)[:, 0] * count).long()
    rows = torch.arange(len(chosen), device=chosen.device)
    return {f"{name.rsplit('.', 1)[1]}.{index}": pool[rows, chosen] for name, pool in pools.items()}


def _one(tensor: Tensor, image: int) -> Tensor:
    return tensor.squeeze(0) if len(tensor) == 1 else tensor[image]
