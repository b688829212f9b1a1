"""Zero-Shot Noise2Noise, a small network fitted to two halves of one noisy picture [mansour2023]_.

No deep image prior: a comparator that is run by the same loop.
"""

from priorfit.networks.zero_shot import ZeroShotDenoiser
from priorfit.priors.inputs import Observed
from priorfit.recipes.dip.parts import FASTEST
from priorfit.recipes.dip.setting import Setting
from priorfit.recipes.method import Cited
from priorfit.terms.data import NoisyPair

_NOTEBOOK = "the authors' notebook"


def _rate(step: int) -> float:
    return 0.001 * 0.5 ** (step // 1500)


DENOISE = Setting(
    about="white noise, by Zero-Shot Noise2Noise: a small network, for comparison",
    task="denoise",
    network=Cited(ZeroShotDenoiser, f"{_NOTEBOOK}: chan_embed = 48, LeakyReLU of 0.2"),
    inputs=Cited([Observed()], "[mansour2023]_: f is fed the noisy picture"),
    rate=Cited(_rate, f"{_NOTEBOOK}: lr = 0.001, halved after step_size = 1500"),
    steps=Cited(2000, f"{_NOTEBOOK}: max_epoch = 2000"),
    objective=Cited(NoisyPair(), "[mansour2023]_: residual and consistency loss"),
    filters=Cited([], f"{_NOTEBOOK}: the last output is the result"),
    longest=Cited(2000, f"{_NOTEBOOK}: max_epoch = 2000"),
    precision=FASTEST,
    published=True,
)
