"""Attention of many pixels to fewer ones that never keeps the matrix between them."""

from typing import Any

import torch
from torch import Tensor

_ENTRIES = 1 << 18  # of a block on a CPU: 1 MB, what the cache of one core holds


def attend_to(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(query · keyᵀ) · value of (B, Q, E), (B, K, E) and (B, K, V), (B, Q, V).

    The Q × K weights are computed block by block, and once more for the gradient, which takes less
    time than to write and read them. Gradients of gradients are right.
    """
    return _Attended.apply(query, key, value)


class _Attended(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        context.save_for_backward(query, key, value)
        parts = query.split(_rows(query, key), 1)
        return torch.cat([_weights(part, key) @ value for part in parts], 1)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        query, key, value = context.saved_tensors
        rows = _rows(query, key)
        of_query = []
        of_key, of_value = torch.zeros_like(key.mT), torch.zeros_like(value.mT)
        # Long rows go last in every product: elsewhere a product with few columns takes four times
        # as long.
        for part, above in zip(query.split(rows, 1), gradient.split(rows, 1), strict=True):
            weights = _weights(part, key)
            of_weights = above @ value.mT
            weighed = of_weights * weights
            of_scores = torch.addcmul(weighed, weights, weighed.sum(2, keepdim=True), value=-1)
            of_query.append(key.mT @ of_scores.mT)
            of_key = of_key + part.mT @ of_scores
            of_value = of_value + above.mT @ weights
        return torch.cat(of_query, 2).mT, of_key.mT, of_value.mT


def _weights(query: Tensor, key: Tensor) -> Tensor:
    return torch.softmax(query @ key.mT, 2)


def _rows(query: Tensor, key: Tensor) -> int:
    """Pixels of a block; all of them where there is no cache to care for."""
    if query.device.type != "cpu":
        return query.shape[1]
    return max(32, _ENTRIES // (key.shape[0] * key.shape[1]))
