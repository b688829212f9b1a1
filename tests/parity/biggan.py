"""BigGAN of DGP, generator and discriminator, and BigGAN-deep of Hugging Face."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from priorfit.checkpoints.layouts import Found
from priorfit.checkpoints.layouts.biggan import DISCRIMINATOR, GENERATOR
from priorfit.checkpoints.layouts.biggan_deep import GENERATOR as DEEP
from priorfit.checkpoints.layouts.layout import Layout
from priorfit.networks.biggan import BigGan, InstanceNorms
from priorfit.networks.biggan_deep import BigGanDeep
from priorfit.networks.biggan_discriminator import BigGanDiscriminator
from priorfit.networks.pretrained import Pretrained, build_stored
from priorfit.store.files import Stored
from tests.parity.fixture import Fixture, Result, compare_all

Answers = dict[str, Tensor]


def generator(fixture: Fixture) -> Iterator[Result]:
    """Every block, the image, its gradient, and the instance norms in their recorded order."""
    for dtype in (torch.float32, torch.float64):
        network = _network(fixture, GENERATOR, dtype)
        assert isinstance(network, BigGan)
        yield from _compared(fixture, {**_plain(fixture, network), **_swapped(fixture, network)})


def discriminator(fixture: Fixture) -> Iterator[Result]:
    """Every feature, the scores, and distances of features with their gradients."""
    for dtype in (torch.float32, torch.float64):
        network = _network(fixture, DISCRIMINATOR, dtype)
        assert isinstance(network, BigGanDiscriminator)
        yield from _compared(fixture, {**_judged(fixture, network), **_distances(fixture, network)})


def deep_generator(fixture: Fixture) -> Iterator[Result]:
    """Images at several truncations, every layer at the last of them, a gradient."""
    changes = {"interpolation": "released"}
    for dtype in (torch.float32, torch.float64):
        network = _network(fixture, DEEP, dtype, changes)
        assert isinstance(network, BigGanDeep)
        yield from _compared(fixture, _truncated(fixture, network))


def _network(
    fixture: Fixture, layout: Layout, dtype: torch.dtype, changes: dict[str, Any] | None = None
) -> Pretrained:
    tensors = {key: torch.from_numpy(array).to(dtype) for key, array in fixture.weights.items()}
    stored = layout.convert(Found(tensors, settings=fixture.config))
    stored = replace(stored, config={**stored.config, **(changes or {})})
    return _in_its_precision(stored)


def _in_its_precision(stored: Stored) -> Pretrained:
    """`build_stored` knows only one."""
    network = build_stored(stored)
    network.load_state_dict(stored.tensors, assign=True)
    return network.requires_grad_(False)


def _compared(fixture: Fixture, got: Answers) -> Iterator[Result]:
    double = next(iter(got.values())).dtype == torch.float64
    fitting = {key: _thinned(fixture, key, value) for key, value in got.items()}
    yield from compare_all(fixture, fitting, f64=double)


def _thinned(fixture: Fixture, key: str, got: Tensor) -> Tensor:
    """Every n-th pixel, where the recorder kept no more."""
    shape = fixture.meta["expected"].get(key, {}).get("shape", [])
    if got.ndim != 4 or len(shape) != 4 or got.shape[-1] % shape[-1]:
        return got
    step = got.shape[-1] // shape[-1]
    return got[..., ::step, ::step]


def _precision(network: Pretrained) -> torch.dtype:
    return next(network.parameters()).dtype


def _embedded(fixture: Fixture, network: BigGan, key: str) -> Tensor | None:
    return network.embed(fixture.input(key, torch.int64))


def _plain(fixture: Fixture, network: BigGan) -> Answers:
    """What a batch draws, layer by layer, and the gradient of a single one."""
    dtype = _precision(network)
    z, c = fixture.input("z", dtype), _embedded(fixture, network, "y")
    x = network.lower(z, 1, c)
    kept = fixture.meta["expected"].get("linear_out", {}).get("shape", [0])[-1]
    got = {"linear_out": x.flatten(1)[:, :kept]}
    for layer in range(2, network.layers):
        x = network.lower(z, layer, c)
        got[f"block{layer - 2}_channel_mean"] = x.mean((2, 3))
        got[f"block{layer - 2}_channel_std"] = x.std((2, 3))
    got["image"] = network.upper(x, network.layers - 1, z, c)
    if "z1" in fixture.inputs:
        single = _embedded(fixture, network, "y1")
        z1 = fixture.input("z1", dtype)
        got["grad_z_of_mean_square_z1"] = _gradient(partial(network, c=single), z1)
    return got


def _gradient(draw: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    z = z.clone().requires_grad_()
    return torch.autograd.grad(draw(z).square().mean(), z)[0]


def _swapped(fixture: Fixture, network: BigGan) -> Answers:
    """Instance norms fitted to z1, kept for z2, fitted to z2, left, and fitted to z1 again."""
    if "z2" not in fixture.inputs:
        return {}
    dtype, c = _precision(network), _embedded(fixture, network, "y1")
    first, second = fixture.input("z1", dtype), fixture.input("z2", dtype)
    of_first, of_second = network.instance_norms(first, c), network.instance_norms(second, c)
    return {
        "in_a_first_z1": network(first, c, norms=of_first),
        "in_a_affine": _affines(of_first),
        "in_b_then_z2_no_reinit": network(second, c, norms=of_first),
        "in_c_reset_in_init_z2": network(second, c, norms=of_second),
        "in_c_affine": _affines(of_second),
        "in_d_bn_z2": network(second, c),
        "in_e_after_bn_z1_reinit": network(first, c, norms=network.instance_norms(first, c)),
    }


def _affines(norms: InstanceNorms) -> Tensor:
    parts = [part for block in norms for norm in block for part in (norm.gain, norm.bias)]
    return torch.cat([part.flatten() for part in parts])


def _judged(fixture: Fixture, network: BigGanDiscriminator) -> Answers:
    real = fixture.input("real", _precision(network))
    features = network.features(real)
    got = {"out": network(real)[:, None], "n_features": torch.tensor(len(features))}
    if "y" in fixture.inputs:
        got["out_with_y"] = network(real, fixture.input("y", torch.int64))[:, None]
    for index, feature in enumerate(features):
        got[f"h{index}"] = got[f"h{index}_strided"] = feature
        if feature.ndim == 4:
            flat = feature.transpose(0, 1).flatten(1)
            got[f"h{index}_mean_std"] = torch.stack([flat.mean(1), flat.std(1, correction=0)])
    return {"out": got.pop("out"), **got}


def _distances(fixture: Fixture, network: BigGanDiscriminator) -> Answers:
    """Mean absolute differences of the last n features, as DGP adds them up."""
    dtype = _precision(network)
    if "fake" not in fixture.inputs:
        return {}
    real = network.features(fixture.input("real", dtype))
    fake = fixture.input("fake", dtype).requires_grad_()
    pairs = zip(network.features(fake), real, strict=True)
    each = torch.stack([(ours - theirs).abs().mean() for ours, theirs in pairs])
    sums = each.flip(0).cumsum(0)
    got = {"ftr_loss_by_num": sums.detach()}
    for key in fixture.meta["expected"]:
        match = re.fullmatch(r"grad_fake_ftr(\d+)", key)
        if match:
            loss = sums[int(match[1]) - 1]
            (got[key],) = torch.autograd.grad(loss, fake, retain_graph=True)
    return got


def _truncated(fixture: Fixture, network: BigGanDeep) -> Answers:
    dtype = _precision(network)
    z = fixture.input("z_unscaled", dtype)
    c = fixture.input("class_onehot", dtype) @ network.shared.weight
    got: Answers = {}
    for key in fixture.meta["expected"]:
        drawn = re.fullmatch(r"image_trunc([\d.]+)", key)
        graded = re.fullmatch(r"grad_z_trunc([\d.]+)", key)
        if drawn:
            at = float(drawn[1])
            got[key] = network(_scaled(z, at), c, truncation=at)
        if graded:
            got[key] = _gradient(partial(network, c=c, truncation=float(graded[1])), z)
    last = float(fixture.inputs["truncations"][-1])
    scaled = _scaled(z, last)
    for layer in range(2, network.layers):
        x = network.lower(scaled, layer, c, truncation=last)
        got[f"layer{layer - 2}_channel_mean_std"] = torch.stack([x.mean((2, 3)), x.std((2, 3))])
    return got


def _scaled(z: Tensor, truncation: float) -> Tensor:
    """z · truncation as it was recorded: rounded to float32 whatever comes after."""
    return (z.float() * truncation).to(z.dtype)


KINDS = {
    "biggan_deep_generator": deep_generator,
    "biggan_discriminator": discriminator,
    "biggan_generator": generator,
}
