"""Laws of attention that never keeps its weights."""

import pytest
import torch
from torch import Tensor

from priorfit.networks import attention
from priorfit.networks.attention import attend_to


def rows(batch: int, queries: int, keys: int) -> list[Tensor]:
    noise = torch.Generator().manual_seed(0)
    shapes = (batch, queries, 3), (batch, keys, 3), (batch, keys, 5)
    drawn = (torch.randn(shape, generator=noise, dtype=torch.float64) for shape in shapes)
    return [tensor.requires_grad_() for tensor in drawn]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that there are several blocks, and the last is a shorter one."""
    monkeypatch.setattr(attention, "_ENTRIES", 1)


@pytest.mark.parametrize("queries", [1, 32, 70])
def test_blocks_make_the_whole(queries: int):
    query, key, value = rows(2, queries, 7)
    expected = torch.softmax(query @ key.transpose(1, 2), 2) @ value
    assert torch.allclose(attend_to(query, key, value), expected, rtol=1e-12, atol=1e-14)


def test_gradients_and_their_gradients_are_those_of_the_formula():
    query, key, value = rows(2, 40, 4)
    cotangent = torch.cos(torch.arange(400.0).double()).view(2, 40, 5)

    def both(attend) -> list[Tensor]:
        loss = (attend(query, key, value) * cotangent).sum()
        first = torch.autograd.grad(loss, (query, key, value), create_graph=True)
        bent = sum(gradient.pow(3).sum() for gradient in first)
        return [*first, *torch.autograd.grad(bent, (query, key, value))]

    ours = both(attend_to)
    plain = both(lambda query, key, value: torch.softmax(query @ key.mT, 2) @ value)
    for mine, theirs in zip(ours, plain, strict=True):
        assert torch.allclose(mine, theirs, rtol=1e-10, atol=1e-12)


def test_large_scores_stay_finite():
    query, key, value = (1000 * tensor for tensor in rows(1, 33, 4))
    assert attend_to(query, key, value).isfinite().all()
