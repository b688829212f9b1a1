"""Tiny photographs and networks to train: milliseconds a step."""

import dataclasses

import torch

from priorfit.networks.classifier import Classifier, ClassifierConfig
from priorfit.networks.initialise import initialised
from priorfit.train.data import Photographs
from priorfit.train.families import FAMILIES, Pair
from priorfit.train.judge import Judge


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def photographs(count: int = 24, size: int = 8, seed: int = 0) -> Photographs:
    """Of one pinkish colour, with a little noise; every second one is of another class."""
    level = torch.tensor([200.0, 60.0, 120.0])[:, None, None]
    images = level + 10 * torch.randn(count, 3, size, size, generator=noise(seed))
    levels = images.clamp(0, 255).byte().contiguous(memory_format=torch.channels_last)
    return Photographs(levels, torch.arange(count) % 2, ("odd", "even"))


def pair(family: str, size: int = 8, classes: int = 2, **game) -> Pair:
    """Networks of four channels and more, whose average forgets soon."""
    made = FAMILIES[family](size, classes, 4)
    settings = {"batch": 4, "half_life": 50.0} | game
    return dataclasses.replace(made, game=dataclasses.replace(made.game, **settings))


def colour(images: torch.Tensor) -> torch.Tensor:
    """Features that a judge can go by: the mean of each channel."""
    return images.mean((2, 3))


def judge(of: Photographs | None = None) -> Judge:
    return Judge(colour, (of or photographs()).images, name="means", against="these")


def classifier(size: int = 16, classes: int = 2) -> Classifier:
    return initialised(lambda: Classifier(ClassifierConfig(size, classes, 4, 3)), noise()).eval()
