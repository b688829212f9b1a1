"""Published networks draw the same pictures here, whatever container they come in."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save
from torch import Tensor

from priorfit.checkpoints.conversion import converted
from priorfit.checkpoints.readers import read
from priorfit.networks.generator import Generator
from priorfit.networks.initialise import initialised
from priorfit.networks.pggan import PgGan, PgGanConfig
from priorfit.networks.pretrained import Pretrained, build_stored
from priorfit.networks.stylegan import StyleGan, StyleGanConfig
from priorfit.networks.stylegan2 import StyleGan2, StyleGan2Config
from priorfit.noise import Noise
from tests import plain_biggan
from tests.lookalikes import (
    Call,
    Global,
    npy,
    npy_of_object,
    npz,
    nvlabs_module,
    pickled,
    saved,
    tf_network,
)
from tests.style_files import karras_pggan, karras_stylegan, mganprior_pggan, mganprior_stylegan
from tests.test_stylegan2_layouts import karras as karras_stylegan2
from tests.test_stylegan2_layouts import nvlabs

Make = Callable[[], Pretrained]


def drawn(make: Make, seed: int = 0) -> Generator:
    return initialised(make, torch.Generator().manual_seed(seed)).requires_grad_(False).eval()


def progressive(seed: int = 0) -> Generator:
    return drawn(lambda: PgGan(PgGanConfig((5, 4), z_dim=4)), seed)


def styled(seed: int = 0, *, repeat_w: bool = True) -> Generator:
    config = StyleGanConfig((5, 4), 4, 6, 5, 2, truncation_psi=0.7, repeat_w=repeat_w)
    return drawn(lambda: StyleGan(config), seed)


def modulated(seed: int = 0) -> Generator:
    config = StyleGan2Config((5, 4), z_dim=4, w_dim=6, mapping_width=5, mapping_depth=2)
    return drawn(lambda: StyleGan2(config), seed)


def tf(name: str, state: Mapping[str, Tensor], **kwargs: Any) -> Call:
    """A network in TensorFlow with those inside it."""
    own = {key: value.numpy() for key, value in state.items() if not key.startswith("G_")}
    inner = {}
    for part in ("G_mapping", "G_synthesis"):
        prefix = f"{part}/"
        found = {
            n.removeprefix(prefix): t.numpy() for n, t in state.items() if n.startswith(prefix)
        }
        if found:
            inner[part.removeprefix("G_")] = tf_network(part, found)
    return tf_network(name, own, inner, **kwargs)


def theano(state: Mapping[str, Tensor]) -> Call:
    """A PGGAN before TensorFlow: filters, the factors beside them and biases, in a row."""
    file, values = karras_pggan(state), []
    names = ["4x4/Dense", "4x4/Conv", "8x8/Conv0", "8x8/Conv1", "ToRGB_lod0", "ToRGB_lod1"]
    for name in names:
        weight = file[f"{name}/weight"]
        gain = {"4x4/Dense": 2**0.5 / 4}.get(name, 1.0 if name.startswith("To") else 2**0.5)
        factor = gain / weight.shape[:-1].numel() ** 0.5
        if name == "4x4/Dense":
            weight = weight.view(len(weight), -1, 4, 4).transpose(0, 1)
        else:
            weight = weight.flip(0, 1).permute(3, 2, 0, 1)
        weight = weight[:, :, 0, 0].T if name.startswith("To") else weight
        values += [weight, torch.tensor(factor), file[f"{name}/bias"]]
    spec = {"func": "G_paper", "resolution": 8, "use_wscale": True, "tanh_at_end": None}
    arrays = [value.contiguous().numpy() for value in values]
    state = {"build_func_spec": spec, "param_values": arrays, "toplevel_params": {"cur_lod": 0.0}}
    return Call(Global("network", "Network"), (), "NEWOBJ", state=state)


def three(write: Callable[..., Any], make: Callable[..., Generator]) -> tuple:
    """Generator, discriminator and averaged generator; the last is the one that is wanted."""
    return tuple(write(name, make(seed)) for name, seed in (("G", 1), ("D", 2), ("Gs", 0)))


def arrays(state: Mapping[str, Tensor]) -> bytes:
    return npz(
        {n: npy(tuple(t.shape), "<f4", t.contiguous().numpy().tobytes()) for n, t in state.items()}
    )


def plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.contiguous() for name, tensor in tensors.items()}


def values(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    return {name: tensor.numpy() for name, tensor in plain(tensors).items()}


def ada(seed: int) -> Call:
    return nvlabs_module(nvlabs(modulated(seed)), z_dim=4)


PROGRESSIVE = mganprior_pggan(progressive().state_dict())
STYLED = mganprior_stylegan(styled().state_dict())
PUBLISHED: dict[str, tuple[Generator, bytes]] = {
    "PGGAN, zip": (progressive(), saved(PROGRESSIVE)),
    "PGGAN, torch": (progressive(), saved({"state_dict": PROGRESSIVE}, legacy=True)),
    "PGGAN, TensorFlow": (
        progressive(),
        pickled(three(lambda n, g: tf(n, karras_pggan(g.state_dict())), progressive)),
    ),
    "PGGAN, Theano": (progressive(), pickled(theano(progressive().state_dict()))),
    "PGGAN, npz": (progressive(), arrays(PROGRESSIVE)),
    "StyleGAN, zip": (styled(), saved({"generator": STYLED})),
    "StyleGAN, safetensors": (styled(), save(plain(STYLED))),
    "StyleGAN, TensorFlow": (
        styled(),
        pickled(three(lambda n, g: tf(n, karras_stylegan(g.state_dict())), styled), 4),
    ),
    "StyleGAN2, TensorFlow": (
        modulated(),
        pickled(three(lambda n, g: tf(n, karras_stylegan2(g)), modulated), 3),
    ),
    "StyleGAN2, NVlabs": (modulated(), pickled({"G": ada(1), "D": ada(2), "G_ema": ada(0)}, 4)),
    "StyleGAN2, npy": (modulated(), npy_of_object(values(nvlabs(modulated())))),
}


@pytest.mark.parametrize(("expected", "data"), PUBLISHED.values(), ids=PUBLISHED)
def test_a_published_network_draws_the_same_here(expected: Generator, data: bytes, tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(data)
    network = build_stored(converted(read(path)))
    assert isinstance(network, type(expected))
    z = expected.sample(Noise([0, 1]))
    assert torch.allclose(network(z), expected(z), atol=1e-5)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_published_biggan_draws_what_its_formulas_say(legacy: bool, tmp_path: Path):
    shapes = plain_biggan.generator_shapes((4, 4, 2, 2), (1,), z_dim=8, classes=3, embedding=4)
    weights = plain_biggan.drawn(shapes)
    path = tmp_path / "G_ema.pth"
    path.write_bytes(saved({f"module.{name}": t.float() for name, t in weights.items()}, legacy))
    network = build_stored(converted(read(path)))
    assert isinstance(network, Generator)
    z, labels = network.sample(Noise([0, 1])), torch.tensor([0, 2])
    expected = plain_biggan.generator(weights, z.double(), labels)
    assert torch.allclose(network(z, network.embed(labels)), expected.float(), atol=1e-5)


RECORDED = ["dgp_G128_ch8", "dgp_D128_ch8", "hf_biggan_deep_128_ch4", "idi_encoder64"]
RECORDED += ["idi_generator64", "mgan_pggan64", "mgan_stylegan32", "mgan_stylegan2_32", "sg2ada_32"]


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_networks_are_the_same_from_every_container(
    name: str, shared: Path, tmp_path: Path
):
    path = tmp_path / "file"
    (network,) = read(shared / "fixtures" / name / "weights.npz")
    expected = converted([network])
    module = nvlabs_module({n: t for n, t in network.tensors.items() if t.dtype == torch.float32})
    for data in (
        saved(dict(network.tensors)),
        saved({"state_dict": dict(network.tensors)}, legacy=True),
        save(plain(network.tensors)),
        npy_of_object(values(network.tensors), 2),
        pickled({"G_ema": module} if name == "sg2ada_32" else values(network.tensors), 4),
    ):
        path.write_bytes(data)
        stored = converted(read(path))
        assert (stored.kind, stored.config) == (expected.kind, expected.config)
        assert stored.tensors.keys() == expected.tensors.keys()
        assert all(torch.equal(stored.tensors[n], t) for n, t in expected.tensors.items())


def test_a_part_is_the_one_that_is_named(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(PUBLISHED["PGGAN, TensorFlow"][1])
    stored = converted(read(path), "g")
    assert stored.source == {"layout": "PGGAN of Karras and others, TensorFlow", "part": "G"}
    assert torch.equal(stored.tensors["convs.0.weight"], progressive(1).convs[0].weight)
