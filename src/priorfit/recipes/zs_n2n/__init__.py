"""Zero-Shot Noise2Noise [mansour2023]_, to compare with."""

from priorfit.recipes.method import Method
from priorfit.recipes.zs_n2n.denoise import DENOISE

METHODS: dict[str, Method] = {"zs-n2n/denoise": DENOISE}
"""By name."""
