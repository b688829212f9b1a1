"""What a JPEG file says: its tables read safely, and the images it can stand for."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage
from PIL import ImageOps

from priorfit.degradations import jpeg as rooms
from priorfit.degradations.jpeg import JpegProjection
from priorfit.degradations.simulate import jpeg
from priorfit.errors import ImageFileError, ProblemError
from priorfit.images.jpeg_tables import JpegTables, jpeg_tables
from tests.pictures import uniform

SAMPLINGS = [(1, 1), (2, 1), (2, 2)]
SIZES = [(32, 48), (37, 45), (8, 16), (16, 17)]
WHOLE = SIZES[0]


def picture(size: tuple[int, int] = WHOLE, channels: int = 3, seed: int = 0) -> torch.Tensor:
    """Smooth colours with grey texture, (1, C, H, W), on 8 bits: a little like a photograph."""
    coarse = uniform(1, channels, 2, 3, seed=seed)
    smooth = torch.nn.functional.interpolate(coarse, size, mode="bilinear", align_corners=True)
    texture = 0.2 * (uniform(1, 1, *size, seed=seed + 1) - 0.5)
    return ((0.15 + 0.7 * smooth + texture).clamp(0, 1) * 255).round() / 255


def encoded(image: PillowImage.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def pillow(size: tuple[int, int] = WHOLE, mode: str = "RGB") -> PillowImage.Image:
    levels = (picture(size)[0].permute(1, 2, 0) * 255).round().byte().numpy()
    return PillowImage.fromarray(levels).convert(mode)


def levels(difference: torch.Tensor) -> float:
    """Largest difference, in 8-bit levels."""
    return 255 * float(difference.abs().max())


# Reading tables

OPTIONS = [
    {"quality": 30, "subsampling": 0},
    {"quality": 75, "subsampling": 1},
    {"quality": 95, "subsampling": 2},
    {"progressive": True},
    {"optimize": True, "comment": b"\xff\xda" * 9},
    {"restart_marker_blocks": 1},
    {"qtables": [list(range(1, 65))] * 2},
    {"keep_rgb": True},
]


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_tables_are_those_that_pillow_reads(mode, options):
    data = encoded(pillow(mode=mode), **options)
    tables = jpeg_tables(data)
    with PillowImage.open(io.BytesIO(data)) as file:
        for component, (_, across, down, table) in enumerate(file.layer):
            expected = np.reshape(file.quantization[table], (8, 8))
            np.testing.assert_array_equal(tables.table(component), expected)
            assert tables.sampling[component] == (across, down)
    assert tables.ycbcr == (mode != "CMYK" and not (mode == "RGB" and "keep_rgb" in options))


def test_tables_are_in_natural_order():
    data = encoded(pillow(), qtables=[list(range(1, 65))] * 2)
    assert jpeg_tables(data).table(0)[0].tolist() == list(range(1, 9))


def test_orientation_is_read_too():
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    assert jpeg_tables(encoded(pillow(), exif=exif)).orientation == 6
    assert jpeg_tables(encoded(pillow())).orientation == 1


def test_tables_are_comparable_and_cannot_be_written_to():
    first, again, other = (jpeg_tables(encoded(pillow(), quality=q)) for q in (50, 50, 60))
    assert first == again != other
    assert len({first, again, other}) == 2
    with pytest.raises(ValueError, match="read-only"):
        first.table(0)[0, 0] = 1


def test_ratios_that_are_not_whole_are_refused():
    tables = JpegTables((np.ones((8, 8), np.int64),), (0, 0), ((3, 1), (2, 1)))
    with pytest.raises(ImageFileError, match="whole sampling ratios"):
        tables.reduction(1)


WHOLE_FILE = encoded(pillow((8, 8)))


@given(st.integers(0, len(WHOLE_FILE) - 1), st.integers(0, 255))
def test_a_damaged_file_gives_tables_or_the_error_for_files(place, byte):
    damaged = WHOLE_FILE[:place] + bytes([byte]) + WHOLE_FILE[place + 1 :]
    try:
        tables = jpeg_tables(damaged)
    except ImageFileError:
        return
    assert all((table > 0).all() for table in tables.quantisation)
    assert len(tables.component_table) == len(tables.sampling)


@pytest.mark.parametrize("length", range(0, WHOLE_FILE.index(b"\xff\xda") + 2, 7))
def test_a_file_cut_short_before_its_first_scan_is_refused(length):
    with pytest.raises(ImageFileError):
        jpeg_tables(WHOLE_FILE[:length])


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_no_jpeg(data):
    with pytest.raises(ImageFileError):
        jpeg_tables(b"\xff\xd8" + data)


@pytest.mark.parametrize("frame", [0xC3, 0xC7, 0xCB])
def test_lossless_files_are_refused(frame):
    start = WHOLE_FILE.index(b"\xff\xc0")
    lossless = WHOLE_FILE[: start + 1] + bytes([frame]) + WHOLE_FILE[start + 2 :]
    with pytest.raises(ImageFileError, match="lossless"):
        jpeg_tables(lossless)


# Projection

each_size = pytest.mark.parametrize("size", SIZES, ids=str)
each_sampling = pytest.mark.parametrize("subsampling", SAMPLINGS, ids=str)
each_quality = pytest.mark.parametrize("quality", [10, 50, 90])


@each_size
@each_sampling
@each_quality
def test_the_decoded_picture_stays_nearly_where_it_is(size, subsampling, quality):
    shown, tables, _ = jpeg(picture(size), quality, subsampling)
    moved = JpegProjection.from_picture(tables, shown)(shown) - shown
    # What a decoder makes between shared colours is smoother than what the file says.
    assert levels(moved) < (1e-6 if subsampling == (1, 1) else 4)


@each_size
@each_sampling
@each_quality
def test_projecting_twice_is_projecting_once(size, subsampling, quality):
    shown, tables, _ = jpeg(picture(size), quality, subsampling)
    project = JpegProjection.from_picture(tables, shown)
    once = project(picture(size, seed=5))
    # Blocks that reach beyond the picture are settled step by step.
    assert levels(project(once) - once) < (1 if any(length % 16 for length in size) else 1e-6)


@each_sampling
@each_quality
def test_the_picture_that_was_encoded_hardly_moves(subsampling, quality):
    image = picture()
    project = JpegProjection.from_file(jpeg(image, quality, subsampling).files[0])
    assert levels(project(image) - image) < 1


@each_sampling
@each_quality
def test_encoding_the_projected_image_gives_nearly_the_same_integers(subsampling, quality):
    shown, tables, _ = jpeg(picture(), quality, subsampling)
    other = 0.9 * shown + 0.1 * picture(seed=7)
    project = JpegProjection.from_picture(tables, shown)
    again = JpegProjection.from_file(jpeg(project(other), quality, subsampling).files[0])
    for ours, theirs in zip(again.coefficients, project.coefficients, strict=True):
        # A coefficient moved to the end of its interval may be rounded either way.
        assert (ours - theirs).abs().max() <= 1
        assert ((ours - theirs).abs() * (theirs != 0)).mean() < 0.15


@each_sampling
def test_projection_brings_an_image_nearer_to_all_that_the_file_can_stand_for(subsampling):
    image = picture()
    shown, tables, _ = jpeg(image, 50, subsampling)
    other = shown + 0.1 * (uniform(*shown.shape, seed=3) - 0.5)
    projected = JpegProjection.from_picture(tables, shown)(other)
    assert (projected - image).square().mean() < (other - image).square().mean()


@each_sampling
def test_file_and_picture_give_nearly_the_same_integers(subsampling):
    shown, tables, files = jpeg(picture(), 75, subsampling)
    ours = JpegProjection.from_picture(tables, shown).coefficients
    for a, b in zip(ours, JpegProjection.from_file(files[0]).coefficients, strict=True):
        assert a.shape == b.shape
        assert (a != b).double().mean() < 0.01


@each_size
def test_grey_files_work_too(size):
    shown, tables, files = jpeg(picture(size, channels=1), 30)
    project = JpegProjection.from_picture(tables, shown)
    assert levels(project(shown) - shown) < 1e-6
    assert torch.equal(project.coefficients[0], JpegProjection.from_file(files[0]).coefficients[0])


def test_files_of_red_green_and_blue_work_too():
    data = encoded(pillow(), keep_rgb=True, quality=40)
    shown = (
        torch.from_numpy(np.array(PillowImage.open(io.BytesIO(data)))).permute(2, 0, 1)[None] / 255
    )
    project = JpegProjection.from_file(data)
    assert levels(project(shown) - shown) < 1e-3
    ours = JpegProjection.from_picture(jpeg_tables(data), shown).coefficients
    assert all(torch.equal(a, b) for a, b in zip(ours, project.coefficients, strict=True))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_blocks_lie_as_stored_however_the_picture_is_turned(orientation):
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    data = encoded(pillow((24, 40)), exif=exif, quality=20, subsampling=0)
    with PillowImage.open(io.BytesIO(data)) as file:
        upright = np.array(ImageOps.exif_transpose(file))
    shown = torch.from_numpy(upright).permute(2, 0, 1)[None].double() / 255
    assert levels(JpegProjection.from_file(data)(shown) - shown) < 1e-6
    from_picture = JpegProjection.from_picture(jpeg_tables(data), shown)
    assert levels(from_picture(shown) - shown) < 1e-6


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_pictures_of_a_batch_do_not_see_each_other(dtype):
    images = torch.cat([picture(seed=seed) for seed in (0, 3)]).to(dtype)
    shown, tables, _ = jpeg(images, 30)
    together = JpegProjection.from_picture(tables, shown)(images.flip(0))
    assert together.dtype == dtype
    alone = JpegProjection.from_picture(tables, shown[1:])(images[:1])
    torch.testing.assert_close(together[1:], alone)


def test_an_image_that_does_not_belong_to_the_file_is_refused():
    shown, tables, _ = jpeg(picture(), 30)
    project = JpegProjection.from_picture(tables, shown)
    assert repr(project) == "JpegProjection(32×48, sampling=((2, 2), (1, 1), (1, 1)))"
    with pytest.raises(ProblemError, match="32×48 pixels, got 37×45"):
        project(picture((37, 45)))
    with pytest.raises(ProblemError, match="got 3 and 1"):
        project(shown[:, :1])
    with pytest.raises(ProblemError, match="got 4 and 4"):
        JpegProjection.from_file(encoded(pillow(mode="CMYK")))


@pytest.mark.parametrize("ratio", [(2, 1), (1, 2), (2, 2), (4, 1)])
@pytest.mark.parametrize("size", [(16, 24), (15, 21)])
def test_a_decoders_upsampling_is_undone(ratio, size):
    across, down = ratio
    stored = uniform(1, -(-size[0] // down), -(-size[1] // across))
    scale = (stored.shape[1] * down, stored.shape[2] * across)
    if 4 in ratio:
        large = stored.repeat_interleave(across, -1)
    else:
        large = torch.nn.functional.interpolate(stored[None], scale, mode="bilinear")[0]
    found = rooms._as_before_decoding(large[..., : size[0], : size[1]], ratio)
    torch.testing.assert_close(found, stored, atol=2e-3, rtol=0)
