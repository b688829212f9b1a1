"""Tiny networks that see, as torchvision writes them and as ours: milliseconds a picture."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.checkpoints.layouts import LAYOUTS, Found
from priorfit.networks.generator import Discriminator
from priorfit.networks.initialise import initialise, initialised
from priorfit.networks.pretrained import build_stored

FIRES = ((2, 3, 4), (3, 4, 3), (2, 4, 4), (3, 3, 4), (2, 5, 3), (3, 4, 4), (2, 3, 5), (3, 4, 3))


class PlainFire(nn.Module):
    def __init__(self, inside: int, few: int, ones: int, threes: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inside, few, 1)
        self.expand1x1 = nn.Conv2d(few, ones, 1)
        self.expand3x3 = nn.Conv2d(few, threes, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.squeeze(x))
        return torch.cat([torch.relu(self.expand1x1(x)), torch.relu(self.expand3x3(x))], 1)


class PlainClassifier(nn.Module):
    """A classifier with the modules, and so the names, of torchvision's."""

    def __init__(self, features: nn.Sequential, grid: int, classifier: nn.Sequential) -> None:
        super().__init__()
        self.features, self.grid, self.classifier = features, grid, classifier

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        if self.grid:
            return self.classifier(F.adaptive_avg_pool2d(x, self.grid).flatten(1))
        return self.classifier(x).flatten(1)


def plain_vgg(counts: Sequence[int]) -> PlainClassifier:
    layers: list[nn.Module] = []
    inside = 3
    for level, count in enumerate(counts):
        for place in range(count):
            outside = 3 + level + place
            layers += [nn.Conv2d(inside, outside, 3, padding=1), nn.ReLU()]
            inside = outside
        layers.append(nn.MaxPool2d(2, 2))
    return _seeded(PlainClassifier(nn.Sequential(*layers), 7, _deciding(inside * 49, 0)))


def plain_alexnet() -> PlainClassifier:
    def pool() -> nn.Module:
        return nn.MaxPool2d(3, 2)

    layers = [
        *(nn.Conv2d(3, 4, 11, 4, 2), nn.ReLU(), pool(), nn.Conv2d(4, 5, 5, padding=2), nn.ReLU()),
        *(pool(), nn.Conv2d(5, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 5, 3, padding=1)),
        *(nn.ReLU(), nn.Conv2d(5, 4, 3, padding=1), nn.ReLU(), pool()),
    ]
    return _seeded(PlainClassifier(nn.Sequential(*layers), 6, _deciding(4 * 36, 1)))


def plain_squeezenet() -> PlainClassifier:
    layers: list[nn.Module] = [nn.Conv2d(3, 4, 3, stride=2), nn.ReLU()]
    inside = 4
    for place, widths in enumerate(FIRES):
        if place in (0, 2, 4):
            layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
        layers.append(PlainFire(inside, *widths))
        inside = widths[1] + widths[2]
    head = (nn.Dropout(), nn.Conv2d(inside, 5, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    return _seeded(PlainClassifier(nn.Sequential(*layers), 0, nn.Sequential(*head)))


def _deciding(inside: int, dropouts: int) -> nn.Sequential:
    """Three linear layers at torchvision's numbers, which begin with dropout in AlexNet."""
    numbers = {0: (0, 3, 6), 1: (1, 4, 6)}[dropouts]
    layers = [nn.Linear(inside, 6), nn.Linear(6, 7), nn.Linear(7, 5)]
    modules = {str(n): layer for n, layer in zip(numbers, layers, strict=True)}
    modules |= {str(numbers[0] + 1): nn.ReLU(), str(numbers[1] + 1): nn.ReLU()}
    return nn.Sequential(OrderedDict(sorted(modules.items())))


def _seeded(network: nn.Module) -> nn.Module:
    """Filled so that features neither vanish nor grow with depth."""
    initialise(network, torch.Generator().manual_seed(1))
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.mul_(2.4 if name.endswith("weight") else 1)
    return network.double().eval().requires_grad_(False)


PLAIN = {
    "vgg16": plain_vgg((2, 2, 3, 3, 3)),
    "vgg19": plain_vgg((2, 2, 4, 4, 4)),
    "alexnet": plain_alexnet(),
    "squeezenet1_1": plain_squeezenet(),
}


def ours(tensors: dict[str, Tensor], **settings: str) -> nn.Module:
    """Our network from tensors in a published layout, in float64."""
    found = Found(tensors, settings=settings)
    layout = next(layout for layout in LAYOUTS if layout.recognises(found))
    stored = layout.convert(found)
    network = build_stored(stored).double()
    network.load_state_dict(stored.tensors)  # which built() rounded to float32
    return network


class TinyDiscriminator(Discriminator):
    """Three features of an 8×8 picture, the last one without pixels."""

    kind = "tiny-discriminator"
    size = (8, 8)

    def __init__(self) -> None:
        super().__init__(None)
        self.fine = nn.Conv2d(3, 4, 3, padding=1)
        self.coarse = nn.Conv2d(4, 5, 3, stride=2, padding=1)

    def features(self, image: Tensor) -> list[Tensor]:
        fine = F.leaky_relu(self.fine(image), 0.2)
        coarse = F.leaky_relu(self.coarse(fine), 0.2)
        return [fine, coarse, coarse.sum((2, 3))]


def tiny_discriminator() -> TinyDiscriminator:
    network = initialised(TinyDiscriminator, torch.Generator().manual_seed(2))
    return network.double().eval().requires_grad_(False)
