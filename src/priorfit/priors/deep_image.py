"""Deep Image Prior: the image is what an untrained network makes of a fixed input."""

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from priorfit.networks.initialise import initialise
from priorfit.noise import Noise
from priorfit.priors.base import Prior
from priorfit.priors.inputs import Input
from priorfit.problem import Problem
from priorfit.types import Code, Image

NetworkFactory = Callable[[int, int], nn.Module]
"""(input channels, image channels) to a network that keeps the size of what it is given."""


class DeepImagePrior(Prior):
    """x = f(z): the weights of f are the code [ulyanov2018]_.

    Parts of the code: `network.*`, the parameters; `buffers.*`, running statistics of normalisations;
    `z.0`, `z.1`, …, one an input; `channels`, how many the image has.

    Args:
        network: builds f from the number of channels of z and of the image.
        inputs: what z is made of, joined channel by channel.
        jitter: standard deviation of the normal noise added to z at every step of a fit, one for each
            input or one for all (reg_noise_std in the released notebooks).
        weight_noise: standard deviation of normal noise on every parameter at every step, as a fraction
            of the parameter's own spread. The released `param_noise` meant this and did nothing.
        precision: number format of convolutions; None computes in the observation's own.
    """

    def __init__(
        self,
        network: NetworkFactory,
        inputs: Sequence[Input],
        *,
        jitter: float | Sequence[float] = 0.0,
        weight_noise: float = 0.0,
        precision: torch.dtype | None = None,
    ) -> None:
        self.network, self.inputs = network, tuple(inputs)
        each = [jitter] * len(self.inputs) if isinstance(jitter, float | int) else list(jitter)
        self.jitter = tuple(float(std) for std in each)
        self.weight_noise, self.precision = weight_noise, precision
        self._modules: dict[tuple[int, int], nn.Module] = {}

    def start(self, problem: Problem, noise: Noise) -> Code:
        y = problem.observation
        code = {f"z.{i}": make(problem, noise) for i, make in enumerate(self.inputs)}
        code = {name: _nhwc(z) for name, z in code.items()}
        channels = sum(z.shape[1] for z in code.values())
        module = self._module(channels, problem.shape[0])
        drawn = [_drawn(module, generator, y) for generator in noise.generators]
        for name in drawn[0]:
            code[name] = torch.stack([numbers[name] for numbers in drawn])
        code["channels"] = torch.full((len(y), 1), problem.shape[0], device=y.device)
        return code

    def render(self, code: Code, noise: Noise | None = None) -> Image:
        z = torch.cat([self._jittered(code[f"z.{i}"], i, noise) for i in range(len(self.inputs))], 1)
        module = self._module(z.shape[1], int(code["channels"][0, 0]))
        images = []
        for i in range(len(z)):
            numbers = {
                name.split(".", 1)[1]: _one(tensor, i)
                for name, tensor in code.items()
                if name.startswith(("network.", "buffers."))
            }
            if noise is not None and self.weight_noise:
                numbers = self._shaken(numbers, noise.generators[i])
            images.append(self._run(module, numbers, z[i : i + 1]))
        return images[0] if len(images) == 1 else torch.cat(images)

    def _run(self, module: nn.Module, weights: dict[str, Tensor], z: Tensor) -> Image:
        if self.precision is None:
            return functional_call(module, weights, z)
        with torch.autocast(z.device.type, self.precision):
            return functional_call(module, weights, z).to(z.dtype)

    def _jittered(self, z: Tensor, index: int, noise: Noise | None) -> Tensor:
        std = self.jitter[index]
        if noise is None or not std:
            return z
        return z + std * noise.normal(*z.shape[1:], dtype=z.dtype)

    def _shaken(self, weights: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        shaken = dict(weights)
        for name, weight in weights.items():
            if weight.ndim == 4:  # convolutions alone, as the released guard intended
                draw = torch.empty_like(weight).normal_(generator=generator)
                shaken[name] = weight + self.weight_noise * weight.detach().std() * draw
        return shaken

    def _module(self, channels: int, image_channels: int) -> nn.Module:
        """The network's shape without memory: its numbers come from the code."""
        key = (channels, image_channels)
        if key not in self._modules:
            with torch.device("meta"):
                self._modules[key] = self.network(*key)
        return self._modules[key]


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


def _one(tensor: Tensor, image: int) -> Tensor:
    return tensor.squeeze(0) if len(tensor) == 1 else tensor[image]


def _nhwc(z: Tensor) -> Tensor:
    return z.contiguous(memory_format=torch.channels_last)
