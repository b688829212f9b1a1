"""Networks made ready to learn."""

from typing import Any, TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def ready(network: Network) -> Network:
    """Have a network in training, with its memory in the order that convolutions like."""
    moved: Any = network.train().requires_grad_(True)
    return moved.to(memory_format=torch.channels_last)
