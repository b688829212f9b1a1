"""Pictures drawn again from code files."""

from pathlib import Path

import torch

from priorfit import recipes
from priorfit.errors import CodeError, ProblemError
from priorfit.networks.generator import Generator
from priorfit.priors.framing import Frame
from priorfit.priors.latent import LatentPrior
from priorfit.recipes.method import GENERATOR, checkpoint_named
from priorfit.records.code_file import CodeFile, read_code
from priorfit.tasks.device import device_named
from priorfit.types import Image

_FAMILY = "latent"


def draw_code(
    code: CodeFile | Path,
    generator: str | None = None,
    *,
    on: Image | None = None,
    device: str = "cpu",
) -> Image:
    """Draw the picture of a code, (1, C, H, W), with the generator that it was found with.

    Args:
        code: or its file.
        generator: name of the checkpoint, or its folder; the one that the file names by default.
        on: (1, C, H, W), the picture that it was found from, for codes that do not draw all of it.
        device: cpu, cuda, cuda:N, mps or auto.

    Raises:
        CodeError: the file is damaged, or another network or family has made it.
        CheckpointError: the generator is not here.
        ProblemError: the code is not one of this generator.
    """
    path = code if isinstance(code, Path) else None
    found = read_code(code) if isinstance(code, Path) else code
    name = found.checkpoint.name if generator is None else generator
    try:
        found.check(_FAMILY, checkpoint_named(name))
        kit = recipes.Kit(device_named(device), {GENERATOR: name})
        prior = LatentPrior(kit.network(Generator, name), found.space, tunes=_tunes(found))
        return _drawn(prior, found, on).clamp(0, 1).cpu()
    except (CodeError, ProblemError) as error:
        raise type(error)(str(error) if path is None else f"{path}: {error}") from error


@torch.no_grad()
def _drawn(prior: LatentPrior, found: CodeFile, on: Image | None) -> Image:
    device = next(prior.generator.parameters()).device
    drawing = prior.draw(prior.completed({n: t.to(device) for n, t in found.parts.items()}))
    if found.framing is None:
        return drawing
    frame = Frame.from_json(dict(found.framing))
    return frame.outward(drawing, None if on is None else on.to(drawing))


def _tunes(found: CodeFile) -> bool:
    return any(name.startswith(f"{GENERATOR}.") for name in found.parts)
