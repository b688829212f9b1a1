"""What stands beside a result: its guide and the cheap alternatives, measured alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch

from priorfit.guarantee.comparators import AS_IT_WAS, Alternative, verdict
from priorfit.images import Picture
from priorfit.records.sidecar import Guide, Measured, Sidecar
from priorfit.runs.measure import peak_units, scores
from priorfit.types import Image


@dataclass(frozen=True, eq=False)
class Beside:
    """Other pictures of the scene.

    Args:
        guide: name and image of the estimate that the network was shown, if there was one.
        cheap: the alternatives.
    """

    guide: tuple[str, Image] | None = None
    cheap: Sequence[Alternative] = field(default_factory=tuple)

    @property
    def images(self) -> dict[str, Image]:
        """By name, without the damaged picture; an alternative that is the guide is there once."""
        shown = {} if self.guide is None else dict([self.guide])
        others = {each.name: each.image.cpu() for each in self.cheap if self._new(each)}
        return {**others, **shown}

    def _new(self, other: Alternative) -> bool:
        guides = self.guide is not None and torch.equal(self.guide[1], other.image.cpu())
        return other.name != AS_IT_WAS.name and not guides


def judged(
    sidecar: Sidecar,
    result: Image,
    reference: Image | None,
    beside: Beside,
    *,
    on_luma: bool,
    like: Picture,
) -> Sidecar:
    """Add the metrics of a result, of its guide and of the alternatives, and a word on who is best.

    Args:
        sidecar: of the result.
        result: (1, C, H, W).
        reference: likewise, if there is one.
        beside: what the result is compared with.
        on_luma: whether the luma is measured too, and decides.
        like: the picture that is restored.
    """
    peak = None if reference is None else peak_units(reference, like)

    def measure(image: Image) -> dict[str, float]:
        if reference is None or image.shape != reference.shape:
            return {}
        return scores(image, reference, on_luma=on_luma, peak=peak)

    ours = measure(result)
    update: dict[str, object] = {"metrics": ours}
    if peak is not None and not peak.is_identity:
        scale = like.scale
        ends = [scale.low + scale.span * end for end in (peak.low, peak.high)]
        update["peak"] = tuple(ends)
    if beside.guide is not None:
        name, image = beside.guide
        update["guide"] = Guide(name=name, metrics=measure(image))
    cheap = [
        Measured(name=each.name, seconds=round(each.seconds, 3), metrics=measure(each.image.cpu()))
        for each in beside.cheap
    ]
    update["alternatives"] = tuple(cheap)
    said = compared(ours, {each.name: each.metrics for each in cheap})
    update["notes"] = (*sidecar.notes, *([] if said is None else [said]))
    return sidecar.model_copy(update=update)


def compared(ours: Mapping[str, float], others: Mapping[str, Mapping[str, float]]) -> str | None:
    """The verdict on metrics: by the PSNR of the luma where there is one, else of all channels.

    Returns:
        None where there is nothing to say, or nothing to measure against.
    """
    key = "psnr_y" if "psnr_y" in ours else "psnr"
    if key not in ours:
        return None
    return verdict(ours[key], {name: m[key] for name, m in others.items() if key in m})
