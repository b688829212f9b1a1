"""Networks that see: torchvision's, with their Keras and Caffe relatives, and heads of LPIPS."""

from priorfit.checkpoints.published.file import Published

_TORCHVISION = "https://download.pytorch.org/models/"
_LPIPS = "https://github.com/richzhang/PerceptualSimilarity"
_SKOLTECH = "https://box.skoltech.ru/index.php/s/"


def _seen(name: str, file: str, sha256: str, length: int | None = None) -> Published:
    # github.com/pytorch/vision, torchvision/models/*.py: eight digits of the hash in the name. All
    # 64, and the length, where several unrelated projects state the same.
    return Published(
        name=name,
        kind="features",
        does="features of a classifier of ImageNet",
        file=file,
        page="https://github.com/pytorch/vision",
        code="BSD-3-Clause",
        weights="none stated beside that of the code; trained on ImageNet",
        url=_TORCHVISION + file,
        sha256=sha256,
        length=length,
        megabytes=None if length is None else round(length / 1e6),
    )


def _head(network: str, trunk: str, sha256: str, length: int) -> Published:
    # github.com/richzhang/PerceptualSimilarity, lpips/weights/v0.1.
    return Published(
        name=f"lpips-{network}",
        kind="lpips",
        does="how alike two pictures look: linear heads of LPIPS 0.1",
        file=f"{network}.pth",
        page=_LPIPS,
        code="BSD-2-Clause",
        weights="BSD-2-Clause, as the code beside them",
        url=f"{_LPIPS}/raw/master/lpips/weights/v0.1/{network}.pth",
        sha256=sha256,
        length=length,
        note=f"weighs the features of {trunk}, which is a checkpoint of its own",
    )


def _caffe(name: str, file: str, key: str, note: str = "") -> Published:
    # github.com/DmitryUlyanov/deep-image-prior, utils/perceptual_loss/perceptual_loss.py.
    return Published(
        name=name,
        kind="features",
        does="features of a classifier of ImageNet, weights of Caffe",
        file=file,
        page="https://github.com/DmitryUlyanov/deep-image-prior",
        code="Apache-2.0 with a request to be asked about commercial use",
        weights="none stated; trained on ImageNet",
        url=f"{_SKOLTECH}{key}/download",
        note=note,
    )


FILES = (
    _seen(
        "alexnet",
        "alexnet-owt-7be5be79.pth",
        "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        244_408_911,
    ),
    _seen(
        "squeezenet1.1",
        "squeezenet1_1-b8a52dc0.pth",
        "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
        4_958_839,
    ),
    _seen(
        "vgg16",
        "vgg16-397923af.pth",
        "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        553_433_881,
    ),
    _seen("vgg19", "vgg19-dcbb9e9d.pth", "dcbb9e9d"),
    Published(
        # github.com/genforce/idinvert_pytorch, README.
        name="vgg16-keras",
        kind="features",
        does="features of a classifier of ImageNet, weights of Keras, up to conv5_3",
        file="vgg16.pth",
        page="https://drive.google.com/file/d/1qQ-r7MYZ8ZcjQQFe17eQfJbOAuE3eS0y/view",
        code="MIT",
        weights="none stated; from Keras, whose authors had them from the authors of VGG",
    ),
    _caffe("vgg19-caffe", "vgg19-caffe-py3.pth", "HPcOFQTjXxbmp4X"),
    _head(
        "alex", "alexnet", "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0", 6_009
    ),
    _head(
        "squeeze",
        "squeezenet1.1",
        "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76",
        10_811,
    ),
    _head(
        "vgg", "vgg16", "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868", 7_289
    ),
)
