"""What a stop rule may look at in a step, and what it may not: the truth."""

from collections import deque

import torch
import torch.nn.functional as F

from priorfit.degradations import Mask
from priorfit.loop.state import Step
from priorfit.loop.steps import Lengthening
from priorfit.problem import Problem
from priorfit.types import Image

WINDOWS = (25, 50, 100)
FORGETTING = (0.1, 0.05, 0.02, 0.01)


class Signals:
    """Numbers of every step of one fit.

    Args:
        truth: (1, C, H, W).
        posed: with the values that are held out from the fit.
        kept: 1 where the loss sees y.
        pixels: 1 where whole pixels are held out.
        values: 1 where single values are.
    """

    def __init__(
        self,
        truth: Image,
        posed: Problem,
        kept: Image,
        pixels: Image,
        values: Image,
    ) -> None:
        self.truth, self.y, self.operator = truth, posed.observation, posed.operator
        self.known = torch.ones_like(self.y)
        if isinstance(posed.degradation, Mask):
            self.known = posed.degradation.known.expand(self.y.shape)
        self.seen = (kept * self.known) > 0
        self.held = {"pixel": pixels * self.known > 0, "value": values * self.known > 0}
        self.averages = {
            "average": _Average(Lengthening(8)),
            "ema99": _Average(0.99),
            "ema95": _Average(0.95),
        }
        self.variances = {f"emv{rate:g}": _Forgetting(rate) for rate in FORGETTING}
        self.window = _Windows()
        self.slow: dict[str, dict[str, float]] = {}

    @torch.no_grad()
    def look(self, step: Step) -> dict[str, float]:
        """All numbers of a step, by name."""
        pictures = {"render": step.image}
        pictures |= {name: kept.see(step.image) for name, kept in self.averages.items()}
        found = {"loss": float(step.loss)}
        for name, picture in pictures.items():
            found[f"psnr.{name}"] = self._psnr(picture)
            residual = self.operator(picture) - self.y
            for kind, chosen in self.held.items():
                error = residual[chosen]
                found[f"held.{kind}.square.{name}"] = float(error.square().mean())
                found[f"held.{kind}.abs.{name}"] = float(error.abs().mean())
            if name != "ema95":
                if step.state.taken % 5 == 1 or name not in self.slow:  # else as it was
                    self.slow[name] = self._residual(residual) | _texture(picture)
                found |= {f"{key}.{name}": value for key, value in self.slow[name].items()}
        found["apart.ema95.ema99"] = _mse(pictures["ema95"], pictures["ema99"])
        found["apart.render.average"] = _mse(pictures["render"], pictures["average"])
        found |= {name: kept.see(step.image) for name, kept in self.variances.items()}
        return found | self.window.see(step.image)

    def _psnr(self, picture: Image) -> float:
        if isinstance(self.operator, Mask):  # known pixels are put back
            picture = picture.where(self.known == 0, self.truth)
        return float(-10 * (picture.clamp(0, 1) - self.truth).square().mean().log10())

    def _residual(self, residual: Image) -> dict[str, float]:
        seen = self.seen.float()
        r = residual * seen
        r = (r - r.sum((-2, -1), keepdim=True) / seen.sum((-2, -1), keepdim=True)) * seen
        power = r.square().sum() / seen.sum()
        found = {"power": float((residual * seen).square().sum() / seen.sum())}
        for name, (down, along) in {"right": (0, 1), "down": (1, 0), "aslant": (1, 1)}.items():
            height, width = r.shape[-2] - down, r.shape[-1] - along
            both = seen[..., :height, :width] * seen[..., down:, along:]
            product = r[..., :height, :width] * r[..., down:, along:] * both
            found[f"lag.{name}"] = float(product.sum() / both.sum().clamp_min(1) / power)
        red, green, blue = r[:, 0], r[:, 1], r[:, 2]
        colours = (red * green + green * blue + red * blue).mean() / r.square().mean()
        found["colours"] = float(colours)  # 1 where the channels are equal
        return found


class _Average:
    def __init__(self, weight: float | Lengthening) -> None:
        self.weight = weight
        self.count, self.share = 0, 0.0
        self.mean: Image | None = None

    def see(self, image: Image) -> Image:
        weight = self.weight if isinstance(self.weight, float) else self.weight(self.count)
        self.mean = torch.zeros_like(image) if self.mean is None else self.mean
        self.mean.lerp_(image, 1 - weight)
        self.share = weight * self.share + 1 - weight
        self.count += 1
        return self.mean / self.share


class _Forgetting:
    """Exponential moving variance, v ← (1 − α)(v + α·mean (x − m)²)."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.mean: Image | None = None
        self.variance = 0.0

    def see(self, image: Image) -> float:
        self.mean = image.clone() if self.mean is None else self.mean
        change = image - self.mean
        self.variance = (1 - self.rate) * (
            self.variance + self.rate * float(change.square().mean())
        )
        self.mean.add_(change, alpha=self.rate)
        return self.variance


class _Windows:
    """The variance over the latest images, exactly, all of them kept."""

    def __init__(self) -> None:
        self.kept: deque[Image] = deque(maxlen=max(WINDOWS))
        self.sums: dict[int, Image] = {}
        self.squares: dict[int, float] = dict.fromkeys(WINDOWS, 0.0)
        self.powers: deque[float] = deque(maxlen=max(WINDOWS))

    def see(self, image: Image) -> dict[str, float]:
        image = image - 0.5  # a smaller power leaves more digits to its changes
        power = float(image.double().square().mean())
        found = {}
        for window in WINDOWS:
            total = self.sums.setdefault(window, torch.zeros_like(image))
            total += image
            self.squares[window] += power
            if len(self.kept) >= window:
                total -= self.kept[-window]
                self.squares[window] -= self.powers[-window]
            count = min(window, len(self.kept) + 1)
            spread = self.squares[window] / count - float((total / count).double().square().mean())
            found[f"wmv{window}"] = spread if count == window else float("nan")
        self.kept.append(image)
        self.powers.append(power)
        return found


def _texture(x: Image) -> dict[str, float]:
    """Total variation, energy of the Laplacian, distance of two sub-images."""
    right, down = x[..., :, 1:] - x[..., :, :-1], x[..., 1:, :] - x[..., :-1, :]
    bent = F.conv2d(
        x.flatten(0, 1)[:, None],
        torch.tensor([[[[1.0, -2, 1], [-2, 4, -2], [1, -2, 1]]]]),
    )
    one = (x[..., ::2, ::2] + x[..., 1::2, 1::2]) / 2
    other = (x[..., 1::2, ::2] + x[..., ::2, 1::2]) / 2
    return {
        "tv": float(right.abs().mean() + down.abs().mean()),
        "bent": float(bent.square().mean()),
        "apart.diagonals": _mse(one, other),
    }


def _mse(a: Image, b: Image) -> float:
    return float((a - b).square().mean())
