"""The published settings of Deep Generative Prior, number for number [pan2020]_.

Sources: the scripts of the authors' repository, deep-generative-prior@c503a56; where the paper's
own tables were made with others, which the author gave in an issue, that is said.
"""

from priorfit.recipes.dgp.setting import Counts, Setting, Tuning
from priorfit.recipes.method import Cited, Method

_AT_256 = Cited(Counts(features=9, groups=7), "models/biggan.py: D_256, G_256")
_AT_128 = Cited(Counts(features=8, groups=6), "models/biggan.py: D_128, G_128")
_ISSUE = "the author, issue 9 of the repository: the settings of the paper's table 1"

INVERT = Setting(
    about="a picture like those that the generator learnt from, as published",
    task="invert",
    counted=_AT_128,
    stages=Cited(
        (
            Tuning(200, 1e-3, 2e-4, 2, mse_weight=10.0),
            Tuning(200, 1e-3, 2e-4, 3, mse_weight=10.0),
            Tuning(200, 1e-4, 1e-4, 4, mse_weight=10.0),
            Tuning(200, 1e-4, 1e-4, 5, feature_weight=0.1, mse_weight=100.0),
            Tuning(200, 1e-5, 1e-5, 6, feature_weight=0.1, mse_weight=100.0),
        ),
        _ISSUE,
    ),
    candidates=Cited(500, f"{_ISSUE}: select_num = 500"),
    spread=Cited(0.3, f"{_ISSUE}: sample_std = 0.3"),
    choice=Cited(3, "models/dgp.py, select_z: the last 3 features"),
    usual=Cited(0.02, f"{_ISSUE}: w_nll = 0.02"),
    instance_norms=Cited(True, f"{_ISSUE}: use_in = True"),
    published=True,
)

INPAINT = Setting(
    about="a hole, as published for the paper's table",
    task="inpaint",
    counted=_AT_128,
    stages=Cited(
        (
            Tuning(200, 1e-3, 2e-4, 6, mse_weight=10.0),
            Tuning(200, 1e-3, 2e-4, 6, mse_weight=10.0),
            Tuning(200, 1e-4, 1e-4, 6, mse_weight=10.0),
            Tuning(200, 1e-4, 1e-4, 6, feature_weight=0.1, mse_weight=100.0),
            Tuning(200, 1e-5, 1e-5, 6, feature_weight=0.1, mse_weight=100.0),
        ),
        "scripts, inpainting at 128 pixels",
    ),
    candidates=Cited(500, "scripts, inpainting at 128 pixels: select_num = 500"),
    spread=Cited(0.3, "scripts, inpainting at 128 pixels: sample_std = 0.3"),
    choice=Cited(3, "models/dgp.py, select_z: the last 3 features"),
    usual=Cited(0.02, "scripts, inpainting at 128 pixels: w_nll = 0.02"),
    tunes_class=Cited(True, "scripts, inpainting at 128 pixels: update_embed"),
    instance_norms=Cited(True, "scripts, inpainting at 128 pixels: use_in = True"),
    published=True,
)

INPAINT_256 = Setting(
    about="a hole, as published for the example at 256 pixels",
    task="inpaint",
    counted=_AT_256,
    stages=Cited(
        (
            Tuning(200, 2e-3, 5e-5, 7, mse_weight=1.0),
            Tuning(200, 1e-3, 5e-5, 7, mse_weight=1.0),
            Tuning(200, 2e-5, 2e-5, 7, mse_weight=1.0),
            Tuning(200, 2e-5, 2e-5, 7, mse_weight=1.0),
            Tuning(200, 1e-5, 1e-5, 7, feature_weight=0.5, mse_weight=10.0),
        ),
        "run_inpainting.sh",
    ),
    candidates=Cited(500, "run_inpainting.sh: select_num = 500"),
    spread=Cited(0.3, "run_inpainting.sh: sample_std = 0.3"),
    choice=Cited(3, "models/dgp.py, select_z: the last 3 features"),
    usual=Cited(0.02, "run_inpainting.sh: w_nll = 0.02"),
    tunes_class=Cited(True, "run_inpainting.sh: update_embed"),
    published=True,
)

UPSCALE_FEATURES = Setting(
    about="small pictures, towards what the discriminator knows, as published",
    task="upscale",
    counted=_AT_128,
    stages=Cited(
        (
            Tuning(200, 2e-3, 5e-5, 2, mse_weight=1.0),
            Tuning(200, 1e-3, 5e-5, 3, mse_weight=1.0),
            Tuning(200, 2e-5, 2e-5, 4, mse_weight=1.0),
            Tuning(200, 1e-5, 1e-5, 5, mse_weight=1.0),
            Tuning(200, 1e-5, 1e-5, 6, mse_weight=1.0),
        ),
        "run_SR.sh, 128 pixels, biased to the discriminator",
    ),
    candidates=Cited(500, "run_SR.sh: select_num = 500"),
    spread=Cited(0.3, "run_SR.sh: sample_std = 0.3"),
    choice=Cited(3, "models/dgp.py, select_z: the last 3 features"),
    usual=Cited(0.02, "run_SR.sh: w_nll = 0.02"),
    published=True,
)

UPSCALE_MSE = Setting(
    about="small pictures, towards the squared error, as published",
    task="upscale",
    counted=_AT_128,
    stages=Cited(
        (
            Tuning(200, 1e-3, 2e-4, 2, mse_weight=10.0),
            Tuning(200, 1e-3, 2e-4, 3, mse_weight=10.0),
            Tuning(200, 1e-4, 1e-4, 4, mse_weight=10.0),
            Tuning(200, 1e-4, 1e-4, 5, feature_weight=0.5, mse_weight=50.0),
            Tuning(200, 1e-5, 1e-5, 6, feature_weight=0.1, mse_weight=100.0),
        ),
        "run_SR.sh, 128 pixels, biased to the squared error",
    ),
    candidates=Cited(500, "run_SR.sh: select_num = 500"),
    spread=Cited(0.3, "run_SR.sh: sample_std = 0.3"),
    choice=Cited(3, "models/dgp.py, select_z: the last 3 features"),
    usual=Cited(0.02, "run_SR.sh: w_nll = 0.02"),
    instance_norms=Cited(True, "run_SR.sh: use_in = True"),
    published=True,
)

METHODS: dict[str, Method] = {
    "dgp/invert-paper": INVERT,
    "dgp/inpaint-paper": INPAINT,
    "dgp/inpaint-256-paper": INPAINT_256,
    "dgp/upscale-paper": UPSCALE_FEATURES,
    "dgp/upscale-mse-paper": UPSCALE_MSE,
}
"""By name."""
