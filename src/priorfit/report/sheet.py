"""Named pictures in a row, as one picture."""

from collections.abc import Sequence

from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from priorfit.report.embed import levels
from priorfit.types import Image

_GAP, _LINE = 8, 26  # pixels between pictures, and above them for their names


def side_by_side(pictures: Sequence[tuple[str, Image]]) -> PillowImage.Image:
    """Put named pictures, (1, C, H, W), in a row; smaller ones are enlarged by whole pixels."""
    width, height = (max(image.shape[axis] for _, image in pictures) for axis in (-1, -2))
    size = (len(pictures) * (width + _GAP) + _GAP, height + _LINE + _GAP)
    sheet = PillowImage.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for number, (name, image) in enumerate(pictures):
        left = _GAP + number * (width + _GAP)
        pen.text((left, _LINE / 2), name, fill="#333333", font=font, anchor="lm")
        panel = levels(image[0]).convert("RGB")
        sheet.paste(panel.resize((width, height), PillowImage.Resampling.NEAREST), (left, _LINE))
    return sheet
