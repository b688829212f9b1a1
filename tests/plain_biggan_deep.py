"""BigGAN-deep written down plainly, on weights as Hugging Face publishes them."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from tests import plain_biggan
from tests.plain_biggan import Shapes, Weights


def divided(weights: Weights, name: str) -> Tensor:
    """W / σ with the stored u and v."""
    weight = weights[f"{name}.weight_orig"]
    sigma = weights[f"{name}.weight_u"] @ weight.flatten(1) @ weights[f"{name}.weight_v"]
    return weight / sigma


def linear(weights: Weights, name: str, x: Tensor) -> Tensor:
    return F.linear(x, divided(weights, name), weights.get(f"{name}.bias"))


def conv(weights: Weights, name: str, x: Tensor) -> Tensor:
    weight = divided(weights, name)
    return F.conv2d(x, weight, weights.get(f"{name}.bias"), padding=weight.shape[-1] // 2)


def statistics(weights: Weights, name: str, at: float, *, swapped: bool) -> tuple[Tensor, Tensor]:
    """Mean and variance at a place among the entries, `at` counted in entries."""
    below, share = int(at), at - int(at)
    means, variances = weights[f"{name}.running_means"], weights[f"{name}.running_vars"]
    if not share:
        return means[below], variances[below]
    first = share if swapped else 1 - share
    return tuple(first * t[below] + (1 - first) * t[below + 1] for t in (means, variances))


def normalised(weights: Weights, name: str, x: Tensor, at: float, *, swapped: bool) -> Tensor:
    mean, variance = (t[:, None, None] for t in statistics(weights, name, at, swapped=swapped))
    return (x - mean) / torch.sqrt(variance + 1e-4)


def attention(weights: Weights, name: str, x: Tensor) -> Tensor:
    batch, _, height, width = x.shape
    theta = conv(weights, f"{name}.snconv1x1_theta", x).view(batch, -1, height * width)
    phi, g = (conv(weights, f"{name}.snconv1x1_{part}", x) for part in ("phi", "g"))
    phi, g = (F.max_pool2d(t, 2).view(batch, -1, height * width // 4) for t in (phi, g))
    beta = torch.softmax(torch.einsum("bcq,bck->bqk", theta, phi), -1)
    o = torch.einsum("bck,bqk->bcq", g, beta).reshape(batch, -1, height, width)
    return x + weights[f"{name}.gamma"] * conv(weights, f"{name}.snconv1x1_o_conv", o)


def generator(
    weights: Weights,
    z: Tensor,
    labels: Tensor,
    at: float,
    *,
    doubling: Sequence[int],
    swapped: bool = False,
) -> Tensor:
    """The image, (B, 3, H, W); `at` is the truncation counted in entries of the statistics."""
    c = torch.cat([z, weights["embeddings.weight"].T[labels]], 1)
    x = linear(weights, "generator.gen_z", c).view(len(z), 4, 4, -1).permute(0, 3, 1, 2)
    layer = block = 0
    while any(key.startswith(f"generator.layers.{layer}.") for key in weights):
        name = f"generator.layers.{layer}"
        layer += 1
        if f"{name}.gamma" in weights:
            x = attention(weights, name, x)
            continue
        h = x
        for index in range(4):
            norm = f"{name}.bn_{index}"
            h = normalised(weights, norm, h, at, swapped=swapped)
            gain, bias = (linear(weights, f"{norm}.{part}", c) for part in ("scale", "offset"))
            h = F.relu(h * (1 + gain)[:, :, None, None] + bias[:, :, None, None])
            if index == 1 and block in doubling:
                h = F.interpolate(h, scale_factor=2.0)
            h = conv(weights, f"{name}.conv_{index}", h)
        x = x[:, : h.shape[1]]
        x = h + (F.interpolate(x, scale_factor=2.0) if block in doubling else x)
        block += 1
    x = normalised(weights, "generator.bn", x, at, swapped=swapped)
    gain, bias = (weights[f"generator.bn.{part}"][:, None, None] for part in ("weight", "bias"))
    return torch.tanh(conv(weights, "generator.conv_to_rgb", F.relu(x * gain + bias))[:, :3])


def drawn(shapes: Shapes, seed: int = 0) -> dict[str, Tensor]:
    """Random weights for which every part of the network matters; u and v nearly converged."""
    weights = plain_biggan.drawn(shapes, seed)
    for name in [key.removesuffix("_orig") for key in weights if key.endswith("_orig")]:
        matrix = weights[f"{name}_orig"].flatten(1)
        weights[f"{name}_v"] = F.normalize(weights[f"{name}_u"] @ matrix, dim=0)
        weights[f"{name}_u"] = F.normalize(matrix @ weights[f"{name}_v"], dim=0)
    return weights


def shapes(
    channels: Sequence[int], attention: int | None, *, z_dim: int, embedding: int, classes: int
) -> Shapes:
    """Names and shapes of a published generator with eleven truncations."""
    told, layer = z_dim + embedding, 0
    yield "embeddings.weight", (embedding, classes)
    yield from _layer("generator.gen_z", (16 * channels[0], told))
    for index, outside in enumerate(channels[1:]):
        inside = channels[index]
        if index == attention:
            yield from _attention(f"generator.layers.{layer}", inside)
            layer += 1
        yield from _block(f"generator.layers.{layer}", inside, outside, told)
        layer += 1
    yield from _statistics("generator.bn", channels[-1])
    yield "generator.bn.weight", (channels[-1],)
    yield "generator.bn.bias", (channels[-1],)
    yield from _layer("generator.conv_to_rgb", (channels[-1] + 3, channels[-1], 3, 3))


def _block(name: str, inside: int, outside: int, told: int) -> Shapes:
    narrow = inside // 4
    widths, sides = (inside, narrow, narrow, narrow, outside), (1, 3, 3, 1)
    for index, side in enumerate(sides):
        yield from _statistics(f"{name}.bn_{index}", widths[index])
        for part in ("scale", "offset"):
            yield from _layer(f"{name}.bn_{index}.{part}", (widths[index], told), bias=False)
        shape = (widths[index + 1], widths[index], side, side)
        yield from _layer(f"{name}.conv_{index}", shape)


def _attention(name: str, channels: int) -> Shapes:
    yield f"{name}.gamma", (1,)
    narrow, half = channels // 8, channels // 2
    for part, outside in (("theta", narrow), ("phi", narrow), ("g", half)):
        yield from _layer(f"{name}.snconv1x1_{part}", (outside, channels, 1, 1), bias=False)
    yield from _layer(f"{name}.snconv1x1_o_conv", (channels, half, 1, 1), bias=False)


def _statistics(name: str, channels: int) -> Shapes:
    yield f"{name}.running_means", (11, channels)
    yield f"{name}.running_vars", (11, channels)


def _layer(name: str, shape: tuple[int, ...], *, bias: bool = True) -> Shapes:
    yield f"{name}.weight_orig", shape
    yield f"{name}.weight_u", (shape[0],)
    yield f"{name}.weight_v", (int(torch.Size(shape[1:]).numel()),)
    if bias:
        yield f"{name}.bias", (shape[0],)
