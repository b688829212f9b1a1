"""A training that starts from trained networks, of its own size or smaller.

What a smaller network has learnt stands in the layers of a larger one that see as few pixels. Where
the networks grow, the new layers fade in. Elsewhere they first learn, by imitation, what it takes
to go on as the smaller network did: photographs would undo the rest before they had.
"""

import re
from collections.abc import Iterable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.errors import ProblemError
from priorfit.networks.generator import Discriminator
from priorfit.networks.generator import Generator as Drawing
from priorfit.train.generator import Training
from priorfit.train.ready import ready
from priorfit.types import Image

IMITATED = 6_400
"""Drawings that new layers learn from before the training begins."""

_RATE = 2e-3  # of Adam meanwhile
_FROM_IMAGE = re.compile(r"^(blocks|from_coarser)\.(\d+)\.|^(from_image)\.")


def start(
    training: Training,
    generator: Drawing,
    discriminator: Discriminator,
    imitated: int = IMITATED,
) -> None:
    """Give a training that has not begun what trained networks know.

    Args:
        training: its networks are changed.
        generator: trained, of the same family and size, or smaller.
        discriminator: trained with it.
        imitated: drawings that new layers learn from.

    Raises:
        ProblemError: nothing of the networks fits.
    """
    pairs: tuple[tuple[nn.Module, nn.Module], ...] = (
        (training.generator, generator),
        (training.discriminator, discriminator),
    )
    for network, trained in pairs:
        _check(network, trained)
    new = carry(training.generator, generator.state_dict())
    unsure = carry(training.discriminator, coarse(discriminator, training.discriminator))
    if (new or unsure) and training.game.growing is None:
        _imitate(training, (generator, new), (discriminator, unsure), imitated)
    training.generator.requires_grad_(True)
    training.average.network.load_state_dict(training.generator.state_dict())


def carry(network: nn.Module, tensors: Mapping[str, Tensor]) -> set[str]:
    """Copy into a network what fits it: same name and shape, or fewer rows, the first ones.

    Args:
        network: changed.
        tensors: of a trained one.

    Returns:
        Names of the tensors that have not got all of their numbers from there.
    """
    mine = network.state_dict()
    left = set(mine)
    for name, tensor in tensors.items():
        if name not in mine:
            continue
        place = mine[name]
        if place.shape == tensor.shape:
            place.copy_(tensor)
            left.discard(name)
        elif place.shape[1:] == tensor.shape[1:] and len(place) > len(tensor):
            place[: len(tensor)].copy_(tensor)
    return left


def coarse(smaller: Discriminator, larger: Discriminator) -> dict[str, Tensor]:
    """State of a discriminator under the names that its layers have in a larger one.

    Discriminators count their layers from the image on; the larger one has some before them.
    """
    more = larger.size[0].bit_length() - smaller.size[0].bit_length()

    def renamed(found: re.Match[str]) -> str:
        if found[3]:
            return f"from_coarser.{more - 1}." if more else "from_image."
        return f"{found[1]}.{int(found[2]) + more}."

    return {_FROM_IMAGE.sub(renamed, name): t for name, t in smaller.state_dict().items()}


def _check(network: nn.Module, trained: nn.Module) -> None:
    """Refuse to start from a network that this one cannot have grown out of."""
    assert isinstance(network, Drawing | Discriminator)
    assert isinstance(trained, Drawing | Discriminator)
    mine, its = (
        (net.kind, f"{net.size[1]}×{net.size[0]} pixels", f"{net.classes} classes")
        for net in (network, trained)
    )
    fits = mine[0] == its[0] and mine[2] == its[2] and trained.size <= network.size
    if not fits:
        raise ProblemError(
            f"expected a {mine[0]} of {mine[2]} and at most {mine[1]} to start from, got a "
            f"{its[0]} of {its[2]} and {its[1]}"
        )
    if isinstance(network, Drawing) and isinstance(trained, Drawing):
        if network.z_dim < trained.z_dim:
            raise ProblemError(
                f"expected a generator of {network.z_dim} latent numbers or fewer to start from, "
                f"got one of {trained.z_dim}: train a wider one by --width"
            )


def _imitate(
    training: Training,
    drawing: tuple[Drawing, set[str]],
    judging: tuple[Discriminator, set[str]],
    images: int,
) -> None:
    """Teach the new layers to draw and to see as the trained networks do, and nothing else."""
    (small, new), (knowing, unsure) = drawing, judging
    small = ready(small).requires_grad_(False)  # its norms go by the batch, as the larger one's
    optimizers = [
        _learning(training.generator, new),
        _learning(training.discriminator, unsure),
    ]
    for _ in range(max(1, images // training.game.batch)):
        learnt = training.batches.next()
        assert learnt.labels is not None
        z = training.latents()
        with training.arithmetic():
            drawn, goal = _draw(training.generator, small, z, learnt.labels)
            seen = torch.cat([learnt.images[::2], drawn.detach()[1::2]])
            losses = (
                (drawn.float() - goal).square().mean(),
                _unlike(training.discriminator, knowing, seen),
            )
        for optimizer, loss in zip(optimizers, losses, strict=True):
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()


def _learning(network: nn.Module, names: Iterable[str]) -> torch.optim.Adam:
    """Adam over the named parameters alone; the others do not learn."""
    network.requires_grad_(False)
    found = [p.requires_grad_() for name, p in network.named_parameters() if name in names]
    return torch.optim.Adam(found, _RATE, (0.0, 0.99))


def _draw(large: Drawing, small: Drawing, z: Tensor, labels: Tensor) -> tuple[Image, Image]:
    """Drawings of both, those of the smaller one enlarged."""
    with torch.no_grad():
        known = small.embed(labels) if small.classes else None
        goal = small.draw(small.map(z[:, : small.z_dim], known), known).float()
        goal = F.interpolate(goal, large.size, mode="bicubic").clamp(-1, 1)
    c = large.embed(labels) if large.classes else None
    return large.draw(large.map(z, c), c), goal


def _unlike(large: Discriminator, small: Discriminator, image: Image) -> Tensor:
    """How much the features of both differ, beside how large they are."""
    with torch.no_grad():
        goals = small.features(F.interpolate(image, small.size, mode="area"))
    known, found = _by_side(goals), _by_side(large.features(image))
    differences = [
        (found[side] - goal).square().mean() / goal.square().mean().clamp_min(1e-8)
        for side, goal in known.items()
    ]
    return torch.stack(differences).sum()


def _by_side(features: Iterable[Tensor]) -> dict[torch.Size, Tensor]:
    """The last features of each size; those that are pooled have none."""
    return {one.shape[2:]: one.float() for one in features}
