"""NVIDIA's own files of StyleGAN 2 and 3."""

from priorfit.checkpoints.published.file import Published

_CDN = "https://nvlabs-fi-cdn.nvidia.com/"
_NGC = "https://api.ngc.nvidia.com/v2/models/nvidia/research/"

_NC = "NVIDIA Source Code License, not for commercial use"
_SAME = "none stated beside that of the code"

_CONFIG_F = {
    "car": (512, "cars, LSUN, of 512×384 pixels"),
    "cat": (256, "cats, LSUN"),
    "church": (256, "churches, LSUN"),
    "ffhq": (1024, "faces, FFHQ"),
    "horse": (256, "horses, LSUN"),
}
_ADA = {
    "afhqcat": (512, "cats, AFHQ"),
    "afhqdog": (512, "dogs, AFHQ"),
    "afhqwild": (512, "wild animals, AFHQ"),
    "brecahad": (512, "histology of breast cancer, BreCaHAD"),
    "cifar10": (32, "the 10 classes of CIFAR-10"),
    "ffhq": (1024, "faces, FFHQ"),
    "metfaces": (1024, "painted faces, MetFaces"),
}
_SETS = {
    "afhqcat": "cats, AFHQ",
    "afhqdog": "dogs, AFHQ",
    "afhqv2": "cats, dogs and wild animals, AFHQ v2",
    "afhqwild": "wild animals, AFHQ",
    "brecahad": "histology of breast cancer, BreCaHAD",
    "celebahq": "faces, CelebA-HQ",
    "cifar10": "the 10 classes of CIFAR-10",
    "ffhq": "faces, FFHQ",
    "ffhqu": "faces as photographed, FFHQ-U",
    "lsundog": "dogs, LSUN",
    "metfaces": "painted faces, MetFaces",
    "metfacesu": "painted faces as photographed, MetFaces-U",
}
# github.com/NVlabs/stylegan3, README.
_STYLEGAN2 = (
    *(("ffhq", side) for side in (1024, 512, 256)),
    *(("ffhqu", side) for side in (1024, 256)),
    *((of, 1024) for of in ("metfaces", "metfacesu")),
    *((of, 512) for of in ("afhqv2", "afhqcat", "afhqdog", "afhqwild", "brecahad")),
    ("cifar10", 32),
    *((of, 256) for of in ("celebahq", "lsundog")),
)
_STYLEGAN3 = (
    ("ffhq", 1024),
    ("ffhqu", 1024),
    ("ffhqu", 256),
    ("metfaces", 1024),
    ("metfacesu", 1024),
    ("afhqv2", 512),
)


def _config_f(of: str, side: int, does: str) -> Published:
    # github.com/NVlabs/stylegan2-ada-pytorch, README, for the cat; others as projects that use
    # them say, in the place of the retired addresses of NVlabs/stylegan2's pretrained_networks.py.
    file = f"stylegan2-{of}-config-f.pkl"
    return Published(
        name=f"stylegan2-{of}-config-f",
        kind="stylegan2",
        does=does,
        file=file,
        page="https://github.com/NVlabs/stylegan2",
        code=_NC,
        weights=_SAME,
        size=(side, side),
        url=f"{_CDN}stylegan2/networks/{file}",
    )


def _ada(of: str, side: int, does: str) -> Published:
    # github.com/NVlabs/stylegan2-ada-pytorch, README.
    return Published(
        name=f"stylegan2-ada-{of}-{side}",
        kind="stylegan2",
        does=does,
        file=f"{of}.pkl",
        page="https://github.com/NVlabs/stylegan2-ada-pytorch",
        code=_NC,
        weights=_SAME,
        size=(side, side),
        url=f"{_CDN}stylegan2-ada-pytorch/pretrained/{of}.pkl",
    )


def _catalogued(family: str, of: str, side: int, variant: str = "") -> Published:
    file = f"{family}{variant}-{of}-{side}x{side}.pkl"
    return Published(
        name=f"{family}{variant}-{of}-{side}",
        kind=family,
        does=_SETS[of],
        file=file,
        page="https://github.com/NVlabs/stylegan3",
        code=_NC,
        weights=_SAME,
        size=(side, side),
        url=f"{_NGC}{family}/versions/1/files/{file}",
    )


FILES = (
    *(_config_f(of, *facts) for of, facts in _CONFIG_F.items()),
    *(_ada(of, *facts) for of, facts in _ADA.items()),
    *(_catalogued("stylegan2", of, side) for of, side in _STYLEGAN2),
    *(_catalogued("stylegan3", of, side, v) for of, side in _STYLEGAN3 for v in ("-r", "-t")),
)
