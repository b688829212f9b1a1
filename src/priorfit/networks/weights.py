"""Layers that compute the weight they use from the one they store, and how to be done with that.

A network under training, or one whose weights are tuned, needs the computation in every step. A
frozen one does not: `frozen` does it once.
"""

import copy
import math
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


@runtime_checkable
class Computed(Protocol):
    """A layer that knows which plain layer it amounts to while its parameters stand still."""

    def frozen(self) -> nn.Module:
        """The plain layer; it shares no memory with this one."""
        ...


def frozen(network: Network) -> Network:
    """A copy in which every computed weight is a plain one: the same pictures, less work a step.

    Its parameters do not require gradients: gradients of the stored weights are lost.
    """
    network = copy.deepcopy(network).requires_grad_(False)
    with torch.no_grad():
        return _replace(network)


def _replace(module: Network) -> Network:
    if isinstance(module, Computed):
        return module.frozen()
    for name, child in module.named_children():
        setattr(module, name, _replace(child))
    return module


class SpectralConv2d(nn.Conv2d):
    """A convolution divided by its largest singular value [miyato2018]_, as BigGAN has it.

    σ comes from one power iteration that begins at the stored `u`. Training moves `u` along;
    evaluation repeats the same iteration each time. The gradient flows through W alone.

    Args:
        inside: channels of the input.
        outside: channels of the output.
        filter_size: odd; the size is kept.
        eps: least norm in the iteration. Released: 1e-6, SN_eps of DGP's scripts.
    """

    def __init__(
        self, inside: int, outside: int, filter_size: int, *, bias: bool = True, eps: float = 1e-6
    ) -> None:
        super().__init__(inside, outside, filter_size, padding=filter_size // 2, bias=bias)
        self.eps = eps
        self.register_buffer("u", torch.zeros(1, outside))

    u: Tensor

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, spectral(self), self.bias, padding=self.padding)

    def frozen(self) -> nn.Module:
        inside, outside = self.in_channels, self.out_channels
        size, bias = self.kernel_size[0], self.bias is not None
        margin = size // 2
        plain = nn.Conv2d(inside, outside, size, padding=margin, bias=bias, device="meta")
        return fill(plain, spectral(self), self.bias)

    def start(self, generator: torch.Generator) -> None:
        """Begin orthogonal, as BigGAN is trained."""
        _start_spectral(self, generator)


class SpectralLinear(nn.Linear):
    """A linear layer divided by its largest singular value, as `SpectralConv2d` is."""

    def __init__(self, inside: int, outside: int, *, bias: bool = True, eps: float = 1e-6) -> None:
        super().__init__(inside, outside, bias)
        self.eps = eps
        self.register_buffer("u", torch.zeros(1, outside))

    u: Tensor

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, spectral(self), self.bias)

    def frozen(self) -> nn.Linear:
        bias = self.bias is not None
        plain = nn.Linear(self.in_features, self.out_features, bias, device="meta")
        return fill(plain, spectral(self), self.bias)

    def start(self, generator: torch.Generator) -> None:
        """Begin orthogonal, as BigGAN is trained."""
        _start_spectral(self, generator)


class SpectralEmbedding(nn.Embedding):
    """A table of vectors divided by its largest singular value, as `SpectralConv2d` is."""

    def __init__(self, entries: int, width: int, *, eps: float = 1e-6) -> None:
        super().__init__(entries, width)
        self.eps = eps
        self.register_buffer("u", torch.zeros(1, entries))

    u: Tensor

    def forward(self, index: Tensor) -> Tensor:
        return F.embedding(index, spectral(self))

    def frozen(self) -> nn.Embedding:
        plain = nn.Embedding(self.num_embeddings, self.embedding_dim, device="meta")
        return fill(plain, spectral(self), None)

    def start(self, generator: torch.Generator) -> None:
        """Begin orthogonal, as BigGAN is trained."""
        _start_spectral(self, generator)


Spectral = SpectralConv2d | SpectralLinear | SpectralEmbedding


def spectral(layer: Spectral) -> Tensor:
    """W / σ(W) of a layer; in training its `u` moves along."""
    with torch.no_grad(), torch.autocast(layer.weight.device.type, enabled=False):
        matrix = _matrix(layer.weight, layer.weight)
        v = F.normalize(layer.u @ matrix, eps=layer.eps)
        across = v @ matrix.T
        u = F.normalize(across, eps=layer.eps)
        if layer.training:
            layer.u.copy_(u)
        sigma = torch.dot(across[0], u[0])
    return _Divided.apply(layer.weight, u, v, sigma)


def divide(weight: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """W / σ with σ = u · W · vᵀ, of vectors (out,) and (rest,) that stand still."""
    with torch.no_grad(), torch.autocast(weight.device.type, enabled=False):
        if _channels_last(weight):
            v = v.view(weight[0].shape).movedim(0, -1).flatten()
        sigma = torch.dot(_matrix(weight, weight) @ v, u)
    return _Divided.apply(weight, u[None], v[None], sigma)


class _Divided(torch.autograd.Function):
    """W / σ(W), whose gradient reads and writes W, which may be large, but once each."""

    @staticmethod
    def forward(context: Any, weight: Tensor, u: Tensor, v: Tensor, sigma: Tensor) -> Tensor:
        context.save_for_backward(weight, u, v, sigma)
        return weight / sigma

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        weight, u, v, sigma = context.saved_tensors
        matrix, above = _matrix(weight, weight), _matrix(gradient, weight)
        twice = torch.is_grad_enabled()
        if twice:  # as a function of W, for the gradient's own gradient
            sigma = torch.dot((v @ matrix.T)[0], u[0])
        along = torch.dot(above.reshape(-1), matrix.reshape(-1)) / sigma.square()
        if twice or matrix.device.type != "cpu":  # numbers would have to be waited for there
            below = above / sigma - along * torch.outer(u[0], v[0])
        else:
            below = torch.addr(above, u[0], v[0], beta=1 / sigma.item(), alpha=-along.item())
        if _channels_last(weight):
            below = below.unflatten(1, weight[0].movedim(0, -1).shape).movedim(-1, 1)
        return below.reshape(weight.shape), None, None, None


def _matrix(tensor: Tensor, like: Tensor) -> Tensor:
    """(out, rest); the columns are in the order in which `like` lies in memory, σ is the same."""
    return (tensor.movedim(1, -1) if _channels_last(like) else tensor).flatten(1)


def _channels_last(weight: Tensor) -> bool:
    return weight.ndim == 4 and weight.is_contiguous(memory_format=torch.channels_last)


class EqualisedConv2d(nn.Conv2d):
    """A convolution with equalised learning rate [karras2018]_: W is used times gain / √fan_in.

    Args:
        inside: channels of the input.
        outside: channels of the output.
        filter_size: odd; the size is kept.
        gain: √2 before a leaky ReLU, 1 without one.
        bias: whether there is one, used as it is stored.
    """

    def __init__(
        self,
        inside: int,
        outside: int,
        filter_size: int,
        *,
        gain: float = math.sqrt(2),
        bias: bool = True,
    ) -> None:
        super().__init__(inside, outside, filter_size, padding=filter_size // 2, bias=bias)
        self.scale = gain / math.sqrt(inside * filter_size**2)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.scale, self.bias, padding=self.padding)

    def frozen(self) -> nn.Module:
        inside, outside = self.in_channels, self.out_channels
        size, bias = self.kernel_size[0], self.bias is not None
        margin = size // 2
        plain = nn.Conv2d(inside, outside, size, padding=margin, bias=bias, device="meta")
        return fill(plain, self.weight * self.scale, self.bias)

    def start(self, generator: torch.Generator) -> None:
        """Begin with N(0, 1) and zero bias."""
        normal(self.weight, 1.0, generator)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class EqualisedLinear(nn.Linear):
    """A linear layer with equalised learning rate: W times gain·rate / √fan_in, bias times rate.

    Args:
        inside: width of the input.
        outside: width of the output.
        gain: √2 before a leaky ReLU, 1 without one.
        rate: how fast it learns beside the others. Released: 0.01 in StyleGAN's mapping.
        bias: what the bias is before training, before `rate`; None for none at all.
    """

    def __init__(
        self,
        inside: int,
        outside: int,
        *,
        gain: float = 1.0,
        rate: float = 1.0,
        bias: float | None = 0.0,
    ) -> None:
        super().__init__(inside, outside, bias is not None)
        self.scale, self.rate = gain * rate / math.sqrt(inside), rate
        self.bias_start = bias

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.scale, self._bias())

    def frozen(self) -> nn.Linear:
        bias = self.bias is not None
        plain = nn.Linear(self.in_features, self.out_features, bias, device="meta")
        return fill(plain, self.weight * self.scale, self._bias())

    def start(self, generator: torch.Generator) -> None:
        """Begin with N(0, 1) / rate and the constant bias."""
        normal(self.weight, 1 / self.rate, generator)
        if self.bias is not None and self.bias_start is not None:
            nn.init.constant_(self.bias, self.bias_start / self.rate)

    def _bias(self) -> Tensor | None:
        return self.bias if self.bias is None or self.rate == 1 else self.bias * self.rate


Plain = TypeVar("Plain", nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.Embedding)


def fill(plain: Plain, weight: Tensor, bias: Tensor | None) -> Plain:
    """`plain`, built on the meta device, with copies of these, which do not require gradients."""
    plain.weight = nn.Parameter(weight.detach().clone(), requires_grad=False)
    if bias is not None:
        plain.bias = nn.Parameter(bias.detach().clone(), requires_grad=False)
    return plain


def _start_spectral(layer: Spectral, generator: torch.Generator) -> None:
    normal(layer.weight, 1.0, generator)
    flat = layer.weight.detach().flatten(1).cpu()
    nn.init.orthogonal_(flat, generator=generator)
    layer.weight.copy_(flat.view_as(layer.weight))
    normal(layer.u, 1.0, generator)
    bias = getattr(layer, "bias", None)
    if bias is not None:
        nn.init.zeros_(bias)


def normal(tensor: Tensor, std: float, generator: torch.Generator) -> None:
    """Fill with N(0, std²), the same numbers for every memory format."""
    # Drawn contiguous: filled in place, a channels-last tensor would get another order.
    values = torch.empty(tensor.shape, dtype=tensor.dtype, device=generator.device)
    tensor.copy_(values.normal_(0, std, generator=generator))
