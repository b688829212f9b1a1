"""Zero-Shot Noise2Noise [mansour2023]_, to compare with."""

from priorfit.recipes.family import Family
from priorfit.recipes.zs_n2n.denoise import DENOISE

FAMILY = Family(
    "zs-n2n",
    "Zero-Shot Noise2Noise: a small network learns to turn one half of the picture into the other",
    methods={"zs-n2n/denoise": DENOISE},
)
