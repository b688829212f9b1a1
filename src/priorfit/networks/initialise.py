"""PyTorch's default initialisation, drawn from a generator of the caller's own."""

import math
from collections.abc import Callable
from typing import Protocol, TypeVar, runtime_checkable

import torch
from torch import Generator, Tensor, nn

from priorfit.errors import ProblemError

Network = TypeVar("Network", bound=nn.Module)

_FILTERED = (nn.modules.conv._ConvNd, nn.Linear)
# Their own resetting draws nothing.
_CONSTANT = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, nn.PReLU)


@runtime_checkable
class Starting(Protocol):
    """A layer that knows its own start, for layers that PyTorch does not have."""

    def start(self, generator: Generator) -> None:
        """Fill the layer's own parameters and buffers, drawing from nothing but the generator."""
        ...


def initialised(
    build: Callable[[], Network], generator: Generator, device: torch.device | str = "cpu"
) -> Network:
    """Build a network and initialise it without touching the global random state.

    Args:
        build: makes the network; called where tensors have no storage, so that it draws nothing.
        generator: gives every number.
        device: where the network shall be.
    """
    with torch.device("meta"):
        network = build()
    return initialise(network.to_empty(device=device), generator)


def initialise(network: Network, generator: Generator) -> Network:
    """Fill every parameter and buffer as PyTorch would, module by module in order.

    Weights of convolutions and linear layers, and their biases, are uniform in ±1/√fan_in;
    normalisation starts at one and zero. The same generator state gives the same values for every
    memory format and device.

    Raises:
        ProblemError: a module has parameters or buffers of its own and is neither one of
            PyTorch's layers above nor `Starting`.
    """
    with torch.no_grad():
        for module in network.modules():
            _start(module, generator)
    return network


def _start(module: nn.Module, generator: Generator) -> None:
    if isinstance(module, Starting):
        module.start(generator)
    elif isinstance(module, _FILTERED):
        # fan_in as torch counts it: the second axis, also where a transposed convolution has its
        # outputs there. kaiming_uniform with a = √5 has the same bound, 1/√fan_in.
        bound = 1 / math.sqrt(module.weight[0].numel())
        _uniform(module.weight, bound, generator)
        if module.bias is not None:
            _uniform(module.bias, bound, generator)
    elif isinstance(module, _CONSTANT):
        module.reset_parameters()
    elif [*module.parameters(recurse=False), *module.buffers(recurse=False)]:
        raise ProblemError(
            f"cannot initialise a {type(module).__name__}, it is no layer with a known start; "
            "give it a method start(generator)"
        )


def _uniform(parameter: Tensor, bound: float, generator: Generator) -> None:
    # Drawn contiguous: filled in place, a channels-last tensor would get its numbers in another
    # order.
    values = torch.empty(parameter.shape, dtype=parameter.dtype, device=generator.device)
    parameter.copy_(values.uniform_(-bound, bound, generator=generator))
