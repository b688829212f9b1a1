"""Every layout that can be imported, the more particular ones first."""

from priorfit.checkpoints.layouts import (
    biggan,
    biggan_deep,
    encoder,
    features,
    lpips,
    pggan,
    rosinality,
    stylegan,
    stylegan2,
    stylegan3,
    stylegan_discriminator,
)
from priorfit.checkpoints.layouts.layout import Found, Layout

__all__ = ["Found", "Layout", "LAYOUTS"]

LAYOUTS: tuple[Layout, ...] = (
    *stylegan2.LAYOUTS,
    *rosinality.LAYOUTS,
    *stylegan3.LAYOUTS,
    *stylegan.LAYOUTS,
    *stylegan_discriminator.LAYOUTS,
    *pggan.LAYOUTS,
    *encoder.LAYOUTS,
    *biggan.LAYOUTS,
    *biggan_deep.LAYOUTS,
    *lpips.LAYOUTS,
    *features.LAYOUTS,
)
