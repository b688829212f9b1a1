"""Several processes that train one pair of networks together, each on its own device.

All draw the same numbers and take their own part of every batch, so that together they learn what
one process would learn of the whole batch, but for batch statistics, which are taken over each
part, and for augmentations, which are the same in every part.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

from priorfit.errors import ProblemError


@dataclass(frozen=True)
class Team:
    """One of several processes.

    Args:
        rank: which one, from 0.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this one writes and speaks for all."""
        return self.rank == 0

    def share(self, batch: int) -> int:
        """How many of a batch each process gets.

        Raises:
            ProblemError: they cannot be dealt out evenly.
        """
        if batch % self.size:
            raise ProblemError(
                f"expected a batch that {self.size} processes can share, got {batch}: give a "
                "multiple as --batch"
            )
        return batch // self.size

    def own(self, batch: Tensor) -> Tensor:
        """This process's part of a batch that all have."""
        return batch if self.size == 1 else batch.chunk(self.size)[self.rank]

    @torch.no_grad()
    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replace tensors by their means over all processes."""
        found = list(tensors)
        if self.size == 1 or not found:
            return
        flat = torch.cat([tensor.reshape(-1).float() for tensor in found])
        distributed.all_reduce(flat)
        flat /= self.size
        for tensor, mean in zip(found, flat.split([t.numel() for t in found]), strict=True):
            tensor.copy_(mean.view(tensor.shape))

    def agreed(self, value: float, device: torch.device) -> float:
        """What the first process thinks a value is: clocks differ."""
        if self.size == 1:
            return value
        told = torch.tensor(value, dtype=torch.float64, device=device)
        distributed.broadcast(told, 0)
        return float(told)


ALONE = Team()
"""One process that does everything."""


@contextmanager
def join_team(device: torch.device) -> Iterator[tuple[Team, torch.device]]:
    """Join the processes that `torchrun` has begun, and part from them in good order.

    Without `torchrun` there is one process, which keeps its device.

    Yields:
        Which process this is, and its device.

    Raises:
        ProblemError: the processes do not find each other.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE, device
        return
    try:
        if device.type == "cuda":
            device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
            torch.cuda.set_device(device)
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    except (RuntimeError, ValueError, KeyError) as error:
        raise ProblemError(f"the processes of torchrun do not find each other: {error}") from error
    try:
        yield Team(distributed.get_rank(), size), device
    finally:
        distributed.destroy_process_group()


def gradients(network: nn.Module) -> list[Tensor]:
    """Gradients of all parameters that have one."""
    return [p.grad for p in network.parameters() if p.grad is not None]


def moving(network: nn.Module) -> list[Tensor]:
    """Buffers of numbers that a network in training moves."""
    return [buffer for buffer in network.buffers() if buffer.is_floating_point()]
