"""The running average of a generator, which draws better than the generator of any moment."""

import copy
from typing import Generic, TypeVar

import torch
from torch import Generator, Tensor, nn

from priorfit.networks.biggan_layers import Statistics
from priorfit.networks.generator import Generator as Drawing

Network = TypeVar("Network", bound=nn.Module)


class Average(Generic[Network]):
    """An exponential moving average of parameters; buffers are copied.

    Args:
        network: whose; the average starts from its values.
        half_life: images after which a value counts half.
        ramp: early on, the half-life is this part of the images seen so far.
    """

    def __init__(self, network: Network, half_life: float, ramp: float = 0.05) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        self.half_life, self.ramp = half_life, ramp

    @torch.no_grad()
    def update(self, network: Network, seen: int, batch: int) -> None:
        """Move towards a network that has learnt from `seen` images, `batch` of them just now."""
        half_life = min(self.half_life, max(self.ramp * seen, 1e-8))
        weight = 1 - 0.5 ** (batch / half_life)
        torch._foreach_lerp_(list(self.network.parameters()), list(network.parameters()), weight)
        for mine, its in zip(self.network.buffers(), network.buffers(), strict=True):
            mine.copy_(its)


@torch.no_grad()
def settled(
    generator: Drawing, noise: Generator, *, labels: Tensor | None, batches: int = 16
) -> Drawing:
    """A copy whose stored batch statistics are those of its own drawings, and so fit its weights.

    Taken over several batches, "standing statistics" in [brock2019]_. A generator without such
    statistics comes back as it is.

    Args:
        generator: an average, say.
        noise: source of z, on its device.
        labels: (B,), classes of one batch; None draws 64 without classes.
        batches: how many.
    """
    generator = copy.deepcopy(generator).train()
    layers = [module for module in generator.modules() if isinstance(module, Statistics)]
    if not layers:
        return generator.eval()
    count = 64 if labels is None else len(labels)
    sums = {layer: torch.zeros(2, len(layer.mean), device=noise.device) for layer in layers}

    def add(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, Statistics)
        sums[layer] += torch.stack([inputs[0].mean((0, 2, 3)), inputs[0].square().mean((0, 2, 3))])

    hooks = [layer.register_forward_pre_hook(add) for layer in layers]
    for _ in range(batches):
        z = torch.randn(count, generator.z_dim, generator=noise, device=noise.device)
        generator(z, None if labels is None else generator.embed(labels))
    for layer, hook in zip(layers, hooks, strict=True):
        hook.remove()
        mean, square = sums[layer] / batches
        layer.mean.copy_(mean)
        layer.var.copy_(square - mean.square())
    return generator.eval()
