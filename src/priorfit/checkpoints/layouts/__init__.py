"""Every layout that can be imported, the more particular ones first."""

from priorfit.checkpoints.layouts import features, lpips, stylegan2
from priorfit.checkpoints.layouts.layout import Found, Layout

__all__ = ["Found", "Layout", "LAYOUTS"]

LAYOUTS: tuple[Layout, ...] = (
    *stylegan2.LAYOUTS,
    *lpips.LAYOUTS,
    *features.LAYOUTS,
)
