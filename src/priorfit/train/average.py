"""The running average of a generator, which draws better than the generator of any moment."""

import copy
from typing import Generic, TypeVar

import torch
from torch import Generator, Tensor, nn

from priorfit.networks.biggan_norms import Statistics
from priorfit.networks.generator import Generator as Drawing
from priorfit.networks.stylegan import StyleGan

Network = TypeVar("Network", bound=nn.Module)

_BATCH = 64
_MEANS = 10_000  # z that the mean of w is taken over, as StyleGAN2's projector does [karras2020]_


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
def settle_statistics(
    generator: Drawing,
    noise: Generator,
    *,
    labels: Tensor | None,
    batches: int = 16,
    moving: bool = True,
) -> Drawing:
    """A copy whose stored statistics are those of its own drawings, and so fit its weights.

    Those of batches are taken over several, "standing statistics" in [brock2019]_, the mean of w
    where there is one over ten thousand. A generator without any comes back as it is.

    Args:
        generator: an average, say.
        noise: source of z, on its device.
        labels: (B,), classes of one batch; None draws 64 without classes.
        batches: how many.
        moving: whether what else moves in training, the vectors of spectral norms, may move.
    """
    generator = copy.deepcopy(generator)
    if isinstance(generator, StyleGan):
        return _centre(generator, noise, labels)
    generator.train(moving)
    layers = [module for module in generator.modules() if isinstance(module, Statistics)]
    if not layers:
        return generator.eval()
    for layer in layers:
        layer.train()
    count = _BATCH if labels is None else len(labels)
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


def _centre(generator: StyleGan, noise: Generator, labels: Tensor | None) -> StyleGan:
    """Give a StyleGAN the mean of its own w."""
    z = torch.randn(_MEANS, generator.z_dim, generator=noise, device=noise.device)
    c = None if labels is None else generator.embed(labels.repeat(-(-_MEANS // len(labels))))
    w = generator.map(z, None if c is None else c[:_MEANS])
    generator.w_avg.copy_(w[:, : len(generator.w_avg)].mean(0))
    return generator.eval()
