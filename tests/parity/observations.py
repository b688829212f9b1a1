"""How the released generative priors degrade: DGP's modes and mGANprior's operators."""

import re
from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image as PillowImage
from torch import Tensor

from priorfit.color import BT601
from priorfit.degradations import (
    Compose,
    Degradation,
    Downsample,
    Enlarge,
    Grayscale,
    Identity,
    Linear,
    Mask,
)
from priorfit.degradations.mask import centre_third
from priorfit.problem import Problem
from priorfit.terms.data import Mse
from priorfit.terms.objective import Estimate
from priorfit.types import Image
from tests.parity.fixture import Fixture, Result, compare_all

PRECISIONS = (torch.float32, torch.float64)
_CROP = (5, 29, 7, 39)


def dgp_degradation(mode: str, size: tuple[int, int], factor: int = 1) -> Degradation:
    """φ of a mode of DGP, which the estimate goes through; images in [0, 1]."""
    grey, hole = Grayscale(zero=0.5), centre_third(size)
    smaller = (Downsample(factor), Enlarge(factor)) if factor > 1 else ()
    return {
        "colorization": Compose(grey),
        "SR": Compose(*smaller),
        "inpainting": Compose(hole),
        "hybrid": Compose(*smaller, grey, hole),
    }.get(mode, Identity())


def dgp_target(mode: str, image: Image, factor: int = 1) -> Image:
    """What DGP makes of a complete image for the estimate to be compared with; [0, 1]."""
    if factor == 1:
        return dgp_degradation(mode, (image.shape[-2], image.shape[-1]))(image)
    enlarged = Enlarge(factor)(pillow_reduced(image, factor))
    rest = {
        "hybrid": Compose(Grayscale(zero=0.5), centre_third((image.shape[-2], image.shape[-1])))
    }
    return rest.get(mode, Identity())(enlarged)


def pillow_reduced(image: Image, factor: int) -> Image:
    """Truncated to 8 bits and reduced by Pillow, whose rounding is recorded; in [0, 1]."""
    height, width = (side // factor for side in image.shape[-2:])
    pictures = [
        PillowImage.fromarray(levels.permute(1, 2, 0).numpy()).resize(
            (width, height), PillowImage.Resampling.LANCZOS
        )
        for levels in _truncated(image)
    ]
    small = torch.stack([torch.from_numpy(np.array(picture)) for picture in pictures])
    return small.permute(0, 3, 1, 2).to(image) / 255


def dgp_pre_process(fixture: Fixture) -> Iterator[Result]:
    """Both sides of every mode, at every size."""
    for dtype in PRECISIONS:
        got: dict[str, Tensor] = {}
        for key in sorted({key.removesuffix("__f64") for key in fixture.expected}):
            tag, mode, side = key.split(".")
            image = (fixture.input(f"x_{tag}", dtype) + 1) / 2
            factor = (fixture.config.get("factor") or {}).get(mode, 1)
            size = (image.shape[-2], image.shape[-1])
            if side == "begin_end":
                got[key] = _begin_and_end(centre_third(size))
            elif side == "prediction":
                got[key] = _signed(dgp_degradation(mode, size, factor)(image))
            else:
                got[key] = _signed(dgp_target(mode, image, factor))
        yield from compare_all(fixture, got, f64=dtype == torch.float64)


def _begin_and_end(hole: Mask) -> Tensor:
    missing = (hole.known[0, 0].amin(1) == 0).nonzero().flatten()
    return torch.stack([missing[0], missing[-1] + 1])


def _signed(image: Image) -> Image:
    """From [0, 1] to the scale of the released code, three channels."""
    return (2 * image - 1).expand(-1, 3, -1, -1)


def mgan_operators(fixture: Fixture) -> Iterator[Result]:
    """Losses, gradients and pictures; what is only written down in 8 bits at the end."""
    for dtype in PRECISIONS:
        x, gt, hole = (fixture.input(key, dtype) for key in ("x", "gt", "mask_hole"))
        wanted = {key.removesuffix("__f64") for key in fixture.expected}
        got = _losses(wanted, x, gt, hole) | _resized(wanted, x)
        inside = _rectangle(fixture, x)
        got |= {
            "gray": Grayscale(BT601)(x),
            "masked": Mask(1 - hole)(x),
            "combined": torch.where(hole > 0, gt, x),
            "crop_tensor": x * (1 - inside),
            "complement_tensor": x * inside,
            "sigmoid_to_tanh": 2 * x - 1,
            "tanh_to_sigmoid": (x + 1) / 2,
        }
        yield from compare_all(fixture, got, f64=dtype == torch.float64)
    yield from _bytes(fixture)


def _rectangle(fixture: Fixture, x: Tensor) -> Tensor:
    """1 where the recorded crop lies; only the notes say where, the last pixel included."""
    where = re.search(r"rows (\d+)-(\d+), columns (\d+)-(\d+)", fixture.meta.get("notes", ""))
    top, bottom, left, right = (int(number) for number in where.groups()) if where else _CROP
    inside = torch.zeros_like(x)
    inside[..., top : bottom + 1, left : right + 1] = 1
    return inside


def mgan_degradation(name: str, hole: Tensor | None = None) -> Degradation:
    """The operator of a recorded loss: `color`, `mask`, or `sr16` for any factor."""
    if name == "color":
        return Grayscale(BT601)
    if name == "mask":
        assert hole is not None
        return Mask(1 - hole)
    return Downsample(int(name.removeprefix("sr")), Linear(), allow_remainder=True)


def _losses(wanted: set[str], x: Tensor, gt: Tensor, hole: Tensor) -> dict[str, Tensor]:
    got: dict[str, Tensor] = {}
    for name in {key.removesuffix(".loss") for key in wanted if key.endswith(".loss")}:
        loss, gradient = _slope(mgan_degradation(name, hole), x, gt)
        got |= {f"{name}.loss": loss, f"{name}.grad": gradient}
    return got


def _slope(degradation: Degradation, x: Tensor, gt: Tensor) -> tuple[Tensor, Tensor]:
    image = x.clone().requires_grad_()
    problem = Problem(degradation(gt), degradation, image_shape=(3, x.shape[-2], x.shape[-1]))
    at = Estimate({}, image, degradation(image), lambda code: image)
    loss = Mse().against(problem)(at)
    (gradient,) = torch.autograd.grad(loss.sum(), image)
    return loss[0], gradient


def _resized(wanted: set[str], x: Tensor) -> dict[str, Tensor]:
    got: dict[str, Tensor] = {}
    for key in wanted:
        if match := re.fullmatch(r"down(\d+)\.up_(nearest|bilinear)", key):
            small = mgan_degradation(f"sr{match[1]}")(x)
            got[key] = F.interpolate(small, scale_factor=float(match[1]), mode=match[2])
    return got


def _bytes(fixture: Fixture) -> Iterator[Result]:
    x, gt = ((fixture.input(key, torch.float32) + 1) / 2 for key in ("x", "gt"))
    wider = (1.3 * fixture.input("x", torch.float32) + 1) / 2
    got = {
        "gray_u8": _truncated(Grayscale(BT601)(x))[0, 0],
        "convert_array_to_images": _rounded(wider).permute(0, 2, 3, 1),
        "colorization_ycbcr_merge_rgb_u8": _merged(x, gt),
    }
    yield from compare_all(fixture, got, f64=False)


def _merged(grey: Image, colours: Image) -> Tensor:
    """The end of the released script, Pillow's arithmetic of 8 bits."""
    kept, other = (
        PillowImage.fromarray(_truncated(image)[0].permute(1, 2, 0).numpy()).convert("YCbCr")
        for image in (grey, colours)
    )
    bands = (kept.getchannel(0), other.getchannel(1), other.getchannel(2))
    return torch.from_numpy(np.array(PillowImage.merge("YCbCr", bands).convert("RGB")))


def _truncated(image: Image) -> Tensor:
    return (255 * image).clamp(0, 255).to(torch.uint8)


def _rounded(image: Image) -> Tensor:
    return (255 * image).round().clamp(0, 255).to(torch.uint8)


KINDS: dict[str, Callable[[Fixture], Iterator[Result]]] = {
    "dgp_pre_process": dgp_pre_process,
    "mgan_operators": mgan_operators,
}
