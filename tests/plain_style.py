"""PGGAN, StyleGAN and their company written as in a textbook: formula after formula, no thought.

Each takes the state of one of our networks by our names. Everything is computed at every call, one
operation after the other: what a released network does, and what benchmarks compare with.
"""

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

State = Mapping[str, Tensor]


def pixel_norm(x: Tensor) -> Tensor:
    return x / torch.sqrt(torch.mean(x**2, dim=1, keepdim=True) + 1e-8)


def instance_norm(x: Tensor) -> Tensor:
    x = x - x.mean((2, 3), keepdim=True)
    return x / torch.sqrt(torch.mean(x**2, (2, 3), keepdim=True) + 1e-8)


def lrelu(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2)


def scaled(weight: Tensor, gain: float) -> Tensor:
    return weight * (gain / math.sqrt(weight[0].numel()))


def conv(x: Tensor, weight: Tensor, gain: float = math.sqrt(2)) -> Tensor:
    return F.conv2d(x, scaled(weight, gain), padding=weight.shape[-1] // 2)


def doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")


def fused_up(x: Tensor, weight: Tensor) -> Tensor:
    """The fused form of the papers: a transposed convolution with the sum of four shifts."""
    w = F.pad(scaled(weight, math.sqrt(2)), [1, 1, 1, 1])
    w = w[..., 1:, 1:] + w[..., :-1, 1:] + w[..., 1:, :-1] + w[..., :-1, :-1]
    return F.conv_transpose2d(x, w.transpose(0, 1), stride=2, padding=1)


def up(x: Tensor, weight: Tensor, fused_from: int | None) -> Tensor:
    """Double and filter, separately or fused; the stored filter is that of the separate form."""
    if fused_from is not None and 2 * x.shape[-1] >= fused_from:
        return fused_up(x, weight.flip(2, 3))
    return conv(doubled(x), weight)


def blur(x: Tensor) -> Tensor:
    taps = torch.tensor([1.0, 2.0, 1.0], dtype=x.dtype) / 4
    kernel = torch.outer(taps, taps).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(x, kernel, padding=1, groups=x.shape[1])


def column(x: Tensor) -> Tensor:
    return x.view(1, -1, 1, 1)


def pggan(state: State, z: Tensor, *, fused_from: int | None = None) -> Tensor:
    x = pixel_norm(z)
    weight = state["first.dense.weight"]
    x = x @ (weight * (math.sqrt(2) / 4 / math.sqrt(weight.shape[1]))).T
    x = lrelu(x.view(len(z), -1, 4, 4) + column(state["first.bias"]))
    convs = sum(name.startswith("convs.") for name in state) // 2
    for index in range(convs):
        weight, bias = state[f"convs.{index}.weight"], state[f"convs.{index}.bias"]
        x = pixel_norm(x)
        x = up(x, weight, fused_from) if index % 2 else conv(x, weight)
        x = lrelu(x + column(bias))
    return color(state, convs // 2, pixel_norm(x))


def color(state: State, scale: int, x: Tensor) -> Tensor:
    x = conv(x, state[f"outputs.{scale}.weight"], 1.0)
    return x + column(state[f"outputs.{scale}.bias"])


def mapping(state: State, z: Tensor, rate: float = 0.01) -> Tensor:
    """(B, Z) -> (B, 1 or L, W)."""
    x = pixel_norm(z)
    for index in range(sum(name.startswith("mapping.") for name in state) // 2):
        weight, bias = state[f"mapping.{index}.weight"], state[f"mapping.{index}.bias"]
        x = lrelu(x @ (scaled(weight, math.sqrt(2)) * rate).T + bias * rate)
    return x.view(len(z), *state["w_avg"].shape)


def stylegan(
    state: State,
    w: Tensor,
    *,
    fused_from: int | None = None,
    noise: Sequence[Tensor] | None = None,
    tanh: bool = False,
) -> Tensor:
    """w of (B, L, W)."""
    x = state["const"].repeat(len(w), 1, 1, 1)
    layers = sum(name.endswith(".noise") for name in state)
    for index in range(layers):
        layer = f"synthesis.{index}."
        if index:
            weight = state[f"{layer}conv.weight"]
            x = conv(x, weight) if index % 2 else blur(up(x, weight, fused_from))
        pattern = state[f"{layer}noise"] if noise is None else noise[index]
        x = x + pattern * column(state[f"{layer}noise_strength"])
        x = instance_norm(lrelu(x + column(state[f"{layer}conv.bias"])))
        style = w[:, index] @ scaled(state[f"{layer}style.weight"], 1.0).T
        style = (style + state[f"{layer}style.bias"]).view(len(w), 2, -1, 1, 1)
        x = x * (style[:, 0] + 1) + style[:, 1]
    image = color(state, layers // 2 - 1, x)
    return image.tanh() if tanh else image


def discriminator(state: State, image: Tensor, *, smooth: bool = True, group: int = 4) -> Tensor:
    """Scores, (B, 1 or classes)."""
    x = conv(image, state["from_image.weight"]) + column(state["from_image.bias"])
    x = lrelu(x)
    for index in range(sum(name.endswith("down.bias") for name in state)):
        block = f"blocks.{index}."
        x = lrelu(conv(x, state[f"{block}conv.weight"]) + column(state[f"{block}conv.bias"]))
        x = conv(blur(x) if smooth else x, state[f"{block}down.weight"])
        x = lrelu(F.avg_pool2d(x, 2) + column(state[f"{block}down.bias"]))
    if group > 1:
        x = with_deviation(x, min(group, len(x)))
    x = lrelu(conv(x, state["conv.weight"]) + column(state["conv.bias"]))
    x = x.flatten(1) @ scaled(state["dense.weight"], math.sqrt(2)).T
    x = lrelu(x + state["dense.bias"])
    return x @ scaled(state["out.weight"], 1.0).T + state["out.bias"]


def with_deviation(x: Tensor, size: int) -> Tensor:
    """For each group, images n, n + B/size, …, the mean over all features of their deviation."""
    groups, planes = len(x) // size, torch.empty_like(x[:, :1])
    for n in range(groups):
        mates = x[n::groups]
        variance = ((mates - mates.mean(0)) ** 2).mean(0)
        planes[n::groups] = torch.sqrt(variance + 1e-8).mean()
    return torch.cat([x, planes], 1)


def norm(state: State, name: str, x: Tensor) -> Tensor:
    if f"{name}.weight" not in state:
        return x
    mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    shape = (1, -1) + (1,) * (x.ndim - 2)
    x = (x - mean.view(shape)) / torch.sqrt(variance.view(shape) + 1e-5)
    return x * state[f"{name}.weight"].view(shape) + state[f"{name}.bias"].view(shape)


def filtered(state: State, name: str, x: Tensor, *, equalised: bool) -> Tensor:
    weight = state[f"{name}.conv.weight"]
    weight = scaled(weight, math.sqrt(2)) if equalised else weight
    return F.conv2d(x, weight, state.get(f"{name}.conv.bias"), padding=weight.shape[-1] // 2)


def encoder(state: State, image: Tensor, *, current: bool = False, equalised: bool = False):
    """The code in one row, (B, L · W)."""

    def step(name: str, x: Tensor) -> Tensor:
        x = filtered(state, name, x, equalised=equalised)
        if current:
            return norm(state, f"{name}.norm", x if name.endswith("shortcut") else lrelu(x))
        return lrelu(norm(state, f"{name}.norm", x))

    x = step("first", image)
    for index in range(sum(name.endswith("steps.1.conv.bias") for name in state)):
        block = f"blocks.{index}"
        x = F.avg_pool2d(x, 2)
        short = step(f"{block}.shortcut", x) if f"{block}.shortcut.conv.weight" in state else x
        x = step(f"{block}.steps.1", step(f"{block}.steps.0", x)) + short
    weight = state["last.weight"] if current else scaled(state["last.weight"], 1.0)
    return norm(state, "norm", F.linear(x.flatten(1), weight, state.get("last.bias")))
