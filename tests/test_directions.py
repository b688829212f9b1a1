"""Directions: stored as they were published, and refused where they make no sense."""

from pathlib import Path
from typing import Any

import pytest
import torch

from priorfit.checkpoints.conversion import converted
from priorfit.checkpoints.directions import LAYOUT, Direction
from priorfit.checkpoints.layouts import LAYOUTS, Found
from priorfit.errors import CheckpointError
from priorfit.networks.pretrained import Pretrained
from priorfit.store.files import Stored, write

ROWS = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(3, 4)


@pytest.mark.parametrize(
    "direction",
    [
        Direction(ROWS[:1], "z"),
        Direction(ROWS[:1], "w", (0, 17)),
        Direction(ROWS, "w+", (1, 2), {"file": "a.npy"}),
        Direction(7 * ROWS.float(), "w+"),
    ],
)
def test_a_direction_comes_back_as_it_was(direction: Direction, tmp_path: Path):
    direction.save_pretrained(tmp_path / "a")
    again = Direction.from_pretrained(tmp_path / "a")
    assert torch.equal(again.tensor, direction.tensor)
    assert again.tensor.dtype == direction.tensor.dtype
    assert (again.space, again.layers) == (direction.space, direction.layers)
    assert again.source == direction.source


@pytest.mark.parametrize(
    ("tensor", "space", "layers"),
    [
        (ROWS[0], "z", None),
        (ROWS[None], "w+", None),
        (ROWS[:0], "z", None),
        (ROWS[:, :0], "w+", None),
        (ROWS, "z", None),
        (ROWS, "w", None),
        (ROWS[:1], "W", None),
        (ROWS, "w+", (3,)),
        (ROWS, "w+", (-1,)),
        (ROWS[:1], "w", (64,)),
        (ROWS, "w+", (True,)),
        (ROWS, "w+", (1.0,)),
        (torch.zeros(65, 4), "w+", None),
    ],
)
def test_what_does_not_belong_together_is_refused(tensor: Any, space: Any, layers: Any):
    with pytest.raises(CheckpointError, match="direction"):
        Direction(tensor, space, layers)


DAMAGED = [
    Stored("direction", {}, {"direction": ROWS}),
    Stored("direction", {"space": 1, "layers": None}, {"direction": ROWS}),
    Stored("direction", {"space": "w+", "layers": 1}, {"direction": ROWS}),
    Stored("direction", {"space": "w+", "layers": [[1]]}, {"direction": ROWS}),
    Stored("direction", {"space": "w+", "layers": None}, {"other": ROWS}),
    Stored(
        "direction", {"space": "w+", "layers": None}, {"direction": ROWS, "other": ROWS.clone()}
    ),
    Stored("direction", {"space": "w+", "layers": None}, {"direction": ROWS.int()}),
    Stored("pggan", {}, {"direction": ROWS}),
]


@pytest.mark.parametrize("stored", DAMAGED, ids=range(len(DAMAGED)))
def test_what_was_stored_otherwise_is_refused(stored: Stored, tmp_path: Path):
    write(tmp_path / "a", stored)
    with pytest.raises(CheckpointError, match="direction"):
        Direction.from_pretrained(tmp_path / "a")


def test_a_direction_is_no_network(tmp_path: Path):
    Direction(ROWS, "w+").save_pretrained(tmp_path / "a")
    with pytest.raises(CheckpointError, match="no kind of network 'direction'"):
        Pretrained.from_pretrained(tmp_path / "a")


PUBLISHED = {
    "mganprior, in z": (ROWS[:1], {"file": "pggan_celebahq_age_boundary.npy"}, "z", None),
    "interfacegan, in w": (ROWS[:1], {"file": "stylegan_ffhq_age_w_boundary.npy"}, "w", None),
    "somebody's, in w": (ROWS[:1], {"space": "w"}, "w", None),
    "mganprior, in w+": (ROWS, {"file": "age.npy"}, "w+", None),
    "idinvert": (ROWS[None], {"meta_data": {"manipulate_layers": [0, 2]}}, "w+", [0, 2]),
    "idinvert, all layers": (ROWS[None], {"meta_data": {}}, "w+", None),
    "a bare row": (ROWS[0], {}, "z", None),
}


@pytest.mark.parametrize(("tensor", "said", "space", "layers"), PUBLISHED.values(), ids=PUBLISHED)
def test_published_directions_are_recognised(tensor: Any, said: Any, space: str, layers: Any):
    found = Found({"array": tensor}, settings=said)
    assert not [layout.name for layout in LAYOUTS if layout.recognises(found)]
    stored = converted([found])
    assert stored.config == {"space": space, "layers": layers}
    assert torch.equal(stored.tensors["direction"], tensor.reshape(-1, 4))


OTHERS = {
    "a network": {"weight": ROWS},
    "two arrays": {"array": ROWS, "boundary": ROWS},
    "codes of many pictures": {"array": torch.zeros(5, 14, 4)},
    "a number": {"array": torch.tensor(1.0)},
    "many rows": {"array": torch.zeros(65, 4)},
}


@pytest.mark.parametrize("tensors", OTHERS.values(), ids=OTHERS)
def test_other_arrays_are_no_directions(tensors: dict[str, torch.Tensor]):
    with pytest.raises(CheckpointError):
        converted([Found(tensors)], layouts=[LAYOUT])


@pytest.mark.parametrize("layers", ["0-3", [-1], [99], {"a": 1}, [0.5], [[0]]])
def test_layers_that_are_none_are_refused(layers: Any):
    about = {"meta_data": {"manipulate_layers": layers}}
    with pytest.raises(CheckpointError):
        converted([Found({"boundary": ROWS}, settings=about)], layouts=[LAYOUT])


@pytest.mark.parametrize("tensor", [ROWS.int(), ROWS * float("nan"), ROWS.bool()])
def test_directions_are_real_numbers(tensor: torch.Tensor):
    with pytest.raises(CheckpointError):
        converted([Found({"array": tensor})], layouts=[LAYOUT])
