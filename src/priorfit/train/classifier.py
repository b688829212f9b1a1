"""Train a classifier on the photographs that a generator learns from, for its features."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from priorfit.errors import ProblemError
from priorfit.networks.classifier import Classifier, ClassifierConfig
from priorfit.networks.initialise import initialised
from priorfit.train.batches import Batches
from priorfit.train.data import Photographs
from priorfit.train.ready import ready
from priorfit.types import Image

_BATCH = 64
_MARGIN = 1 / 8  # of the side, that a photograph is shifted by at most
_BLURRED = 4  # batches of which one is


class ClassifierLesson(NamedTuple):
    """One step of a classifier's training.

    Args:
        step: from 1.
        planned: steps in all.
        loss: cross entropy, mean of the batch; on the device.
    """

    step: int
    planned: int
    loss: Tensor


class Schooling:
    """A classifier and where its training stands: AdamW, one cycle of the learning rate.

    Photographs are mirrored and shifted, and some batches blurred as if they had been drawn
    smaller, so that the features serve generators of smaller pictures too.

    Args:
        photographs: with at least two classes.
        epochs: how often each is seen.
        rate: highest learning rate.
        seed: gives every number.
        device: where.
        width: channels of the first stage.
        precision: of its arithmetic; bfloat16 where that is faster.

    Attributes:
        network: it.
        step: how many have been taken.
        planned: how many there are.

    Raises:
        ProblemError: there are no classes to tell apart.
    """

    def __init__(
        self,
        photographs: Photographs,
        *,
        epochs: float = 20,
        rate: float = 2e-3,
        seed: int = 0,
        device: torch.device | str = "cpu",
        width: int = 32,
        precision: torch.dtype = torch.float32,
    ) -> None:
        if len(photographs.classes) < 2:
            raise ProblemError("expected photographs of at least two classes to tell apart")
        config = ClassifierConfig(photographs.size, len(photographs.classes), width)
        start = Generator().manual_seed(seed)
        self.network = ready(initialised(lambda: Classifier(config), start, device))
        self.noise, self.precision = Generator(device).manual_seed(seed), precision
        self.batches = Batches(photographs, _BATCH, self.noise)
        self.step, self.planned = 0, max(1, round(epochs * len(photographs) / _BATCH))
        self.optimizer = torch.optim.AdamW(self.network.parameters(), rate, weight_decay=0.05)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, rate, total_steps=self.planned + 1
        )

    def learn(self) -> ClassifierLesson:
        """Take one step."""
        batch = self.batches.next()
        low = self.precision != torch.float32
        with torch.autocast(self.noise.device.type, self.precision, enabled=low):
            verdicts = self.network(_vary(batch.images / 2 + 0.5, self.noise)).float()
        assert batch.labels is not None
        loss = F.cross_entropy(verdicts, batch.labels, label_smoothing=0.1)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        self.step += 1
        return ClassifierLesson(self.step, self.planned, loss.detach())

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {
            "step": self.step,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "last": self.schedule.last_epoch,
            "noise": self.noise.get_state(),
            "batches": self.batches.state_dict(),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on from there."""
        self.step = saved["step"]
        self.network.load_state_dict(saved["network"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.schedule.last_epoch = saved["last"]
        self.noise.set_state(saved["noise"].cpu())
        self.batches.load_state_dict(saved["batches"])


def train(
    photographs: Photographs,
    *,
    epochs: float = 20,
    rate: float = 2e-3,
    seed: int = 0,
    device: torch.device | str = "cpu",
    width: int = 32,
    precision: torch.dtype = torch.float32,
    watch: Callable[[ClassifierLesson], None] = lambda lesson: None,
) -> Classifier:
    """Train a classifier from scratch, to the end; see `Schooling`, which can be interrupted.

    Args:
        photographs: with at least two classes.
        epochs: how often each is seen.
        rate: highest learning rate.
        seed: gives every number.
        device: where.
        width: channels of the first stage.
        precision: of its arithmetic; bfloat16 where that is faster.
        watch: told after every step.

    Raises:
        ProblemError: there are no classes to tell apart.
    """
    schooling = Schooling(
        photographs,
        epochs=epochs,
        rate=rate,
        seed=seed,
        device=device,
        width=width,
        precision=precision,
    )
    while schooling.step < schooling.planned:
        watch(schooling.learn())
    return schooling.network.requires_grad_(False).eval()


@torch.no_grad()
def accuracy(network: Classifier, images: Tensor, labels: Tensor) -> float:
    """Part of images, (N, 3, H, W) bytes, that a classifier puts into their classes."""
    right = [
        (network(batch.float() / 255).argmax(1) == label).double()
        for batch, label in zip(images.split(256), labels.split(256), strict=True)
    ]
    return float(torch.cat(right).mean())


def _vary(image: Image, noise: Generator) -> Image:
    """Shift a batch together, and blur it by halving and doubling its size, once in four times."""
    side = image.shape[-1]
    reach = max(1, round(side * _MARGIN))
    drawn = [
        torch.randint(0, most, (1,), generator=noise, device=noise.device)
        for most in (2 * reach + 1, 2 * reach + 1, _BLURRED)
    ]
    down, right, blur = torch.cat(drawn).tolist()
    image = F.pad(image, (reach,) * 4, mode="reflect")
    image = image[:, :, down : down + side, right : right + side]
    if blur == 0:
        small = F.interpolate(image, scale_factor=0.5, mode="bilinear", antialias=True)
        image = F.interpolate(small, image.shape[-2:], mode="bilinear")
    return image
