"""Masks, noise, downsampling and the preparation of Deep Image Prior's observations."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image as PillowImage
from PIL import ImageFilter
from PIL.Image import Resampling
from torch import Tensor

from priorfit.classical import guides
from priorfit.degradations import (
    GAUSS1SQ2,
    GAUSS12,
    Border,
    Box,
    Downsample,
    Identity,
    Lanczos,
)
from priorfit.degradations.mask import thinned
from priorfit.degradations.simulate import centre_crop, simulate
from priorfit.problem import Problem
from tests.parity.fixture import Fixture, Result, compare

KERNELS = {
    "lanczos2": Lanczos(2),
    "lanczos3": Lanczos(3),
    "gauss12": GAUSS12,
    "gauss1sq2": GAUSS1SQ2,
}


def downsample(case: Mapping[str, Any]) -> Downsample:
    """Our value for the settings of the released `Downsampler()`."""
    return Downsample(
        case["factor"],
        KERNELS.get(case["kernel_type"]) or Box(case["kernel_width"]),
        phase=case["phase"],
        border=Border.REPLICATE if case["preserve_size"] else Border.VALID,
        allow_remainder=True,
    )


def tag(case: Mapping[str, Any]) -> str:
    """Under which name a case was recorded."""
    kernel = f"{case['kernel_type']}{case['kernel_width'] or ''}_x{case['factor']}"
    phase = "p05" if case["phase"] else "p0"
    border = "same" if case["preserve_size"] else "valid"
    height, width = case["hw"]
    return f"{kernel}_{phase}_{border}_{height}x{width}"


def dip_downsampler(fixture: Fixture) -> Iterator[Result]:
    """Kernel, forward and adjoint of every released downsampling."""
    for case in fixture.config["cases"]:
        ours, name = downsample(case), tag(case)
        taps = ours.taps()
        kernel = torch.outer(taps, taps)
        yield from _compared(fixture, {f"{name}.kernel2d_f64": kernel}, f64=False)
        for dtype in (torch.float32, torch.float64):
            x = fixture.input(f"{name}.x", dtype).requires_grad_()
            y = ours(x)
            (grad,) = torch.autograd.grad(y, x, fixture.input(f"{name}.cotangent", dtype))
            got = {f"{name}.y": y, f"{name}.grad_x": grad}
            yield from _compared(fixture, got, f64=dtype == torch.float64)


def dip_noise_and_bernoulli_mask(fixture: Fixture) -> Iterator[Result]:
    """Noise and dropouts from recorded draws, so that only the arithmetic is compared."""
    image = fixture.input("img", torch.float64)[None]
    got: dict[str, Tensor] = {}
    for sigma in fixture.config["sigmas"]:
        noisy = simulate(
            image,
            Identity(),
            _recorded(fixture.input(f"sigma{sigma}.noise", torch.float64)),
            generator=torch.Generator(),
        )
        got[f"sigma{sigma}.noisy"] = noisy[0].float()
        got[f"sigma{sigma}.noisy_pil_hwc"] = _bytes(noisy[0].float()).permute(1, 2, 0)
    for missing in fixture.config["zero_fractions"]:
        for channels in (1, 3):
            draws = fixture.input(f"bernoulli_uniform_c{channels}", torch.float64)
            mask = thinned(draws[None], missing)
            got[f"bernoulli_zf{missing:g}_c{channels}"] = mask.known[0]
    yield from _compared(fixture, got, f64=False)


def dip_sr_prepare(fixture: Fixture) -> Iterator[Result]:
    """Crop, Pillow's LANCZOS, 8 bits and the baselines.

    Our resampling is floating point and Pillow's fixed point, so one grey level is allowed.
    """
    got: dict[str, Tensor] = {}
    for name in ("img0", "img1"):
        image = fixture.input(f"{name}_hwc", torch.float64).permute(2, 0, 1)[None] / 255
        for factor in fixture.config["factors"]:
            large = centre_crop(image, 32)
            small = Downsample(factor, Lanczos(3), border=Border.RENORMALISE)(large)
            got[f"{name}.x{factor}.HR_u8"] = _rounded(large[0])
            yield _within_a_level(fixture, f"{name}.x{factor}.LR_u8", _rounded(small[0]))
            yield from _baselines(fixture, f"{name}.x{factor}", factor)
            got[f"{name}.x{factor}.put_in_center"] = _centred(large[0], image.shape[-2:])
        for multiple in (32, 64):
            part = centre_crop(image, multiple, math.floor)
            got[f"{name}.crop{multiple}"] = _rounded(part[0]).permute(1, 2, 0)
    for key, resized in _resized(fixture).items():  # versions of Pillow differ by a level
        yield _within_a_level(fixture, key, resized)
    levels = _bytes(fixture.input("np_to_pil.x", torch.float32))
    got |= {"np_to_pil.u8": levels.permute(1, 2, 0), "np_to_pil.back": levels / 255}
    yield from _compared(fixture, got, f64=False)


def _baselines(fixture: Fixture, stem: str, factor: int) -> Iterator[Result]:
    """What super-resolution is compared with, made of the recorded small picture."""
    small = torch.from_numpy(fixture.expected[f"{stem}.LR_u8"])
    problem = Problem(small[None] / 255, Downsample(factor))
    for name, how in (("bicubic", Resampling.BICUBIC), ("nearest", Resampling.NEAREST)):
        yield _within_a_level(
            fixture, f"{stem}.{name}_u8", _rounded(guides.enlarge(problem, how)[0])
        )
    # Sharpening by half again would make two levels of one: Pillow's bytes from end to end.
    _, height, width = problem.shape
    picture = PillowImage.fromarray(small.permute(1, 2, 0).numpy())
    sharp = picture.resize((width, height), Resampling.BICUBIC).filter(ImageFilter.UnsharpMask())
    levels = torch.from_numpy(np.array(sharp)).permute(2, 0, 1)
    yield from _compared(fixture, {f"{stem}.bicubic_sharp_u8": levels}, f64=False)


def _centred(part: Tensor, size: Sequence[int]) -> Tensor:
    """A part put back where it was cropped, but for a half that is rounded down; black around."""
    top, left = ((whole - kept) // 2 for whole, kept in zip(size, part.shape[-2:], strict=True))
    canvas = torch.zeros(len(part), *size, dtype=torch.uint8)
    canvas[:, top : top + part.shape[-2], left : left + part.shape[-1]] = _rounded(part)
    return canvas


def _resized(fixture: Fixture) -> dict[str, Tensor]:
    """A picture loaded at another size: BICUBIC where it becomes wider, LANCZOS else."""
    got: dict[str, Tensor] = {}
    for key in fixture.expected:
        if match := re.fullmatch(r"(.*)\.get_image_(\d+)x(\d+)_u8", key):
            picture = PillowImage.fromarray(fixture.inputs[f"{match[1]}_hwc"])
            size = (int(match[2]), int(match[3]))
            how = Resampling.BICUBIC if size[0] > picture.width else Resampling.LANCZOS
            got[key] = torch.from_numpy(np.array(picture.resize(size, how)))
    return got


def _recorded(noise: Tensor) -> Callable[[Tensor, torch.Generator], Tensor]:
    return lambda observation, _: observation + noise


def _bytes(image: Tensor) -> Tensor:
    """Truncated to 8 bits, as released."""
    return (255 * image).clamp(0, 255).to(torch.uint8)


def _rounded(image: Tensor) -> Tensor:
    return (255 * image).round().clamp(0, 255).to(torch.uint8)


def _within_a_level(fixture: Fixture, key: str, got: Tensor) -> Result:
    result = compare(fixture, key, got, f64=False)
    assert result is not None
    return result._replace(allowed=1.0, passed=result.error <= 1)


def _compared(fixture: Fixture, got: Mapping[str, Tensor], *, f64: bool) -> Iterator[Result]:
    for key, value in got.items():
        result = compare(fixture, key, value, f64=f64)
        if result is not None:
            yield result


KINDS: dict[str, Callable[[Fixture], Iterator[Result]]] = {
    "dip_downsampler": dip_downsampler,
    "dip_noise_and_bernoulli_mask": dip_noise_and_bernoulli_mask,
    "dip_sr_prepare": dip_sr_prepare,
}
