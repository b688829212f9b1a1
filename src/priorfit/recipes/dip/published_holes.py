"""Deep Image Prior as published, number for number: holes, and flash photographs [ulyanov2018]_.

Sources: inpainting.ipynb, restoration.ipynb and flash-no-flash.ipynb of the authors' repository,
deep-image-prior@042e0d4. Where the released code does not do what it says, docs/recipes.md tells.
"""

from dataclasses import replace
from functools import partial

from priorfit.loop.steps import Rewinding
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.networks.layers import bilinear, nearest
from priorfit.networks.pools import AVERAGE
from priorfit.networks.resnet import ResNet
from priorfit.networks.unet import UNet
from priorfit.priors.inputs import Companion, MeshGrid, UniformNoise
from priorfit.recipes.dip.setting import Filters, Setting
from priorfit.recipes.method import Cited, Method
from priorfit.terms.data import Mse

_MASKED_MSE = Cited(Mse(), "inpainting.ipynb: mse(out * mask, img * mask)")
_LAST: Filters = Cited([], "inpainting.ipynb: the last output is the result")
_RATE = Cited(0.01, "inpainting.ipynb: LR = 0.01")

INPAINT_TEXT = Setting(
    about="text over a photograph, as published for kate",
    task="inpaint",
    network=Cited(
        partial(Hourglass, scales=[Scale(128, 128, skip=128, upsample=nearest)] * 5),
        "inpainting.ipynb: kate.png, down = up = skip = [128] * 5, nearest",
    ),
    inputs=Cited([UniformNoise(32)], "inpainting.ipynb: input_depth = 32"),
    jitter=Cited(0.03, "inpainting.ipynb: reg_noise_std = 0.03"),
    rate=_RATE,
    steps=Cited(6001, "inpainting.ipynb: num_iter = 6001"),
    objective=_MASKED_MSE,
    filters=_LAST,
    published=True,
)

INPAINT_REGION = Setting(
    about="a region cut out, as published for the vase",
    task="inpaint",
    network=Cited(
        partial(Hourglass, scales=[Scale(128, 128, upsample=nearest)] * 5),
        "inpainting.ipynb: vase.png, down = up = [128] * 5, skip = [0] * 5, nearest",
    ),
    inputs=Cited([MeshGrid()], "inpainting.ipynb: INPUT = 'meshgrid', input_depth = 2"),
    jitter=Cited(0.03, "inpainting.ipynb: reg_noise_std = 0.03"),
    rate=_RATE,
    steps=Cited(5001, "inpainting.ipynb: num_iter = 5001"),
    objective=_MASKED_MSE,
    filters=_LAST,
    published=True,
)


def _large_hole(depth: int) -> Setting:
    """The setting of the large hole with so many scales."""
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
        jitter=Cited(0.0, "inpainting.ipynb: reg_noise_std = 0"),
        weight_noise=Cited(0.0, "inpainting.ipynb: param_noise is set, does nothing"),
        rate=_RATE,
        steps=Cited(3001, "inpainting.ipynb: num_iter = 3001"),
        objective=_MASKED_MSE,
        filters=_LAST,
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
    weight_noise=Cited(0.0, "inpainting.ipynb: param_noise = False for UNet"),
    rate=Cited(0.001, "inpainting.ipynb: LR = 0.001 for UNet"),
)

INPAINT_LARGE_RESNET = replace(
    INPAINT_LARGE,
    about="a large hole, as published for the library, ResNet",
    network=Cited(
        partial(ResNet, blocks=8, width=32),
        "inpainting.ipynb: ResNet, 8 blocks of 32 channels",
    ),
    weight_noise=Cited(0.0, "inpainting.ipynb: param_noise = False for ResNet"),
    rate=Cited(0.001, "inpainting.ipynb: LR = 0.001 for ResNet"),
)

INPAINT_PIXELS = Setting(
    about="half of the pixels missing, as published for Barbara",
    task="inpaint",
    network=Cited(
        partial(Hourglass, scales=[Scale(128, 128, skip=4, upsample=bilinear)] * 5),
        "restoration.ipynb: barbara, down = up = [128] * 5, skip = [4] * 5, bilinear",
    ),
    inputs=Cited([UniformNoise(32)], "restoration.ipynb: input_depth = 32"),
    jitter=Cited(0.03, "restoration.ipynb: reg_noise_std = 0.03"),
    rate=Cited(0.001, "restoration.ipynb: LR = 0.001"),
    steps=Cited(11000, "restoration.ipynb: num_iter = 11000"),
    objective=Cited(Mse(), "restoration.ipynb: mse(out * mask, img * mask)"),
    filters=Cited([partial(Rewinding, drop=5.0)], "restoration.ipynb: backtracking at 5 dB"),
    published=True,
)

INPAINT_SPARSE = Setting(
    about="98 % of the pixels missing, as published for kate",
    task="inpaint",
    network=Cited(
        partial(
            Hourglass,
            scales=[Scale(w, w, downsampling=AVERAGE) for w in (16, 32, 64, 128, 128)],
        ),
        "restoration.ipynb: kate, down = up = [16, 32, 64, 128, 128], skip 0, bilinear, 'avg'",
    ),
    inputs=Cited([UniformNoise(32)], "restoration.ipynb: input_depth = 32"),
    jitter=Cited(0.0, "restoration.ipynb: reg_noise_std = 0"),
    rate=Cited(0.01, "restoration.ipynb: LR = 0.01"),
    steps=Cited(1000, "restoration.ipynb: num_iter = 1000"),
    objective=Cited(Mse(), "restoration.ipynb: mse(out * mask, img * mask)"),
    filters=Cited([], "restoration.ipynb: the last output; its backtracking is left out here"),
    published=True,
)

FUSE = Setting(
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
    published=True,
)

METHODS: dict[str, Method] = {
    "dip/inpaint-text-paper": INPAINT_TEXT,
    "dip/inpaint-region-paper": INPAINT_REGION,
    "dip/inpaint-large-noise": INPAINT_LARGE_NOISE,
    "dip/inpaint-large-unet-paper": INPAINT_LARGE_UNET,
    "dip/inpaint-large-resnet-paper": INPAINT_LARGE_RESNET,
    "dip/inpaint-pixels-paper": INPAINT_PIXELS,
    "dip/inpaint-sparse-paper": INPAINT_SPARSE,
    "dip/fuse-paper": FUSE,
    "dip/inpaint-large-paper": INPAINT_LARGE,
    "dip/inpaint-large-depth4-paper": INPAINT_LARGE_4,
    "dip/inpaint-large-depth2-paper": INPAINT_LARGE_2,
}
"""By name."""
