"""Layers that are computed in another order than they are written in: the same numbers."""

import copy
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.networks import convolution, layers, subpixel
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.networks.initialise import initialised
from tests.plain_hourglass import PlainHourglass

LAST = torch.channels_last


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.rand(shape, generator=seeded(seed), dtype=torch.float64)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers of few channels are arranged anew too, which would not pay."""
    monkeypatch.setattr(subpixel, "_WIDE", 1)
    monkeypatch.setattr(convolution, "_WIDE", 1)


def made(upsample: layers.Resample, skip: int, *, training: bool) -> Hourglass:
    scales = [Scale(6, 5, skip, upsample=upsample)] * 3
    network = initialised(lambda: Hourglass(3, 2, scales), seeded()).double().train(training)
    for seed, parameter in enumerate(network.parameters()):
        if parameter.ndim == 1:  # normalisations begin with factors of one, which hide mistakes
            parameter.data += noise(*parameter.shape, seed=seed)
    return network


def everything(network: nn.Module, source: nn.Module, z: Tensor) -> dict[str, Tensor]:
    """The image, all gradients and what the normalisations know afterwards."""
    z = z.clone().requires_grad_()
    image = network(z)
    (image * noise(*image.shape, seed=2)).sum().backward()
    gradients = {name: p.grad for name, p in source.named_parameters() if p.grad is not None}
    assert z.grad is not None
    return {"image": image.detach(), "z": z.grad, **gradients, **dict(source.named_buffers())}


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("upsample", [layers.nearest, layers.bilinear])
@pytest.mark.parametrize("skip", [0, 4])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("memory", [LAST, torch.contiguous_format], ids=["last", "first"])
def test_the_hourglass_is_what_its_layers_say(upsample, skip, training, memory):
    ours = made(upsample, skip, training=training)
    plain = copy.deepcopy(ours)
    z = noise(2, 3, 32, 48)
    got = everything(ours, ours, z.contiguous(memory_format=memory))
    wanted = everything(PlainHourglass(plain), plain, z)
    assert got.keys() == wanted.keys()
    for name, value in wanted.items():
        torch.testing.assert_close(got[name], value, rtol=1e-9, atol=1e-11, msg=name)


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("upsample", [layers.nearest, layers.bilinear])
def test_doubling_without_running_statistics_or_with_their_plain_mean(upsample):
    for norm in (
        nn.BatchNorm2d(5, track_running_stats=False).double(),
        nn.BatchNorm2d(5, momentum=None).double(),
    ):
        conv = layers.Style().conv(5, 4, 3).double()
        x, other = noise(1, 5, 4, 6), copy.deepcopy(norm)
        for _ in range(2):
            got = subpixel.doubled_and_convolved(x, None, upsample, norm, conv)
            wanted = conv(other(upsample(x)))
        torch.testing.assert_close(got, wanted)
        for mine, theirs in zip(norm.buffers(), other.buffers(), strict=True):
            torch.testing.assert_close(mine, theirs)


def test_wide_layers_are_computed_before_doubling_and_narrow_or_odd_ones_are_not():
    norm, narrow = nn.BatchNorm2d(68), layers.Style().conv(68, 32, 3)
    wide, zeros = layers.Style().conv(68, 64, 3), layers.Style(layers.ZEROS).conv(68, 64, 3)
    asked = partial(subpixel.applies, layers.bilinear, norm)
    assert asked(wide, (8, 8), (16, 16))
    assert not asked(wide, (8, 8), (15, 16))
    assert not asked(wide, (1, 8), (2, 16))
    assert not asked(narrow, (8, 8), (16, 16))
    assert not asked(zeros, (8, 8), (16, 16))
    assert not subpixel.applies(layers.nearest, nn.Identity(), wide, (8, 8), (16, 16))
    assert not subpixel.applies(F.relu, norm, wide, (8, 8), (16, 16))


@pytest.mark.parametrize("filter_size", [1, 2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("height", [37, 39, 40, 64])
def test_a_convolution_in_bands_is_the_librarys(filter_size, stride, height):
    wide = convolution._WIDE
    x = noise(1, wide, height, 20).float().contiguous(memory_format=LAST).requires_grad_()
    weight = noise(wide, wide, filter_size, filter_size, seed=3).float().requires_grad_()
    bias = noise(wide, seed=4).float().requires_grad_()
    results = []
    for conv in (convolution.convolve, F.conv2d):
        y = conv(x, weight, bias, stride)
        pull = noise(*y.shape, seed=5).float()
        results.append([y, *torch.autograd.grad(y, (x, weight, bias), pull)])
    for got, wanted in zip(*results, strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-3)
    assert results[0][0].stride() == results[1][0].stride()


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_a_banded_convolution_leaves_out_what_nobody_wants(frozen):
    wide = convolution._WIDE
    given = [noise(1, wide, 32, 9), noise(wide, wide, 3, 3), noise(wide)]
    given[0] = given[0].contiguous(memory_format=LAST)
    tensors = [x.float().requires_grad_(i != frozen) for i, x in enumerate(given)]
    convolution.convolve(tensors[0], tensors[1], tensors[2]).sum().backward()
    assert [x.grad is None for x in tensors] == [i == frozen for i in range(3)]


@pytest.mark.parametrize("how", [subpixel._Interleaved.apply, subpixel._Taken.apply])
def test_the_interleaving_and_its_adjoint_have_each_others_gradient(how):
    x = noise(2, 8, 4, 6).requires_grad_()
    assert torch.autograd.gradcheck(how, x)
    assert torch.autograd.gradgradcheck(how, x)


def test_a_blur_and_its_adjoint_have_each_others_gradient():
    x = noise(1, 2, 5, 6).requires_grad_()
    blur = partial(convolution.blur, taps=(0.25, 0.5, 0.25))
    assert torch.autograd.gradcheck(blur, x)
    assert torch.autograd.gradgradcheck(blur, x)


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("upsample", [layers.nearest, layers.bilinear])
def test_what_lies_in_memory_that_was_not_written_is_never_read(upsample, monkeypatch):
    network = made(upsample, 4, training=True)
    z = noise(1, 3, 16, 16).contiguous(memory_format=LAST)

    def spoilt(make):
        return lambda *args, **named: make(*args, **named).fill_(float("nan"))

    for name in ("empty", "empty_like"):
        monkeypatch.setattr(torch, name, spoilt(getattr(torch, name)))
    found = everything(network, network, z)
    assert all(tensor.isfinite().all() for tensor in found.values())
