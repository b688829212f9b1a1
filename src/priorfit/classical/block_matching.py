"""Denoising by block matching and collaborative filtering [dabov2007]_, on tensors.

Written from the paper. Blocks of 8×8 pixels at every third place are stacked with the ones that
look most alike, each stack is filtered in three dimensions (a cosine transform of the blocks, a
Hadamard transform across them), and the blocks are averaged where they overlap: first with a hard
threshold, then, on stacks found in that first estimate, with Wiener's filter.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.profiler import record_function

from priorfit.types import Image

BOUNDED = "work on no more than so many pixels at once"
"""Under this name profilers see block matching, with the number of pixels beside it."""

_SIDE = 8
_THRESHOLD = 2.7
"""Of coefficients, in standard deviations of the noise [dabov2007]_."""

_AT_ONCE = 4096
"""Stacks filtered together."""


@dataclass(frozen=True)
class BlockMatching:
    """What is looked for, and where.

    Args:
        reach: pixels to either side of a block in which its like is looked for.
        alike: blocks to a stack in the first pass; a power of two.
        alike_again: likewise in the second.
        stride: pixels between the blocks whose like is looked for.
        places: of blocks that are looked at together, in bands of rows: what bounds the memory.
    """

    reach: int = 12
    alike: int = 16
    alike_again: int = 32
    stride: int = 3
    places: int = 65_536

    @torch.no_grad()
    def __call__(self, image: Image, std: float) -> Image:
        """Denoise (B, C, H, W) of white noise of standard deviation `std`.

        Of three channels, what is common to them comes first, and tells what is alike.
        """
        with record_function(BOUNDED, str(self.places)):
            return torch.stack([self._one(picture, std) for picture in image])

    def _one(self, picture: Tensor, std: float) -> Tensor:
        _, height, width = picture.shape
        noisy = _turned(picture)
        first = self._pass(noisy, None, std, self.alike)
        second = self._pass(noisy, first, std, self.alike_again)
        back = torch.einsum("oc,ohw->chw", _opponent(len(picture)).to(picture), second)
        return back[:, :height, :width]

    def _pass(self, noisy: Tensor, first: Tensor | None, std: float, alike: int) -> Tensor:
        places = noisy.shape[-2] - _SIDE + 1
        image, counts = torch.zeros_like(noisy), torch.zeros_like(noisy)
        for rows in _places(places, self.stride).split(self._rows(noisy.shape[-1])):
            top = max(0, int(rows[0]) - self.reach)
            band = slice(top, min(places, int(rows[-1]) + self.reach + 1) + _SIDE - 1)
            hint = None if first is None else first[:, band]
            blocks, count = self._band(noisy[:, band], hint, std, alike, rows - top)
            image[:, band] += blocks
            counts[:, band] += count
        return image / counts.clamp_min(torch.finfo(noisy.dtype).tiny)

    def _rows(self, width: int) -> int:
        """Rows of blocks whose like is looked for at once."""
        return max(4, (self.places // width - 2 * self.reach) // self.stride)

    def _band(
        self, noisy: Tensor, first: Tensor | None, std: float, alike: int, rows: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Sums of the filtered blocks, and of their weights, for references in these rows."""
        looked_at = noisy[0] if first is None else first[0]
        stacks = _stacks(looked_at, rows, self.reach, alike, self.stride)
        spectra = _spectra(noisy)
        hints = None if first is None else _spectra(first)
        gathered, weights = torch.zeros_like(spectra), torch.zeros_like(spectra[..., 0])
        mix = _hadamard(stacks.shape[1]).to(noisy)
        for some in stacks.split(_AT_ONCE):
            stack = torch.einsum("mn,rncp->rmcp", mix, spectra[some])
            if hints is None:
                stack, weight = _cut(stack, std)
            else:
                stack, weight = _shrunk(stack, torch.einsum("mn,rncp->rmcp", mix, hints[some]), std)
            blocks = torch.einsum("mn,rmcp->rncp", mix, stack) * weight[:, None, :, None]
            where = some.flatten()
            gathered.index_add_(0, where, blocks.flatten(0, 1))
            each = weight[:, None].expand(-1, some.shape[1], -1).flatten(0, 1)
            weights.index_add_(0, where, each)
        return _laid_back(gathered, weights, noisy)


def _turned(picture: Tensor) -> Tensor:
    """(C, H, W) in colours that do not depend on each other, no side shorter than a block."""
    channels, height, width = picture.shape
    spare = [0, max(0, _SIDE - width), 0, max(0, _SIDE - height)]
    padded = F.pad(picture[None], spare, mode="replicate")[0]
    return torch.einsum("oc,chw->ohw", _opponent(channels).to(picture), padded)


def _cut(stack: Tensor, std: float) -> tuple[Tensor, Tensor]:
    """Set small coefficients to zero; a stack counts the more the fewer are left."""
    kept = stack.abs() > _THRESHOLD * std
    kept[:, 0, :, 0] = True  # the mean of a stack is no noise
    return stack * kept, 1 / kept.sum((1, 3)).to(stack)


def _shrunk(stack: Tensor, hint: Tensor, std: float) -> tuple[Tensor, Tensor]:
    """Wiener's filter with the first estimate in place of the truth."""
    energy = hint.square()
    share = energy / (energy + std**2)
    share[:, 0, :, 0] = 1  # as above
    return stack * share, 1 / share.square().sum((1, 3)).clamp_min(1e-6)


def _stacks(plane: Tensor, rows: Tensor, reach: int, alike: int, stride: int) -> Tensor:
    """Places of the blocks most like those in some rows: (R, N), row·columns + column."""
    height, width = (side - _SIDE + 1 for side in plane.shape)
    rows, columns = rows.to(plane.device), _places(width, stride).to(plane.device)
    span = torch.arange(-reach, reach + 1, device=plane.device)
    far = F.pad(plane, [reach] * 4)
    fits = (columns + span[:, None] >= 0) & (columns + span[:, None] < width)  # (span, columns)
    distances = []
    for down in range(2 * reach + 1):
        # All shifts along a row at once: (span, height of the picture, its width).
        others = far[down : down + plane.shape[0]].unfold(1, plane.shape[1], 1).transpose(0, 1)
        differences = (plane - others).square()
        tall = F.avg_pool2d(differences, (_SIDE, 1), stride=1)[:, rows]
        apart = F.avg_pool2d(tall, (1, _SIDE), stride=1)[..., columns]
        inside = (rows + down - reach >= 0) & (rows + down - reach < height)
        distances.append(apart.where(inside[:, None] & fits[:, None], math.inf))
    # A block in a corner has the fewest others around it.
    fewest = min(reach + 1, height) * min(reach + 1, width)
    available = min(alike, 2 ** int(math.log2(fewest)))
    nearest = torch.cat(distances).flatten(1).topk(available, dim=0, largest=False).indices
    steps = (span[:, None] * width + span).flatten()
    own = (rows[:, None] * width + columns).flatten()
    return (own + steps[nearest]).T.contiguous()  # nearest is (N, R)


def _places(side: int, stride: int) -> Tensor:
    """Every `stride`-th place, the last one too."""
    places = torch.arange(0, side, stride)
    return places if places[-1] == side - 1 else torch.cat([places, torch.tensor([side - 1])])


def _spectra(image: Tensor) -> Tensor:
    """Cosine transform of the block at every place: (C, H, W) -> (places, C, 64)."""
    blocks = F.unfold(image[:, None], _SIDE)  # (C, 64, places)
    return torch.einsum("kp,cpn->nck", _cosines().to(image), blocks).contiguous()


def _laid_back(gathered: Tensor, weights: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """Add the filtered blocks up where they lie, and their weights, which fall at their borders."""
    window = torch.kaiser_window(_SIDE, periodic=False, beta=2.0).to(like)
    window = torch.outer(window, window).flatten()
    blocks = torch.einsum("kp,nck->cpn", _cosines().to(like), gathered) * window[None, :, None]
    counts = weights.T[:, None] * window[None, :, None]
    size = (like.shape[-2], like.shape[-1])
    return F.fold(blocks, size, _SIDE)[:, 0], F.fold(counts, size, _SIDE)[:, 0]


def _cosines() -> Tensor:
    """Orthonormal cosine transform of a flattened block, (64, 64)."""
    k = torch.arange(_SIDE, dtype=torch.float64)
    basis = torch.cos(math.pi / _SIDE * k[:, None] * (k + 0.5)) * math.sqrt(2 / _SIDE)
    basis[0] /= math.sqrt(2)
    return torch.kron(basis, basis).float()


def _hadamard(count: int) -> Tensor:
    """Orthonormal Hadamard matrix of a power of two, its own inverse."""
    matrix = torch.ones(1, 1)
    while len(matrix) < count:
        matrix = torch.kron(torch.tensor([[1.0, 1.0], [1.0, -1.0]]), matrix)
    return matrix / math.sqrt(count)


def _opponent(channels: int) -> Tensor:
    """Orthonormal colours: lightness first, so that noise stays white; others stay as they are."""
    if channels != 3:
        return torch.eye(channels)
    rows = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]])
    return rows / rows.norm(dim=1, keepdim=True)
