"""The runner of recorded arrays, on recordings with options that no shared fixture has."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from priorfit.networks.stylegan2 import StyleGan2, StyleGan2Config
from tests.parity.fixture import Fixture
from tests.parity.stylegan2 import KINDS
from tests.stylegan2_reference import Reference
from tests.test_stylegan2_layouts import genforce_like, made, nvlabs

SMALL = StyleGan2Config(
    channels=(5, 4, 3), z_dim=4, w_dim=6, mapping_width=5, mapping_depth=2, truncation_psi=0.5
)
ADA = replace(SMALL, scaled=False, mapping_width=6)


def recorded(
    folder: Path, kind: str, config: dict[str, Any], arrays: dict[str, dict[str, Tensor]]
) -> Fixture:
    """A folder like those of the shared fixtures."""
    tolerance = {
        "suggest_f32": {"rtol": 1e-3, "atol": 1e-3},
        "suggest_f64": {"rtol": 1e-9, "atol": 1e-9},
    }
    expected = arrays["expected"]
    shapes = {key: {"shape": list(t.shape), **tolerance} for key, t in expected.items()}
    meta = {"kind": kind, "config": config, "expected": shapes}
    (folder / "meta.json").write_text(json.dumps(meta))
    both = {key: t.float() for key, t in expected.items()}
    arrays["expected"] = both | {f"{key}__f64": t for key, t in expected.items()}
    for name, tensors in arrays.items():
        values = {key: t.detach().numpy() for key, t in tensors.items()}
        np.savez(folder / f"{name}.npz", **values)
    return Fixture(folder)


def all_pass(fixture: Fixture) -> bool:
    results = list(KINDS[fixture.kind](fixture))
    return all(result.passed for result in results) and {r.key for r in results} == {
        *fixture.expected
    }


def normal(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(7))


def slope(reference: Reference, w: Tensor) -> Tensor:
    w = w.double().requires_grad_()
    return torch.autograd.grad(reference(w).square().mean(), w)[0]


OPTIONS = {
    "orig": (replace(ADA, architecture="origin"), {"arch": "orig"}),
    "resnet with a clamp": (
        replace(ADA, architecture="resnet", clamp=0.25),
        {"arch": "resnet", "clamp": 0.25},
    ),
    "classes": (replace(ADA, classes=3, embedding=6), {"arch": "skip", "c_dim": 3}),
    "one layer of a mapping": (replace(ADA, mapping_depth=1), {"ml": 1}),
}


@pytest.mark.parametrize("labels", ["one-hot", "numbers"])
@pytest.mark.parametrize("option", OPTIONS)
def test_recordings_of_nvlabs_may_have_other_options(option: str, labels: str, tmp_path: Path):
    config, said = OPTIONS[option]
    network: StyleGan2 = made(config)
    reference = Reference(network)
    inputs = {"z": normal(2, 4), "ws": normal(2, 6, 6)}
    c = None
    if config.classes:
        numbers = torch.tensor([2, 0])
        inputs["c"] = numbers if labels == "numbers" else torch.eye(3)[numbers]
        c = network.double().embed(numbers)
    w, mean = (
        reference.w(inputs["z"].double(), c)[:, None].expand(-1, 6, -1),
        reference.state["mapping.w_avg"],
    )
    near = torch.cat([mean + 0.4 * (w[:, :3] - mean), w[:, 3:]], 1)
    silent = Reference(network)
    silent.config = replace(config, noise=False)
    expected = {
        "ws_psi1": w,
        "ws_psi0.4_cut3": near,
        "image_psi0.4_cut3": reference(near),
        "image_nonoise_psi0.4_cut3": silent(near),
        "image_const_nonfused": reference(w),
        "image_ws": reference(inputs["ws"]),
        "grad_ws": slope(reference, inputs["ws"]),
    }
    arrays = {"weights": nvlabs(network.float()), "inputs": inputs, "expected": expected}
    assert all_pass(recorded(tmp_path, "stylegan2_ada_generator", said, arrays))


@pytest.mark.parametrize("mgan", [True, False])
@pytest.mark.parametrize("architecture", ["origin", "skip", "resnet"])
def test_recordings_of_mganprior_may_have_other_options(
    architecture: Any, mgan: bool, tmp_path: Path
):
    network = made(replace(SMALL, architecture=architecture))
    reference = Reference(network)
    inputs = {"z": normal(2, 4), "wp": normal(2, 6, 6)}
    w, mean = reference.w(inputs["z"].double(), None), reference.state["mapping.w_avg"]
    rows = w[:, None].expand(-1, 6, -1)
    near = torch.cat([mean + 0.7 * (rows[:, :4] - mean), rows[:, 4:]], 1)
    wp = inputs["wp"].double()
    expected = {
        "w": w,
        "wp_truncated": near,
        "image_from_z": reference(near)[..., ::2, ::2],
        "image_from_wp_no_truncation": reference(wp),
        "image_from_w_repeated_no_truncation": reference(rows),
        "style03": torch.stack([reference.style("synthesis.3", row[3]) for row in wp]),
        "grad_wp": slope(reference, wp),
    }
    said = {"fused_modulate": False, "truncation_psi": 0.7, "truncation_layers": 4}
    arrays = {"weights": genforce_like(network, mgan=mgan), "inputs": inputs, "expected": expected}
    assert all_pass(recorded(tmp_path, "stylegan2_generator", said, arrays))
