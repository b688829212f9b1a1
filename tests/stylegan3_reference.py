"""StyleGAN3 as its paper writes it: zeros in between, sums over taps, one image at a time.

It reads the tensors of a network by their names and its config; the plan of frequencies, which
has tests of its own, is all they share.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from priorfit.networks.stylegan3 import StyleGan3
from priorfit.networks.stylegan3_layers import LayerPlan
from tests.stylegan2_reference import correlated


def filtered(x: Tensor, taps: Tensor) -> Tensor:
    """Convolve every channel, with one filter along both axes or with a filter of two axes."""
    kernel = torch.outer(taps, taps) if taps.ndim == 1 else taps
    n = len(kernel)
    windows = x.unfold(1, n, 1).unfold(2, n, 1)
    return torch.einsum("chwij,ij->chw", windows, kernel.flip(0, 1))


def spread(x: Tensor, factor: int) -> Tensor:
    """Zeros after every pixel: (C, h, w) -> (C, factor·h, factor·w)."""
    out = x.new_zeros(x.shape[0], factor * x.shape[1], factor * x.shape[2])
    out[:, ::factor, ::factor] = x
    return out


def cut(x: Tensor, before: int, after: int) -> Tensor:
    """Zeros around, or less than none."""
    return F.pad(x, (before, after, before, after))


class Reference:
    """The formulas for one network in float64."""

    def __init__(self, network: StyleGan3) -> None:
        self.state = {name: t.detach().double() for name, t in network.state_dict().items()}
        self.config = config = network.config
        self.bands = LayerPlan(
            config.resolution,
            len(config.channels) - 1,
            config.critical,
            config.first_cutoff,
            config.first_stopband,
            config.last_stopband,
            config.margin,
        ).bands()

    def __call__(self, w: Tensor) -> Tensor:
        """Images of w, (B, L, W)."""
        return torch.stack([self.image(rows) for rows in w.double()])

    def image(self, rows: Tensor) -> Tensor:
        x = self.input(rows[0])
        for index in range(len(rows) - 2):
            x = self.layer(x, index, rows[index + 1])
        style = self.style("output", rows[-1]) / math.sqrt(len(x))
        weight = self.state["output.weight"] * style[:, None, None]
        x = correlated(x, weight / torch.sqrt(self.state["output.magnitude"]))
        x = self.limited(x + self.state["output.bias"][:, None, None])
        return x * self.config.output_scale

    def input(self, w: Tensor) -> Tensor:
        """Waves at every sample, one after the other."""
        state, band = self.state, self.bands[0]
        t = state["input.style_weight"] @ w / math.sqrt(len(w)) + state["input.style_bias"]
        cos, sin, right, down = t / torch.hypot(t[0], t[1])
        turn = torch.stack([torch.stack([cos, -sin]), torch.stack([sin, cos])])
        out = torch.zeros(self.config.channels[0], band.side, band.side, dtype=torch.float64)
        for row in range(band.side):
            for column in range(band.side):
                place = torch.tensor([column, row], dtype=torch.float64) + 0.5
                place = (place - band.side / 2) / band.rate
                # The image's own transform first, then w's shift, then w's turn.
                place = state["input.transform"] @ torch.cat([place, torch.ones(1).double()])
                place = turn @ (place[:2] - torch.stack([right, down]))
                out[:, row, column] = torch.sin(
                    2 * math.pi * (state["input.freqs"] @ place + state["input.phases"])
                )
        speed = (state["input.freqs"] @ turn @ state["input.transform"][:2, :2]).norm(dim=1)
        fading = 1 - (speed - band.cutoff) / (band.rate / 2 - band.cutoff)
        out = out * fading.clamp(0, 1)[:, None, None]
        return torch.einsum("oc,chw->ohw", state["input.weight"] / math.sqrt(len(out)), out)

    def layer(self, x: Tensor, index: int, w: Tensor) -> Tensor:
        name, config, state = f"synthesis.{index}", self.config, self.state
        before, after = self.bands[max(index - 1, 0)], self.bands[index]
        weight = state[f"{name}.weight"]
        weight = weight / torch.sqrt(weight.square().mean((1, 2, 3), keepdim=True))
        style = self.style(name, w)
        weight = weight * (style / torch.sqrt(style.square().mean()))[:, None, None]
        weight = weight / torch.sqrt(weight.square().sum((1, 2, 3), keepdim=True) + 1e-8)
        weight = weight / torch.sqrt(state[f"{name}.magnitude"])
        k = config.filter_side
        x = correlated(cut(x, k - 1, k - 1), weight) + state[f"{name}.bias"][:, None, None]
        rate = max(before.rate, after.rate) * config.raising
        up, down = rate // before.rate, rate // after.rate
        up_taps, down_taps = (
            self.taps(f"{name}.activation.{end}_filter") for end in ("up", "down")
        )
        total = (after.side - 1) * down + 1 - x.shape[1] * up + len(up_taps) + len(down_taps) - 2
        first = (total + up) // 2
        x = filtered(cut(spread(x, up), first, total - first), up_taps)
        x = x * up**2
        x = self.limited(torch.where(x > 0, x, 0.2 * x) * math.sqrt(2))
        return filtered(x, down_taps)[:, ::down, ::down]

    def taps(self, name: str) -> Tensor:
        return self.state.get(name, torch.ones(1, dtype=torch.float64))

    def style(self, name: str, w: Tensor) -> Tensor:
        weight, bias = self.state[f"{name}.style.weight"], self.state[f"{name}.style.bias"]
        return weight @ w / math.sqrt(len(w)) + bias

    def limited(self, x: Tensor) -> Tensor:
        clamp = self.config.clamp
        return x if clamp is None else x.clamp(-clamp, clamp)
