"""BigGAN written down plainly, on weights as they are published: what ours must equal.

Every step computes every singular value, nothing is merged and memory lies as (B, C, H, W).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

Weights = Mapping[str, Tensor]


def normalised(weights: Weights, name: str) -> Tensor:
    """W / σ after one power iteration from the stored u."""
    weight = weights[f"{name}.weight"]
    matrix = weight.reshape(weight.shape[0], -1)
    with torch.no_grad():
        v = F.normalize(weights[f"{name}.u0"] @ matrix, eps=1e-6)
        u = F.normalize(v @ matrix.t(), eps=1e-6)
    return weight / (v @ matrix.t() @ u.t()).squeeze()


def conv(weights: Weights, name: str, x: Tensor) -> Tensor:
    weight = normalised(weights, name)
    return F.conv2d(x, weight, weights.get(f"{name}.bias"), padding=weight.shape[-1] // 2)


def attention(weights: Weights, name: str, x: Tensor) -> Tensor:
    batch, _, height, width = x.shape
    theta = conv(weights, f"{name}.theta", x).view(batch, -1, height * width)
    phi = F.max_pool2d(conv(weights, f"{name}.phi", x), 2).view(batch, -1, height * width // 4)
    g = F.max_pool2d(conv(weights, f"{name}.g", x), 2).view(batch, -1, height * width // 4)
    beta = torch.softmax(torch.einsum("bcq,bck->bqk", theta, phi), -1)
    o = torch.einsum("bck,bqk->bcq", g, beta).reshape(batch, -1, height, width)
    return weights[f"{name}.gamma"] * conv(weights, f"{name}.o", o) + x


def batch_norm(weights: Weights, name: str, x: Tensor) -> Tensor:
    mean, var = weights[f"{name}.stored_mean"], weights[f"{name}.stored_var"]
    return F.batch_norm(x, mean, var, None, None, False, 0.1, 1e-5)


def conditional(weights: Weights, name: str, x: Tensor, y: Tensor) -> Tensor:
    def of(part: str) -> Tensor:
        if f"{name}.{part}.u0" in weights:
            return F.linear(y, normalised(weights, f"{name}.{part}"))
        return F.embedding(y, weights[f"{name}.{part}.weight"])

    x = batch_norm(weights, name, x)
    return x * (1 + of("gain"))[:, :, None, None] + of("bias")[:, :, None, None]


def generator(weights: Weights, z: Tensor, labels: Tensor, *, hier: bool = True) -> Tensor:
    """The image, (B, 3, H, W); the weights are those of DGP or of ajbrock's code."""
    count = sum(f"blocks.{i}.0.conv1.weight" in weights for i in range(10))
    shared = "shared.weight" in weights
    y = F.embedding(labels, weights["shared.weight"]) if shared else labels
    first, told = z, [y] * count
    if hier:
        first, *chunks = z.chunk(count + 1, 1)
        told = [torch.cat([y, chunk], 1) for chunk in chunks]
    x = F.linear(first, normalised(weights, "linear"), weights["linear.bias"])
    x = x.view(len(z), -1, 4, 4)
    for i in range(count):
        name = f"blocks.{i}.0"
        h = F.relu(conditional(weights, f"{name}.bn1", x, told[i]))
        h = conv(weights, f"{name}.conv1", F.interpolate(h, scale_factor=2.0))
        h = F.relu(conditional(weights, f"{name}.bn2", h, told[i]))
        h = conv(weights, f"{name}.conv2", h)
        x = h + conv(weights, f"{name}.conv_sc", F.interpolate(x, scale_factor=2.0))
        if f"blocks.{i}.1.gamma" in weights:
            x = attention(weights, f"blocks.{i}.1", x)
    x = batch_norm(weights, "output_layer.0", x)
    gain, bias = weights["output_layer.0.gain"], weights["output_layer.0.bias"]
    x = F.relu(x * gain[:, None, None] + bias[:, None, None])
    return torch.tanh(conv(weights, "output_layer.2", x))


def discriminator(weights: Weights, x: Tensor, halvings: int) -> tuple[Tensor, list[Tensor]]:
    """Score without class, (B, 1), and every feature."""
    found = []
    for i in range(sum(f"blocks.{i}.0.conv1.weight" in weights for i in range(10))):
        name = f"blocks.{i}.0"
        halved = (lambda x: F.avg_pool2d(x, 2)) if i < halvings else (lambda x: x)
        h = conv(weights, f"{name}.conv1", F.relu(x) if i else x)
        h = halved(conv(weights, f"{name}.conv2", F.relu(h)))
        if f"{name}.conv_sc.weight" in weights:
            side = halved(conv(weights, f"{name}.conv_sc", x))
        else:
            side = halved(x)
        x = h + side
        found.append(x)
        if f"blocks.{i}.1.gamma" in weights:
            x = attention(weights, f"blocks.{i}.1", x)
            found.append(x)
    found.append(F.relu(x).sum((2, 3)))
    score = F.linear(found[-1], normalised(weights, "linear"), weights["linear.bias"])
    return score, found


Shapes = Iterator[tuple[str, tuple[int, ...]]]


def generator_shapes(
    channels: Sequence[int],
    attended: Sequence[int],
    *,
    z_dim: int,
    classes: int,
    embedding: int,
    hier: bool = True,
    shared: bool = True,
) -> Shapes:
    """Names and shapes of a published generator, without in1, in2 and sv0."""
    blocks = len(channels) - 1
    chunk = z_dim // (blocks + 1) if hier else z_dim
    told = embedding + chunk * hier
    if shared:
        yield "shared.weight", (classes, embedding)
    yield from _layer("linear", (16 * channels[0], chunk))
    for i in range(blocks):
        name, inside, outside = f"blocks.{i}.0", channels[i], channels[i + 1]
        yield from _block(name, inside, outside, outside, shortcut=True)
        for norm, width in (("bn1", inside), ("bn2", outside)):
            yield f"{name}.{norm}.stored_mean", (width,)
            yield f"{name}.{norm}.stored_var", (width,)
            for part in ("gain", "bias"):
                if shared:
                    yield from _layer(f"{name}.{norm}.{part}", (width, told), bias=False)
                else:
                    yield f"{name}.{norm}.{part}.weight", (classes, width)
        if i in attended:
            yield from _attention(f"blocks.{i}.1", outside)
    for part in ("gain", "bias", "stored_mean", "stored_var"):
        yield f"output_layer.0.{part}", (channels[-1],)
    yield from _layer("output_layer.2", (3, channels[-1], 3, 3))


def discriminator_shapes(
    channels: Sequence[int],
    halvings: int,
    attended: Sequence[int],
    *,
    classes: int,
    wide: bool = True,
) -> Shapes:
    """Names and shapes of a published discriminator, without sv0."""
    inside = 3
    for i, outside in enumerate(channels):
        between = outside if wide else inside
        shortcut = inside != outside or i < halvings
        yield from _block(f"blocks.{i}.0", inside, between, outside, shortcut=shortcut)
        if i in attended:
            yield from _attention(f"blocks.{i}.1", outside)
        inside = outside
    yield from _layer("linear", (1, inside))
    yield from _layer("embed", (classes, inside), bias=False)


def _block(name: str, inside: int, between: int, outside: int, *, shortcut: bool) -> Shapes:
    yield from _layer(f"{name}.conv1", (between, inside, 3, 3))
    yield from _layer(f"{name}.conv2", (outside, between, 3, 3))
    if shortcut:
        yield from _layer(f"{name}.conv_sc", (outside, inside, 1, 1))


def _attention(name: str, channels: int) -> Shapes:
    yield f"{name}.gamma", ()
    narrow, half = max(1, channels // 8), channels // 2
    for part, outside in (("theta", narrow), ("phi", narrow), ("g", half)):
        yield from _layer(f"{name}.{part}", (outside, channels, 1, 1), bias=False)
    yield from _layer(f"{name}.o", (channels, half, 1, 1), bias=False)


def _layer(name: str, shape: tuple[int, ...], *, bias: bool = True) -> Shapes:
    yield f"{name}.weight", shape
    yield f"{name}.u0", (1, shape[0])
    if bias:
        yield f"{name}.bias", (shape[0],)


def drawn(shapes: Shapes, seed: int = 0, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    """Random weights for which every part of the network matters."""
    noise = torch.Generator().manual_seed(seed)
    weights: dict[str, Tensor] = {}
    for name, shape in shapes:
        values = torch.randn(shape, generator=noise, dtype=torch.float64)
        known: dict[str, Callable[[Tensor], Tensor]] = {
            "stored_var": lambda x: x.abs() + 0.5,
            "running_vars": lambda x: x.abs() + 0.5,
            "stored_mean": lambda x: x / 4,
            "running_means": lambda x: x / 4,
            "gain": lambda x: 1 + x / 4,
            "bias": lambda x: x / 4,
        }
        change = known.get(name.rpartition(".")[2], lambda x: x)
        weights[name] = change(values).to(dtype)
    return weights
