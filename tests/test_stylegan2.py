"""Laws of StyleGAN2, of every form and architecture."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from priorfit.errors import CheckpointError, ProblemError
from priorfit.networks.initialise import initialised
from priorfit.networks.pretrained import Pretrained
from priorfit.networks.stylegan2 import StyleGan2, StyleGan2Config
from priorfit.networks.weights import frozen
from priorfit.noise import Noise
from tests.stylegan2_reference import Reference

SMALL = StyleGan2Config(
    channels=(7, 6, 5), z_dim=4, w_dim=6, mapping_width=5, mapping_depth=3, truncation_psi=0.6
)
FORMS = {
    "skip": SMALL,
    "origin": replace(SMALL, architecture="origin"),
    "resnet": replace(SMALL, architecture="resnet"),
    "with ADA": replace(SMALL, scaled=False, clamp=0.5),
    "resnet with ADA": replace(SMALL, architecture="resnet", scaled=False, clamp=0.5),
    "origin without noise": replace(SMALL, architecture="origin", noise=False),
    "classes": replace(SMALL, classes=3, embedding=2),
    "classes joined": replace(SMALL, classes=3, embedding=4, joined=True),
    "one scale": replace(SMALL, channels=(7,), colors=1),
}
each_form = pytest.mark.parametrize("form", FORMS)
each_architecture = pytest.mark.parametrize("form", ["skip", "origin", "resnet"])


def made(config: StyleGan2Config, seed: int = 0) -> StyleGan2:
    """A network none of whose parts is zero, in float64 and for evaluation."""
    generator = torch.Generator().manual_seed(seed)
    network = initialised(lambda: StyleGan2(config), generator).double().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += torch.randn(parameter.shape, generator=generator, dtype=torch.float64) / 4
        network.mapping.w_avg.normal_(generator=generator)
    return network.requires_grad_(False)


def normal(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def w_of(network: StyleGan2, images: int = 2) -> Tensor:
    return normal(images, network.layers, network.w_dim)


def close(got: Tensor, expected: Tensor) -> bool:
    return torch.allclose(got, expected, rtol=1e-10, atol=1e-12)


def gradient(network: StyleGan2, w: Tensor) -> Tensor:
    w = w.clone().requires_grad_()
    image = network.draw(w)
    (got,) = torch.autograd.grad(image, w, normal(*image.shape, seed=2))
    return got


@each_form
def test_images_are_those_of_the_formulas(form: str):
    network = made(FORMS[form])
    w = w_of(network)
    assert close(network.draw(w), Reference(network)(w))


@each_form
def test_gradients_are_those_of_the_formulas(form: str):
    network = made(FORMS[form])
    w = w_of(network).requires_grad_()
    image = Reference(network)(w)
    (expected,) = torch.autograd.grad(image, w, normal(*image.shape, seed=2))
    assert close(gradient(network, w.detach()), expected)


@each_form
def test_styled_weights_and_styled_features_are_the_same(form: str):
    features, weights = (made(replace(FORMS[form], fused=fused)) for fused in (False, True))
    w = w_of(features)
    assert close(weights.draw(w), features.draw(w))
    assert close(gradient(weights, w), gradient(features, w))


@each_form
def test_frozen_draws_the_same_and_keeps_the_original(form: str):
    network = made(FORMS[form]).requires_grad_(True)
    w, noise = w_of(network), network.fresh_noise(Noise([5, 6]), torch.float64)
    before, plain = network.draw(w), frozen(network)
    assert close(plain.draw(w), before)
    assert close(gradient(plain, w), gradient(network, w))
    assert close(plain.draw(w, noise=noise), network.draw(w, noise=noise))
    assert torch.equal(network.draw(w), before)
    assert not any(parameter.requires_grad for parameter in plain.parameters())


@each_form
def test_the_halves_make_the_whole_wherever_it_is_split(form: str):
    network = made(FORMS[form])
    w = w_of(network)
    noise = network.fresh_noise(Noise([5, 6]), torch.float64)
    whole = network.draw(w, noise=noise)
    for layer in range(network.layers + 1):
        features = network.lower(w, layer, noise=noise)
        assert close(network.upper(features, layer, w, noise=noise), whole)


@pytest.mark.parametrize(
    ("form", "widths"),
    [
        ("origin", [7, 7, 6, 6, 5, 5, 3]),
        ("skip", [7, 10, 9, 9, 8, 8, 3]),
        ("resnet", [7, 7, 12, 6, 10, 5, 3]),
    ],
)
def test_what_is_still_needed_travels_with_the_features(form: str, widths: list[int]):
    network = made(FORMS[form])
    w = w_of(network)
    features = [network.lower(w, layer) for layer in range(network.layers + 1)]
    assert [x.shape[1] for x in features] == widths
    assert [x.shape[2] for x in features] == [4, 4, 8, 8, 16, 16, 16]


@pytest.mark.parametrize("layer", [-1, 7])
def test_a_split_elsewhere_is_refused(layer: int):
    network = made(SMALL)
    with pytest.raises(ProblemError, match="from 0 to 6"):
        network.lower(w_of(network), layer)


@each_form
def test_an_image_is_the_same_alone_and_in_a_batch(form: str):
    network = made(FORMS[form])
    w = w_of(network, 3)
    together = network.draw(w)
    for index in range(3):
        assert close(network.draw(w[index : index + 1]), together[index : index + 1])


@each_form
def test_w_is_that_of_the_formula(form: str):
    network = made(FORMS[form])
    c = network.embed(torch.tensor([2, 0]))
    w = network.map(normal(2, 4), c)
    assert w.shape == (2, network.layers, 6)
    assert close(w, Reference(network).w(normal(2, 4), c)[:, None].expand_as(w))


def test_one_row_holds_for_all_layers():
    network = made(SMALL)
    w = normal(2, 1, 6)
    assert torch.equal(network.draw(w), network.draw(w.expand(-1, 6, -1)))


@pytest.mark.parametrize("shape", [(2, 6), (2, 5, 6), (2, 6, 5)])
def test_a_w_of_another_shape_is_refused(shape: tuple[int, ...]):
    with pytest.raises(ProblemError, match=r"expected a w of shape \(B, 1 or 6, 6\)"):
        made(SMALL).draw(torch.zeros(shape))


def test_truncation_moves_w_towards_the_mean():
    network = made(SMALL)
    w, mean = w_of(network), network.mapping.w_avg
    assert close(network.truncated(w, 1.0), w)
    assert close(network.truncated(w, 0.0), mean.expand_as(w))
    assert close(network.truncated(w), mean + 0.6 * (w - mean))
    some = network.truncated(w, 0.5, 2)
    assert close(some[:, :2], (w[:, :2] + mean) / 2)
    assert torch.equal(some[:, 2:], w[:, 2:])


def test_truncation_leaves_as_many_layers_as_the_network_came_with():
    network = made(replace(SMALL, truncation_layers=4))
    w = w_of(network)
    assert close(network.truncated(w), network.truncated(w, 0.6, 4))
    assert torch.equal(network.truncated(w, layers=0), w)


@pytest.mark.parametrize("form", ["classes", "classes joined"])
def test_a_mixture_of_one_class_is_that_class(form: str):
    network = made(FORMS[form])
    rows = torch.eye(3, dtype=torch.float64)
    assert torch.equal(network.embed(torch.tensor([2, 0])), network.embed(rows[[2, 0]]))


def test_joined_embeddings_are_rows_of_a_table():
    network = made(FORMS["classes joined"])
    table = network.state_dict()["mapping.embed.weight"].T
    assert torch.equal(network.embed(torch.tensor([1])), table[[1]])


def test_a_generator_of_classes_wants_one():
    with pytest.raises(ProblemError, match="expected the embedding of a class"):
        made(FORMS["classes"]).map(normal(2, 4))
    assert made(SMALL).embed(torch.tensor([0])) is None


@each_architecture
def test_noise_belongs_to_the_image(form: str):
    network = made(FORMS[form])
    w = w_of(network)
    both = network.draw(w, noise=network.fresh_noise(Noise([5, 6]), torch.float64))
    second = network.draw(w[1:], noise=network.fresh_noise(Noise([6]), torch.float64))
    assert close(both[1:], second)
    assert not torch.allclose(both, network.draw(w))


def test_no_noise_is_noise_without_strength():
    network, silent = made(SMALL), made(SMALL)
    for layer in silent.synthesis:
        layer.noise_strength.zero_()
    w = w_of(network)
    assert torch.equal(network.draw(w, noise=network.no_noise()), silent.draw(w))


def test_no_activation_exceeds_the_limit_of_its_branch():
    config = replace(FORMS["resnet with ADA"], clamp=0.05)
    network = made(config)
    w = w_of(network)
    x = network.synthesis[0](network.const.expand(2, -1, -1, -1), w[:, 0])
    assert x.abs().max() == 0.05
    half = network.synthesis[2](normal(2, 6, 8, 8), w[:, 2])
    assert half.abs().max().item() == pytest.approx(0.05 * math.sqrt(0.5))
    assert network.draw(w).abs().max() == 0.05


@each_form
def test_what_is_saved_comes_back_bit_for_bit(form: str, tmp_path: Path):
    network = made(FORMS[form]).float()
    network.save_pretrained(tmp_path)
    again = Pretrained.from_pretrained(tmp_path)
    assert isinstance(again, StyleGan2)
    assert again.config == network.config
    w = w_of(network).float()
    assert torch.equal(again.draw(w), network.draw(w))


@each_form
def test_the_same_generator_starts_the_same_network(form: str):
    def build() -> StyleGan2:
        return StyleGan2(FORMS[form])

    first, second, other = (
        initialised(build, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name])
    assert not torch.equal(first.const, other.const)


def test_a_new_network_keeps_the_variance_of_its_features():
    config = replace(SMALL, channels=(256,), w_dim=256, z_dim=64, mapping_width=256)
    network = initialised(lambda: StyleGan2(config), torch.Generator().manual_seed(0))
    z = normal(4, 64).float()
    with torch.no_grad():
        w = network.map(z)
        features = network.lower(w, 1)
    assert w.square().mean().sqrt().item() == pytest.approx(1, abs=0.3)
    assert features.square().mean().sqrt().item() == pytest.approx(1, abs=0.3)


@each_form
def test_a_gradient_reaches_every_parameter(form: str):
    network = made(FORMS[form]).train().requires_grad_(True)
    c = network.embed(torch.tensor([2, 0]))
    image = network(normal(2, 4), c)
    names, parameters = zip(*network.named_parameters(), strict=True)
    gradients = torch.autograd.grad(image.square().sum(), parameters)
    assert [n for n, g in zip(names, gradients, strict=True) if not g.abs().sum()] == []


def test_the_length_of_paths_has_a_gradient():
    network = made(FORMS["resnet"]).requires_grad_(True)
    w = w_of(network).requires_grad_()
    image = network.draw(w)
    (slope,) = torch.autograd.grad((image * normal(*image.shape)).sum(), w, create_graph=True)
    (got,) = torch.autograd.grad(slope.square().sum(), network.synthesis[1].weight)
    assert got.isfinite().all()
    assert got.abs().sum() > 0


def test_the_mean_w_follows_what_training_maps():
    network = made(SMALL)
    before, w = network.mapping.w_avg.clone(), network.map(normal(8, 4))
    network.follow(w, momentum=0.75)
    assert close(network.mapping.w_avg, 0.75 * before + 0.25 * w[:, 0].mean(0))


@pytest.mark.parametrize(
    "changes",
    [{"channels": (1,) * 13}, {"channels": ()}, {"mapping_depth": 65}, {"mapping_depth": 0}],
)
def test_absurd_settings_are_refused_at_once(changes: dict[str, object]):
    with pytest.raises(CheckpointError, match="cannot be"):
        StyleGan2(replace(SMALL, **changes))
