"""StyleGAN2 as rosinality trained it."""

from priorfit.checkpoints.published.file import Published

# github.com/rosinality/stylegan2-pytorch, README; the name of the file as projects that use it say.
FILES = (
    Published(
        name="stylegan2-ffhq-256-rosinality",
        kind="stylegan2",
        does="faces, FFHQ",
        file="550000.pt",
        page="https://drive.google.com/open?id=1PQutd-JboOCOZqmd95XWxWrO8gGEvRcO",
        code="MIT, with parts that are NVIDIA's",
        weights="none stated",
        size=(256, 256),
    ),
)
