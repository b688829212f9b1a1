"""Train a small classifier to memorise a fixed set of images, without augmentation."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from priorfit.networks.classifier import Classifier, ClassifierConfig
from priorfit.networks.initialise import initialised
from priorfit.train.ready import ready

Watch = Callable[[int, float], None]
"""Told after every epoch of the step and of the mean cross entropy."""


@dataclass(frozen=True)
class Drill:
    """How the classifier is taught: stochastic gradients with momentum, as [zhang2017]_ does.

    Args:
        epochs: how often each image is seen.
        batch: images of a step.
        width: channels of the classifier's first stage.
        stages: of the classifier; each halves the side.
        rate: learning rate of the first epoch.
        decay: of the rate, an epoch.
        momentum: of the gradients.
        enough: the mean cross entropy at which an epoch is the last.
    """

    epochs: int = 40
    batch: int = 64
    width: int = 32
    stages: int = 3
    rate: float = 0.05
    decay: float = 0.95
    momentum: float = 0.9
    enough: float = 0.0


@dataclass(frozen=True)
class Learnt:
    """What came of it.

    Args:
        losses: (step, mean cross entropy of the epoch that ends with it).
        accuracy: part of the images that ended in their classes.
    """

    losses: tuple[tuple[int, float], ...]
    accuracy: float


def memorise(
    images: Tensor,
    labels: Tensor,
    drill: Drill,
    seed: int,
    watch: Watch = lambda step, loss: None,
) -> Learnt:
    """Teach a classifier that has seen nothing.

    Args:
        images: (N, 3, S, S), floating point, about [0, 1].
        labels: (N,), numbers of classes from 0.
        drill: how.
        seed: of its first weights and of the order of the images.
        watch: sees every epoch.

    Raises:
        CheckpointError: S cannot be halved as often as the classifier does.
    """
    noise = Generator(images.device).manual_seed(seed)
    classes = int(labels.max()) + 1
    config = ClassifierConfig(images.shape[-1], classes, drill.width, drill.stages)
    start = Generator().manual_seed(seed)
    network = ready(initialised(lambda: Classifier(config), start, images.device))
    optimizer = torch.optim.SGD(network.parameters(), drill.rate, drill.momentum)
    losses: list[tuple[int, float]] = []
    for epoch in range(drill.epochs):
        for group in optimizer.param_groups:
            group["lr"] = drill.rate * drill.decay**epoch
        order = torch.randperm(len(images), generator=noise, device=noise.device)
        total = 0.0
        batches = order.split(drill.batch)
        for chosen in batches:
            loss = F.cross_entropy(network(images[chosen]), labels[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) * len(chosen) / len(images)
        losses.append(((epoch + 1) * len(batches), total))
        watch(*losses[-1])
        if total <= drill.enough:
            break
    return Learnt(tuple(losses), _accuracy(network, images, labels))


@torch.no_grad()
def _accuracy(network: Classifier, images: Tensor, labels: Tensor) -> float:
    network.eval()
    pairs = zip(images.split(256), labels.split(256), strict=True)
    right = [(network(batch).argmax(1) == label).double() for batch, label in pairs]
    return float(torch.cat(right).mean())
