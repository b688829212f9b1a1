"""The published settings of Deep Image Prior, number for number [ulyanov2018]_.

Sources: the notebooks of the authors' repository, deep-image-prior@042e0d4. Where the released code
does not do what it says, docs/recipes.md tells.
"""

from dataclasses import replace
from functools import partial

from priorfit.loop.fit import Stage
from priorfit.loop.optimizers import lbfgs
from priorfit.loop.steps import Rewinding, Smoothed
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.networks.layers import bilinear, nearest
from priorfit.networks.pools import AVERAGE
from priorfit.networks.resnet import ResNet
from priorfit.networks.unet import UNet
from priorfit.priors.inputs import Companion, MeshGrid, UniformNoise
from priorfit.recipes.dip.setting import Setting
from priorfit.recipes.method import Cited, Method
from priorfit.terms.data import Mse

_DEFAULT_SCALES = [Scale(128, 128, skip=4, upsample=bilinear)] * 5

DENOISE = Setting(
    about="white noise of about 25/255, as published",
    task="denoise",
    network=Cited(
        partial(Hourglass, scales=_DEFAULT_SCALES),
        "denoising.ipynb: skip_n33d = skip_n33u = 128, skip_n11 = 4, num_scales = 5, bilinear",
    ),
    inputs=Cited([UniformNoise(32)], "denoising.ipynb: input_depth = 32, INPUT = 'noise'"),
    jitter=Cited(1 / 30, "denoising.ipynb: reg_noise_std = 1./30."),
    rate=Cited(0.01, "denoising.ipynb: LR = 0.01"),
    steps=Cited(3000, "denoising.ipynb: num_iter = 3000 (the paper's table: 1800)"),
    objective=Cited(Mse(), "denoising.ipynb: torch.nn.MSELoss"),
    filters=Cited(
        [partial(Rewinding, drop=5.0), partial(Smoothed, 0.99, released=True)],
        "denoising.ipynb: exp_weight = 0.99; backtracking at a fall of 5 dB",
    ),
    published=True,
)

DENOISE_LBFGS = replace(
    DENOISE,
    about="as dip/denoise-paper with the other optimiser that the authors' code offers",
    jitter=Cited(0.0, "LBFGS asks for a function that stands still"),
    steps=Cited(3100, "common_utils.py, optimize: num_iter after the 100 of Adam"),
    filters=Cited([], "none: LBFGS does not jump"),
    optimizer=lbfgs,
    warm_up=Cited(
        Stage(100, {"network": 0.001}, 1.0 * Mse()),
        "common_utils.py, optimize: 100 steps of Adam at 0.001 first",
    ),
    published=False,
)

DENOISE_50 = replace(
    DENOISE,
    about="white noise of about 50/255, as published",
    jitter=Cited(1 / 20, "denoising.ipynb: reg_noise_std for sigma 50, 1./20."),
)

DEJPEG = replace(
    DENOISE,
    about="compression artefacts, as published for the snail",
    task="dejpeg",
    network=Cited(
        partial(
            Hourglass,
            scales=[
                Scale(width, width, skip)
                for width, skip in zip((8, 16, 32, 64, 128), (0, 0, 0, 4, 4), strict=True)
            ],
        ),
        "denoising.ipynb: num_channels_down = [8, 16, 32, 64, 128], skip = [0, 0, 0, 4, 4]",
    ),
    inputs=Cited([UniformNoise(3)], "denoising.ipynb: input_depth = 3 for the snail"),
    steps=Cited(2400, "denoising.ipynb: num_iter = 2400"),
)

UPSCALE = Setting(
    about="four times larger, as published",
    task="upscale",
    network=Cited(
        partial(Hourglass, scales=_DEFAULT_SCALES),
        "super-resolution.ipynb: skip_n33d = skip_n33u = 128, skip_n11 = 4, num_scales = 5, "
        "bilinear",
    ),
    inputs=Cited([UniformNoise(32)], "super-resolution.ipynb: input_depth = 32"),
    jitter=Cited(0.03, "super-resolution.ipynb: reg_noise_std = 0.03 at factor 4"),
    rate=Cited(0.01, "super-resolution.ipynb: LR = 0.01"),
    steps=Cited(2000, "super-resolution.ipynb: num_iter = 2000 at factor 4"),
    objective=Cited(Mse(), "super-resolution.ipynb: mse, tv_weight = 0.0"),
    filters=Cited([], "super-resolution.ipynb: the last output is the result"),
    kernel=Cited("lanczos2", "super-resolution.ipynb: KERNEL_TYPE = 'lanczos2'"),
    published=True,
)

UPSCALE_8 = replace(
    UPSCALE,
    about="eight times larger, as published",
    jitter=Cited(0.05, "super-resolution.ipynb: reg_noise_std = 0.05 at factor 8"),
    steps=Cited(4000, "super-resolution.ipynb: num_iter = 4000 at factor 8"),
)

INPAINT_TEXT = Setting(
    about="text over a photograph, as published for kate",
    task="inpaint",
    network=Cited(
        partial(Hourglass, scales=[Scale(128, 128, skip=128, upsample=nearest)] * 5),
        "inpainting.ipynb: kate.png, down = up = skip = [128] * 5, nearest",
    ),
    inputs=Cited([UniformNoise(32)], "inpainting.ipynb: input_depth = 32"),
    jitter=Cited(0.03, "inpainting.ipynb: reg_noise_std = 0.03"),
    rate=Cited(0.01, "inpainting.ipynb: LR = 0.01"),
    steps=Cited(6001, "inpainting.ipynb: num_iter = 6001"),
    objective=Cited(Mse(), "inpainting.ipynb: mse(out * mask, img * mask)"),
    filters=Cited([], "inpainting.ipynb: the last output is the result"),
    published=True,
)

INPAINT_REGION = replace(
    INPAINT_TEXT,
    about="a region cut out, as published for the vase",
    network=Cited(
        partial(Hourglass, scales=[Scale(128, 128, upsample=nearest)] * 5),
        "inpainting.ipynb: vase.png, down = up = [128] * 5, skip = [0] * 5, nearest",
    ),
    inputs=Cited([MeshGrid()], "inpainting.ipynb: INPUT = 'meshgrid', input_depth = 2"),
    steps=Cited(5001, "inpainting.ipynb: num_iter = 5001"),
)


def _large_hole(depth: int) -> Setting:
    widths = (16, 32, 64, 128, 128, 128)[:depth]
    scale = partial(Scale, down_filter=5, up_filter=3, upsample=nearest, mix=False)
    return Setting(
        about=f"a large hole, as published for the library, {depth} scales",
        task="inpaint",
        network=Cited(
            partial(Hourglass, scales=[scale(width, width) for width in widths]),
            f"inpainting.ipynb: skip_depth{depth}, filter_size_down 5, up 3, need1x1_up = False",
        ),
        inputs=Cited([UniformNoise(1)], "inpainting.ipynb: input_depth = 1"),
        jitter=Cited(0.0, "inpainting.ipynb: reg_noise_std = 0 (param_noise is set, does nothing)"),
        rate=Cited(0.01, "inpainting.ipynb: LR = 0.01"),
        steps=Cited(3001, "inpainting.ipynb: num_iter = 3001"),
        objective=Cited(Mse(), "inpainting.ipynb: mse(out * mask, img * mask)"),
        filters=Cited([], "inpainting.ipynb: the last output is the result"),
        published=True,
    )


INPAINT_LARGE = _large_hole(6)
INPAINT_LARGE_4 = _large_hole(4)
INPAINT_LARGE_2 = _large_hole(2)

INPAINT_LARGE_NOISE = replace(
    INPAINT_LARGE,
    about="a large hole, with the noise on the weights that the notebook means and does not add",
    weight_noise=Cited(1 / 50, "inpainting.ipynb: param_noise, n.std() / 50, as it was meant"),
    published=False,
)

INPAINT_LARGE_UNET = replace(
    INPAINT_LARGE,
    about="a large hole, as published for the library, U-Net",
    network=Cited(
        partial(UNet, feature_scale=8, more_layers=1),
        "inpainting.ipynb: UNet, feature_scale = 8, more_layers = 1, concat_x = False",
    ),
    rate=Cited(0.001, "inpainting.ipynb: LR = 0.001 for UNet"),
)

INPAINT_LARGE_RESNET = replace(
    INPAINT_LARGE,
    about="a large hole, as published for the library, ResNet",
    network=Cited(
        partial(ResNet, blocks=8, width=32),
        "inpainting.ipynb: ResNet, 8 blocks of 32 channels",
    ),
    rate=Cited(0.001, "inpainting.ipynb: LR = 0.001 for ResNet"),
)

INPAINT_PIXELS = replace(
    INPAINT_TEXT,
    about="half of the pixels missing, as published for Barbara",
    network=Cited(
        partial(Hourglass, scales=_DEFAULT_SCALES),
        "restoration.ipynb: barbara, down = up = [128] * 5, skip = [4] * 5, bilinear",
    ),
    inputs=Cited([UniformNoise(32)], "restoration.ipynb: input_depth = 32"),
    jitter=Cited(0.03, "restoration.ipynb: reg_noise_std = 0.03"),
    rate=Cited(0.001, "restoration.ipynb: LR = 0.001"),
    steps=Cited(11000, "restoration.ipynb: num_iter = 11000"),
    filters=Cited([partial(Rewinding, drop=5.0)], "restoration.ipynb: backtracking at 5 dB"),
    objective=Cited(Mse(), "restoration.ipynb: mse(out * mask, img * mask)"),
)

INPAINT_SPARSE = replace(
    INPAINT_TEXT,
    about="98 % of the pixels missing, as published for kate",
    network=Cited(
        partial(
            Hourglass,
            scales=[Scale(w, w, downsampling=AVERAGE) for w in (16, 32, 64, 128, 128)],
        ),
        "restoration.ipynb: kate, down = up = [16, 32, 64, 128, 128], skip 0, bilinear, 'avg'",
    ),
    jitter=Cited(0.0, "restoration.ipynb: reg_noise_std = 0"),
    rate=Cited(0.01, "restoration.ipynb: LR = 0.01"),
    steps=Cited(1000, "restoration.ipynb: num_iter = 1000"),
    objective=Cited(Mse(), "restoration.ipynb: mse(out * mask, img * mask)"),
    filters=Cited([], "restoration.ipynb: the last output is the result"),
)

FUSE = replace(
    INPAINT_TEXT,
    about="flash and no-flash photographs of one scene, as published for the cave",
    task="fuse",
    network=Cited(
        partial(
            Hourglass,
            scales=[
                Scale(128, 128, skip=4, upsample=upsample)
                for upsample in (nearest, nearest, bilinear, bilinear, bilinear)
            ],
        ),
        "flash-no-flash.ipynb: [128] * 5, skip 4, ['nearest'] * 2 + ['bilinear'] * 3",
    ),
    inputs=Cited([Companion()], "flash-no-flash.ipynb: net_input = flash image"),
    jitter=Cited(0.0, "flash-no-flash.ipynb: reg_noise_std = 0.0"),
    rate=Cited(0.1, "flash-no-flash.ipynb: LR = 0.1"),
    steps=Cited(601, "flash-no-flash.ipynb: num_iter = 601"),
    objective=Cited(Mse(), "flash-no-flash.ipynb: mse(out, no-flash)"),
    filters=Cited([], "flash-no-flash.ipynb: the last output is the result"),
)

METHODS: dict[str, Method] = {
    "dip/denoise-paper": DENOISE,
    "dip/denoise-lbfgs": DENOISE_LBFGS,
    "dip/denoise50-paper": DENOISE_50,
    "dip/dejpeg-paper": DEJPEG,
    "dip/upscale-paper": UPSCALE,
    "dip/upscale-x8-paper": UPSCALE_8,
    "dip/inpaint-text-paper": INPAINT_TEXT,
    "dip/inpaint-region-paper": INPAINT_REGION,
    "dip/inpaint-large-paper": INPAINT_LARGE,
    "dip/inpaint-large-depth4-paper": INPAINT_LARGE_4,
    "dip/inpaint-large-depth2-paper": INPAINT_LARGE_2,
    "dip/inpaint-large-noise": INPAINT_LARGE_NOISE,
    "dip/inpaint-large-unet-paper": INPAINT_LARGE_UNET,
    "dip/inpaint-large-resnet-paper": INPAINT_LARGE_RESNET,
    "dip/inpaint-pixels-paper": INPAINT_PIXELS,
    "dip/inpaint-sparse-paper": INPAINT_SPARSE,
    "dip/fuse-paper": FUSE,
}
"""By name."""
