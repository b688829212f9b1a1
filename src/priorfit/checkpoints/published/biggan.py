"""BigGAN: those of DGP, of the author's own PyTorch code, and DeepMind's deep ones."""

from priorfit.checkpoints.published.file import Published

# github.com/XingangPan/deep-generative-prior, README and LICENSE.
_DGP = "https://drive.google.com/drive/folders/1buQ2BtbnUhkh4PEPXOgdPuVo2iRK7gvI"
_SCRATCH = "none stated; trained on ImageNet"


def _of_dgp(name: str, side: int, network: str, width: int) -> Published:
    thinner = "_ch64" if width == 64 else ""
    drawn = "generator" if network == "G_ema" else "discriminator"
    # DGP's discriminators lose what their last feature was before its ReLU.
    settings = () if network == "G_ema" else (("D_nl", "inplace_relu"),)
    return Published(
        name=name,
        kind="biggan" if network == "G_ema" else "biggan-discriminator",
        does=f"{drawn} of the 1,000 classes of ImageNet, {width} channels",
        file=f"{network}{thinner}_{side}.pth",
        page=_DGP,
        code="MIT",
        weights=_SCRATCH,
        size=(side, side),
        settings=settings,
    )


def _of_brock(iterations: str, drive: str) -> Published:
    # github.com/ajbrock/BigGAN-PyTorch, README.
    return Published(
        name=f"biggan-128-{iterations}",
        kind="biggan",
        does="the 1,000 classes of ImageNet, 96 channels",
        file="G_ema.pth",
        page=f"https://drive.google.com/open?id={drive}",
        code="MIT",
        weights=_SCRATCH,
        size=(128, 128),
        note=f"in the archive of {iterations} iterations; D.pth beside it is the discriminator",
    )


def _deep(side: int, megabytes: int) -> Published:
    # github.com/huggingface/pytorch-pretrained-BigGAN, README and model.py.
    file = f"biggan-deep-{side}-pytorch_model.bin"
    return Published(
        name=f"biggan-deep-{side}",
        kind="biggan-deep",
        does="the 1,000 classes of ImageNet",
        file=file,
        page="https://github.com/huggingface/pytorch-pretrained-BigGAN",
        code="MIT",
        weights="DeepMind's, from TensorFlow Hub; none stated where they are published again",
        size=(side, side),
        url=f"https://s3.amazonaws.com/models.huggingface.co/biggan/{file}",
        megabytes=megabytes,
    )


FILES = (
    _of_dgp("biggan-128", 128, "G_ema", 96),
    _of_dgp("biggan-128-discriminator", 128, "D", 96),
    _of_dgp("biggan-256", 256, "G_ema", 96),
    _of_dgp("biggan-256-discriminator", 256, "D", 96),
    _of_dgp("biggan-256-ch64", 256, "G_ema", 64),
    _of_dgp("biggan-256-ch64-discriminator", 256, "D", 64),
    _of_brock("138k", "1nAle7FCVFZdix2--ks0r5JBkFnKw8ctW"),
    _of_brock("100k", "1dmZrcVJUAWkPBGza_XgswSuT-UODXZcO"),
    _deep(128, 201),
    _deep(256, 224),
    _deep(512, 225),
)
