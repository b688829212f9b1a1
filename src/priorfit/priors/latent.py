"""A trained generator: the image is what it draws from a latent."""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from priorfit.code import part
from priorfit.errors import ProblemError
from priorfit.networks.biggan import BigGan, InstanceNorms
from priorfit.networks.biggan_norms import InstanceNorm
from priorfit.networks.generator import Generator
from priorfit.networks.weights import frozen
from priorfit.noise import Noise
from priorfit.priors.base import Prior, StoredCode
from priorfit.priors.framing import Frame, Framing, padded
from priorfit.priors.starts import Drawn, Start, like_drawn
from priorfit.problem import Problem
from priorfit.types import Code, Image, Shape

GENERATOR = "generator"
"""Part of a code: weights of the generator, where a stage tunes them."""

NORMS = "norms"
"""Part of a code: gains and biases of the instance norms that a BigGAN is drawn with, if it is."""

SHAPE, REST = "shape", "rest"
"""Parts of a code that say where the drawing goes: (C, H, W) of the image, and what is around it.
"""

PLACE = (SHAPE, REST)

_ANY = Drawn()


class LatentPrior(Prior):
    """x = G(latent), laid on the image by a framing.

    Parts of the code, by space: for z, `z`, (B, Z), and, where the generator knows classes, `c`,
    (B, E), the embedding of one; for w, `w`, (B, 1, W); for w+, `w`, (B, L, W). Where weights are
    tuned `generator.*`, (B, ...), one copy an image; with instance norms `norms.*`. Where the
    image is of another shape than the drawing `shape`, (B, 3), and `rest`, what is not drawn, if
    there is any.

    Args:
        generator: G, on the device of the observations; what is kept is a copy.
        space: `z`, `w` or `w+`, of those that the generator has.
        begin: where a fit begins.
        tunes: whether the code holds the weights of the generator, for stages to tune them as they
            are stored; else G stands still, and is computed once for all that can be, see `frozen`.
        framing: how an image of another shape than the drawing is drawn.
        instance_norms: whether a BigGAN is drawn with instance norms in place of its own, made so
            that the first drawing is the same. Released: use_in, for squared errors [pan2020]_.

    Raises:
        ProblemError: there is no such space, or this is no BigGAN to be given instance norms; when
            started, that the image cannot be drawn.
    """

    still = (*PLACE, GENERATOR, NORMS)

    def __init__(
        self,
        generator: Generator,
        space: str = "z",
        *,
        begin: Start = _ANY,
        tunes: bool = False,
        framing: Framing = padded,
        instance_norms: bool = False,
    ) -> None:
        if space not in generator.spaces:
            known = ", ".join(generator.spaces)
            raise ProblemError(f"this generator has latents in {known}, got '{space}'")
        if instance_norms and not (isinstance(generator, BigGan) and space == "z"):
            name = type(generator).__name__
            raise ProblemError(f"instance norms are for a BigGAN and its z, got {name}, {space}")
        kept: Any = copy.deepcopy(generator) if tunes else frozen(generator)
        kept = kept.requires_grad_(False).eval()
        self.generator: Generator = kept.to(memory_format=torch.channels_last)
        self.space, self.begin, self.tunes, self.framing = space, begin, tunes, framing
        self.instance_norms = instance_norms
        self._drawing = _Drawing(self.generator, space)

    @torch.no_grad()
    def start(self, problem: Problem, noise: Noise) -> Code:
        place = self._place(problem)
        code = self.begin(_Latents(self, place), problem, noise)
        weights = dict(self._drawing.named_parameters()) if self.tunes else {}
        copies = {name: torch.stack([t] * len(problem)) for name, t in weights.items()}
        latents = {name: t for name, t in code.items() if name not in place}
        return latents | place | copies | self._norms(latents)

    def render(self, code: Code) -> Image:
        drawn = self.draw(code)
        if SHAPE not in code:
            return drawn
        channels, height, width = code[SHAPE][0].tolist()
        return self.frame((channels, height, width)).outward(drawn, code.get(REST))

    def draw(self, code: Code) -> Image:
        """What the generator draws of a code, (B, c, h, w), before it is laid on the image."""
        latent, c = (code["z"], code.get("c")) if self.space == "z" else (code["w"], None)
        weights, norms = part(code, GENERATOR), part(code, NORMS)
        if not weights:
            return self.generator.image(self._drawing(latent, c, _instance_norms(norms)))
        images = []
        for i in range(len(latent)):
            one = slice(i, i + 1)
            mine = _instance_norms({name: t[one] for name, t in norms.items()})
            told = (latent[one], None if c is None else c[one], mine)
            own = {name: tensor[i] for name, tensor in weights.items()}
            images.append(self.generator.image(functional_call(self._drawing, own, told)))
        return images[0] if len(images) == 1 else torch.cat(images)

    def keep(self, code: Code, shape: Shape) -> StoredCode:
        parts = {name: t.detach().clone() for name, t in code.items() if name not in PLACE}
        for name, weight in self._drawing.named_parameters():
            if name in parts and all(torch.equal(own, weight) for own in parts[name]):
                del parts[name]  # as in the checkpoint
        return StoredCode(self.space, parts, self.frame(shape).to_json())

    def completed(self, parts: Code) -> Code:
        """A code of which a file has some parts, with the weights that are as in the checkpoint.

        Raises:
            ProblemError: parts or shapes that no code of this prior has.
        """
        first = next(iter(parts.values()))
        weights = dict(self._drawing.named_parameters()) if self.tunes else {}
        own = {name: torch.stack([weight] * len(first)) for name, weight in weights.items()}
        latents = {name: tensor for name, tensor in parts.items() if name not in own}
        tuned = {name: tensor for name, tensor in parts.items() if name in own}
        for name, tensor in tuned.items():
            if tensor.shape != own[name].shape:
                expected, got = tuple(own[name].shape), tuple(tensor.shape)
                raise ProblemError(f"expected '{name}' of the shape {expected}, got {got}")
        return own | tuned | like_drawn(latents, _Latents(self, {}), len(first), first.device)

    def frame(self, shape: Shape) -> Frame:
        """How an image of a shape, (C, H, W), is drawn.

        Raises:
            ProblemError: it cannot be, or only in several drawings.
        """
        frame = self.framing(shape, self.drawn)
        if len(frame) != 1:
            raise ProblemError(f"a code draws one frame, and this framing has {len(frame)}")
        return frame

    @property
    def drawn(self) -> Shape:
        """(c, h, w) of what the generator draws."""
        return self.generator.drawn

    def code(self, z: Tensor, labels: Tensor) -> Code:
        """The latents of a code: of z, (B, Z), and of class numbers, (B,)."""
        c = self.generator.embed(labels) if self.generator.classes else None
        if self.space == "z":
            return {"z": z.clone()} if c is None else {"z": z.clone(), "c": c.clone()}
        return self.encoded(self.generator.map(z, c))

    def encoded(self, w: Tensor) -> Code:
        """The latents of a code: of w, (B, L, W).

        Raises:
            ProblemError: the space is z.
        """
        if self.space == "z":
            raise ProblemError("a code in z begins with z: expected the space w or w+")
        return {"w": (w[:, :1] if self.space == "w" else w).clone()}

    def _norms(self, latents: Code) -> Code:
        """Gains and biases of instance norms, two for each block, if there are to be any."""
        if not self.instance_norms:
            return {}
        assert isinstance(self.generator, BigGan)
        blocks = self.generator.instance_norms(latents["z"], latents.get("c"))
        return {
            f"{NORMS}.{block}.{place}.{name}": getattr(norm, name).clone()
            for block, pair in enumerate(blocks)
            for place, norm in enumerate(pair)
            for name in ("gain", "bias")
        }

    def _place(self, problem: Problem) -> Code:
        """The parts of a code that say where the drawing goes."""
        y, shape = problem.observation, problem.shape
        if shape == self.drawn:
            return {}
        frame = self.frame(shape)
        place = {SHAPE: torch.tensor(shape, device=y.device).repeat(len(y), 1)}
        if frame.is_whole:
            return place
        if tuple(y.shape[1:]) != shape:
            raise ProblemError(
                f"this generator draws images of shape {self.drawn}, and what it cannot draw of "
                f"{shape} is not observed: give it a picture of {self.drawn[0]} channels"
            )
        return place | {REST: y.clone()}


@dataclass(frozen=True)
class _Latents:
    """What a start works with: codes that know where their drawing goes."""

    prior: LatentPrior
    place: Code

    @property
    def z_dim(self) -> int:
        return self.prior.generator.z_dim

    @property
    def classes(self) -> int:
        return self.prior.generator.classes

    @property
    def dtype(self) -> torch.dtype:
        return next(self.prior.generator.parameters()).dtype

    def class_number(self, label: int | str) -> int:
        return self.prior.generator.class_number(label)

    def code(self, z: Tensor, labels: Tensor) -> Code:
        return self.prior.code(z, labels)

    def encoded(self, w: Tensor) -> Code:
        return self.prior.encoded(w)

    def seen(self, picture: Image) -> Image:
        shape = (picture.shape[1], picture.shape[2], picture.shape[3])
        return self.prior.frame(shape).inward(picture)

    def render(self, code: Code) -> Image:
        return self.prior.render(code | self.place)


class _Drawing(nn.Module):
    """A generator in one of its spaces; its parameters are called `generator.*`, as in a code."""

    def __init__(self, generator: Generator, space: str) -> None:
        super().__init__()
        self.generator, self.space = generator, space

    def forward(self, latent: Tensor, c: Tensor | None = None, norms: InstanceNorms = ()) -> Image:
        """What it draws, (B, c, h, w) in its range."""
        if norms:
            assert isinstance(self.generator, BigGan)
            return self.generator(latent, c, norms=norms)
        return self.generator(latent, c) if self.space == "z" else self.generator.draw(latent)


def _instance_norms(parts: Code) -> InstanceNorms:
    """Parts of a code that are called `norms.BLOCK.PLACE.gain` and `.bias`, as norms again."""
    blocks = range(len(parts) // 4)

    def one(block: int, place: int) -> InstanceNorm:
        name = f"{NORMS}.{block}.{place}"
        return InstanceNorm(parts[f"{name}.gain"], parts[f"{name}.bias"])

    return tuple((one(block, 0), one(block, 1)) for block in blocks)
