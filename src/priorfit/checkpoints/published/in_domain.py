"""Generators and encoders of in-domain inversion."""

from priorfit.checkpoints.published.file import Published

# github.com/genforce/idinvert_pytorch, README: Google Drive, generator and encoder.
_DRIVE = {
    ("ffhq", "faces, FFHQ"): (
        "1SjWD4slw612z2cXa3-n38JwKZXqDUerG",
        "1gij7xy05crnyA-tUTQ2F3yYlAlu6p9bO",
    ),
    ("bedroom", "bedrooms, LSUN"): (
        "1ka583QwvMOtcFZJcu29ee8ykZdyOCcMS",
        "1ebuiaQ7xI99a6ZrHbxzGApEFCu0h0X2s",
    ),
    ("tower", "towers, LSUN"): (
        "1lI_OA_aN4-O3mXEPQ1Nv-6tdg_3UWcyN",
        "1Pzkgdi3xctdsCZa9lcb7dziA_UMIswyS",
    ),
}


def _published(what: str, does: str, role: str, drive: str) -> Published:
    return Published(
        name=f"in-domain-{what}-256" + ("-encoder" if role == "encoder" else ""),
        kind="in-domain-encoder" if role == "encoder" else "stylegan",
        does=f"{does}; " + ("from an image to its w+" if role == "encoder" else "for the encoder"),
        file=f"styleganinv_{what}256_{role}.pth",
        page=f"https://drive.google.com/file/d/{drive}/view",
        code="MIT",
        weights="none stated; a StyleGAN, whose code is NVIDIA's",
        size=(256, 256),
    )


FILES = tuple(
    _published(what, does, role, drive)
    for (what, does), drives in _DRIVE.items()
    for role, drive in zip(("generator", "encoder"), drives, strict=True)
)
