"""What others publish comes back as the same network, or is refused in a sentence."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from priorfit.checkpoints.layouts import (
    LAYOUTS,
    Found,
    Layout,
    encoder,
    pggan,
    stylegan,
    stylegan_discriminator,
)
from priorfit.errors import CheckpointError
from priorfit.networks.encoder import InDomainEncoder, InDomainEncoderConfig
from priorfit.networks.initialise import initialised
from priorfit.networks.pggan import PgGan, PgGanConfig
from priorfit.networks.pretrained import Pretrained, build_stored
from priorfit.networks.stylegan import StyleGan, StyleGanConfig
from priorfit.networks.stylegan_discriminator import (
    StyleGanDiscriminator,
    StyleGanDiscriminatorConfig,
)
from tests import plain_style, style_files


def made(build: Callable[[], Pretrained]) -> Pretrained:
    """A network of which no number is what it begins with."""
    network = initialised(build, torch.Generator().manual_seed(0)).eval()
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            tensor += 0.3 * torch.randn(tensor.shape, generator=torch.Generator().manual_seed(1))
        if name.endswith("running_var"):
            tensor.abs_().add_(0.1)
    return network


PROGRESSIVE = made(lambda: PgGan(PgGanConfig((6, 5, 4, 4), z_dim=7)))
STYLE = StyleGanConfig(
    (5, 4, 4), z_dim=7, w_dim=6, mapping_width=8, mapping_depth=3, truncation_psi=0.7
)
STYLED = made(lambda: StyleGan(STYLE))
OWN_ROWS = made(lambda: StyleGan(replace(STYLE, repeat_w=False, final_tanh=True)))
OWN_ROWS.w_avg[:] = OWN_ROWS.w_avg[0]  # in files one row may stand for all
CLASSES = made(lambda: StyleGan(replace(STYLE, classes=3)))
GREY = made(lambda: StyleGan(replace(STYLE, colors=1, mapping_depth=1)))
JUDGE = made(lambda: StyleGanDiscriminator(StyleGanDiscriminatorConfig((5, 4, 3), dense=6)))
PLAIN_JUDGE = made(
    lambda: StyleGanDiscriminator(StyleGanDiscriminatorConfig((5, 4, 3), 6, blur=False, group=1))
)
ENCODING = InDomainEncoderConfig((6, 6, 5, 4), layers=8, w_dim=2)
ENCODER = made(lambda: InDomainEncoder(ENCODING))
BARE = made(lambda: InDomainEncoder(replace(ENCODING, batch_norm=False)))
EQUAL = made(lambda: InDomainEncoder(replace(ENCODING, equalised=True)))
CURRENT = made(lambda: InDomainEncoder(replace(ENCODING, variant="current")))


class Case(NamedTuple):
    network: Pretrained
    layout: Layout
    file: Callable[[Mapping[str, Tensor]], dict[str, Tensor]]
    settings: Mapping[str, Any] = {}


def fused(file: Callable[..., dict[str, Tensor]], side: float) -> Callable[..., dict[str, Tensor]]:
    return lambda state: file(state, side)


ALWAYS, FROM_16 = 4, 16
CASES = {
    "PGGAN, TensorFlow": Case(PROGRESSIVE, pggan.KARRAS, style_files.karras_pggan),
    "PGGAN, TensorFlow, fused": Case(
        PROGRESSIVE, pggan.KARRAS, fused(style_files.karras_pggan, ALWAYS)
    ),
    "PGGAN, mGANprior": Case(PROGRESSIVE, pggan.MGANPRIOR, style_files.mganprior_pggan),
    "PGGAN, mGANprior, fused": Case(
        PROGRESSIVE, pggan.MGANPRIOR, fused(style_files.mganprior_pggan, ALWAYS)
    ),
    "PGGAN, mGANprior, fused in part": Case(
        PROGRESSIVE, pggan.MGANPRIOR, fused(style_files.mganprior_pggan, FROM_16)
    ),
    "PGGAN, genforce": Case(PROGRESSIVE, pggan.GENFORCE, style_files.genforce_pggan),
    "PGGAN, genforce, fused": Case(
        PROGRESSIVE,
        pggan.GENFORCE,
        fused(style_files.genforce_pggan, ALWAYS),
        {"fused_scale": True},
    ),
    "StyleGAN, TensorFlow": Case(STYLED, stylegan.KARRAS, style_files.karras_stylegan),
    "StyleGAN, TensorFlow, fused": Case(
        STYLED,
        stylegan.KARRAS,
        fused(style_files.karras_stylegan, ALWAYS),
        {"fused_scale": True, "blur_filter": (1, 2, 1), "truncation_cutoff": None},
    ),
    "StyleGAN, TensorFlow, a w for each layer": Case(
        OWN_ROWS, stylegan.KARRAS, style_files.karras_stylegan
    ),
    "StyleGAN, TensorFlow, classes": Case(CLASSES, stylegan.KARRAS, style_files.karras_stylegan),
    "StyleGAN, mGANprior": Case(STYLED, stylegan.MGANPRIOR, style_files.mganprior_stylegan),
    "StyleGAN, mGANprior, fused": Case(
        STYLED, stylegan.MGANPRIOR, fused(style_files.mganprior_stylegan, ALWAYS)
    ),
    "StyleGAN, in-domain": Case(OWN_ROWS, stylegan.MGANPRIOR, style_files.mganprior_stylegan),
    "StyleGAN, grey": Case(GREY, stylegan.MGANPRIOR, style_files.mganprior_stylegan),
    "StyleGAN, InterFaceGAN": Case(
        STYLED, stylegan.INTERFACEGAN, fused(style_files.interfacegan_stylegan, FROM_16)
    ),
    "StyleGAN, genforce": Case(STYLED, stylegan.GENFORCE, style_files.genforce_stylegan),
    "StyleGAN, genforce, fused": Case(
        STYLED,
        stylegan.GENFORCE,
        fused(style_files.genforce_stylegan, ALWAYS),
        {"fused_scale": True},
    ),
    "StyleGAN, genforce, a w for each layer": Case(
        OWN_ROWS, stylegan.GENFORCE, style_files.genforce_stylegan
    ),
    "StyleGAN, genforce, classes": Case(CLASSES, stylegan.GENFORCE, style_files.genforce_stylegan),
    "discriminator": Case(JUDGE, stylegan_discriminator.KARRAS, style_files.karras_discriminator),
    "discriminator, PGGAN": Case(
        PLAIN_JUDGE,
        stylegan_discriminator.KARRAS,
        lambda state: style_files.karras_discriminator(state, "Conv1"),
    ),
    "discriminator, PGGAN, fused": Case(
        PLAIN_JUDGE,
        stylegan_discriminator.KARRAS,
        style_files.karras_discriminator,
        {"build_func_name": "D_paper"},
    ),
    "encoder": Case(ENCODER, encoder.PYTORCH, style_files.pytorch_encoder),
    "encoder without norms": Case(BARE, encoder.PYTORCH, style_files.pytorch_encoder),
    "encoder, equalised": Case(
        EQUAL, encoder.PYTORCH, style_files.pytorch_encoder, {"use_wscale": True}
    ),
    "encoder, TensorFlow": Case(
        CURRENT, encoder.TENSORFLOW, style_files.tensorflow_encoder, {"num_layers": 8}
    ),
}
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def found(case: Case) -> Found:
    return Found(case.file(case.network.state_dict()), settings=case.settings)


def answer(network: Pretrained) -> Tensor:
    """Something that every number of a network has a part in."""
    generator = torch.Generator().manual_seed(3)
    if isinstance(network, StyleGan | PgGan):
        z = torch.randn(2, network.z_dim, generator=generator)
        c = network.embed(torch.tensor([0, 2]))
        latent = network.map(z, c)
        lods = range(len(network.outputs))
        return torch.stack([network.draw(latent, lod=lod) for lod in lods])
    shape = (4, network.config.colors, *network.size)
    return network(torch.randn(shape, generator=generator))


@each_case
def test_a_published_network_comes_back(case: Case):
    stored = case.layout.convert(found(case))
    assert stored.kind == case.network.kind
    assert torch.allclose(answer(build_stored(stored)), answer(case.network), rtol=1e-4, atol=1e-5)
    for name, tensor in case.network.state_dict().items():
        assert torch.equal(stored.tensors[name], tensor), name


@each_case
def test_only_its_own_layout_recognises_a_file(case: Case):
    assert [layout for layout in LAYOUTS if layout.recognises(found(case))] == [case.layout]


@each_case
def test_half_precision_is_taken_as_it_is(case: Case):
    halves = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in found(case).tensors.items()
    }
    stored = case.layout.convert(Found(halves, settings=case.settings))
    assert all(t.dtype != torch.float16 for t in stored.tensors.values())


OPTIONAL = ("lod", "noise", "truncation", "num_batches_tracked", "label_weight", "kernel")
EITHER = ("LabelConcat/weight", "shortcut", "Shortcut", "FromRGB_lod1", "FromRGB_lod2", "norm")


@each_case
def test_a_file_that_lacks_an_entry_is_refused(case: Case):
    whole = found(case)
    for name in whole.tensors:
        if name.endswith(OPTIONAL) or any(part in name for part in (*OPTIONAL, *EITHER)):
            continue
        rest = {key: tensor for key, tensor in whole.tensors.items() if key != name}
        with pytest.raises(CheckpointError):
            case.layout.convert(Found(rest, settings=case.settings))


@each_case
def test_a_file_with_an_entry_too_many_is_refused(case: Case):
    tensors = {**found(case).tensors, "stranger": torch.zeros(3)}
    with pytest.raises(CheckpointError, match="unknown entry stranger"):
        case.layout.convert(Found(tensors, settings=case.settings))


SHAPES = st.lists(st.integers(0, 7), max_size=5).map(tuple)
TYPES = st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.bool])


@given(data=st.data(), name=st.sampled_from(sorted(CASES)), shape=SHAPES, dtype=TYPES)
def test_no_shape_does_more_than_be_refused(data, name: str, shape, dtype: torch.dtype):
    case = CASES[name]
    tensors = dict(found(case).tensors)
    for key in data.draw(st.lists(st.sampled_from(sorted(tensors)), min_size=1, max_size=3)):
        tensors[key] = torch.zeros(shape, dtype=dtype)
    try:
        stored = case.layout.convert(Found(tensors, settings=case.settings))
    except CheckpointError as error:
        assert "\n" not in str(error)
    else:
        answer(build_stored(stored))


KEYS = """fused_scale truncation_psi truncation_cutoff mapping_lrmul num_layers use_wscale
blur_filter nonlinearity mbstd_group_size label_size build_func_name""".split()
VALUES = st.none() | st.booleans() | st.integers(-2, 40) | st.floats() | st.text(max_size=4)
SETTINGS = st.dictionaries(st.sampled_from(KEYS), VALUES)


@given(name=st.sampled_from(sorted(CASES)), settings=SETTINGS)
def test_no_setting_does_more_than_be_refused(name: str, settings: dict[str, Any]):
    case = CASES[name]
    try:
        stored = case.layout.convert(Found(found(case).tensors, settings=settings))
    except CheckpointError as error:
        assert "\n" not in str(error)
    else:
        answer(build_stored(stored))


@given(case=st.sampled_from(sorted(CASES)), seed=st.integers(0, 99))
def test_a_few_names_of_a_file_are_no_network(case: str, seed: int):
    names = sorted(found(CASES[case]).tensors)
    some = Found({names[seed % len(names)]: torch.zeros(()), "weight": torch.zeros(2, 2)})
    own = (*pggan.LAYOUTS, *stylegan.LAYOUTS, *stylegan_discriminator.LAYOUTS, *encoder.LAYOUTS)
    assert not any(layout.recognises(some) for layout in own)


def test_the_first_layer_is_a_convolution_around_one_pixel():
    file = style_files.mganprior_pggan(PROGRESSIVE.state_dict())
    network = build_stored(pggan.MGANPRIOR.convert(Found(file)))
    z = torch.randn(2, 7, generator=torch.Generator().manual_seed(3))
    weight = plain_style.scaled(file["layer0.conv.weight"], math.sqrt(2))
    pixel = plain_style.pixel_norm(z)[..., None, None]
    expected = F.conv2d(pixel, weight, file["layer0.wscale.bias"], padding=3)
    assert torch.allclose(network.lower(z, 1), plain_style.lrelu(expected), atol=1e-6)


@pytest.mark.parametrize("layout", [stylegan.MGANPRIOR, stylegan.KARRAS])
def test_a_fused_layer_is_used_as_the_papers_do(layout: Layout):
    """Not as our own state says, but as the file's filter in the papers' formula."""
    karras = layout is stylegan.KARRAS
    file = (style_files.karras_stylegan if karras else style_files.mganprior_stylegan)(
        STYLED.state_dict(), ALWAYS
    )
    name = "G_synthesis/8x8/Conv0_up/weight" if karras else "synthesis.layer2.weight"
    network = build_stored(layout.convert(Found(file, settings={"fused_scale": True})))
    x = torch.randn(2, 5, 4, 4, generator=torch.Generator().manual_seed(3))
    expected = plain_style.blur(plain_style.fused_up(x, file[name].permute(3, 2, 0, 1)))
    bias = network.synthesis[2].conv.bias[:, None, None]
    assert torch.allclose(network.synthesis[2].conv(x), expected + bias, atol=1e-5)


def test_auto_fuses_from_128_pixels():
    wide = replace(STYLE, channels=(3, 3, 3, 3, 3, 2))
    network = made(lambda: StyleGan(wide))
    for file, layout in (
        (style_files.karras_stylegan, stylegan.KARRAS),
        (style_files.genforce_stylegan, stylegan.GENFORCE),
    ):
        for settings in ({}, {"fused_scale": "auto"}):
            stored = layout.convert(Found(file(network.state_dict()), settings=settings))
            for index in (8, 10):
                name = f"synthesis.{index}.conv.weight"
                assert torch.equal(stored.tensors[name], network.state_dict()[name])


def test_an_older_genforce_is_told_by_its_shapes():
    wide = replace(STYLE, channels=(5, 4, 3))
    network = made(lambda: StyleGan(wide))
    file = style_files.older_genforce_stylegan(network.state_dict(), ALWAYS)
    stored = stylegan.GENFORCE.convert(Found(file))
    assert torch.allclose(answer(build_stored(stored)), answer(network), atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "psi", "layers"),
    [
        ({}, 0.7, 8),
        ({"truncation_psi": None}, 1.0, 8),
        ({"truncation_psi": 0.5, "truncation_cutoff": 4}, 0.5, 4),
        ({"truncation_cutoff": None}, 0.7, 6),
    ],
)
def test_truncation_is_what_the_settings_say(settings, psi: float, layers: int):
    file = style_files.karras_stylegan(STYLED.state_dict())
    config = stylegan.KARRAS.convert(Found(file, settings=settings)).config
    assert (config["truncation_psi"], config["truncation_layers"]) == (psi, layers)


def test_truncation_is_what_the_file_says():
    file = style_files.mganprior_stylegan(STYLED.state_dict())
    config = stylegan.MGANPRIOR.convert(Found(file)).config
    assert (config["truncation_psi"], config["truncation_layers"]) == (0.5, 2)
    file["truncation.truncation"] = torch.tensor([0.5, 1.0, 0.5, 1.0, 1.0, 1.0]).view(1, 6, 1)
    with pytest.raises(CheckpointError, match="more than one factor"):
        stylegan.MGANPRIOR.convert(Found(file))


def test_a_network_that_is_still_growing_draws_as_far_as_it_is():
    file = style_files.karras_pggan(PROGRESSIVE.state_dict())
    network = build_stored(pggan.KARRAS.convert(Found({**file, "lod": torch.tensor(1.25)})))
    z = torch.randn(2, 7, generator=torch.Generator().manual_seed(3))
    assert torch.equal(network.draw(z), PROGRESSIVE.draw(z, lod=1.25))


@pytest.mark.parametrize("lod", [-1.0, 4.0, math.nan])
def test_a_network_that_has_grown_nothing_is_refused(lod: float):
    file = style_files.karras_pggan(PROGRESSIVE.state_dict())
    with pytest.raises(CheckpointError, match="entry lod is"):
        pggan.KARRAS.convert(Found({**file, "lod": torch.tensor(lod)}))


def test_noise_that_is_not_stored_is_always_the_same():
    file = style_files.mganprior_stylegan(STYLED.state_dict())
    rest = {name: tensor for name, tensor in file.items() if not name.endswith("noise")}
    first, second = (stylegan.MGANPRIOR.convert(Found(rest)).tensors for _ in range(2))
    for index in range(6):
        name = f"synthesis.{index}.noise"
        assert torch.equal(first[name], second[name])
        assert first[name].shape == file[f"synthesis.layer{index}.epilogue.apply_noise.noise"].shape


def test_a_mean_with_a_row_for_each_layer_keeps_its_rows():
    file = style_files.genforce_stylegan(OWN_ROWS.state_dict())
    file["truncation.w_avg"] = torch.arange(36.0)
    tensors = stylegan.GENFORCE.convert(Found(file)).tensors
    assert torch.equal(tensors["w_avg"], torch.arange(36.0).view(6, 6))


def test_another_blur_is_refused():
    file = style_files.mganprior_stylegan(STYLED.state_dict())
    file["synthesis.layer2.blur.kernel"] = torch.full((4, 1, 3, 3), 1 / 9)
    with pytest.raises(CheckpointError, match="does not blur with"):
        stylegan.MGANPRIOR.convert(Found(file))


@pytest.mark.parametrize(
    ("case", "settings"),
    [
        ("PGGAN, TensorFlow", {"tanh_at_end": True}),
        ("PGGAN, TensorFlow", {"label_size": 10}),
        ("StyleGAN, TensorFlow", {"blur_filter": [1, 3, 3, 1]}),
        ("StyleGAN, TensorFlow", {"nonlinearity": "relu"}),
        ("StyleGAN, TensorFlow", {"fused_scale": "never"}),
        ("discriminator", {"mbstd_num_features": 2}),
        ("encoder, TensorFlow", {"num_layers": 7}),
    ],
)
def test_a_network_built_otherwise_is_refused(case: str, settings: dict[str, Any]):
    with pytest.raises(CheckpointError, match=r"setting|rows"):
        CASES[case].layout.convert(found(CASES[case]._replace(settings=settings)))
