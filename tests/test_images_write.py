"""Writing: as a whole or not at all, in what the format holds, and known beforehand."""

import errno
import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from priorfit import images
from priorfit.disk.locks import locked
from priorfit.errors import ImageFileError, ProblemError
from priorfit.images import atomic, write_atomically
from priorfit.images.atomic import sweep
from priorfit.images.picture import Picture, Sheet
from priorfit.images.read import picture_of
from tests.image_files import ICC_GREY, ICC_RGB, exif, noise, samples


def picture(channels: int = 3, dtype: str = "u1", alpha: bool = False, **extras: bytes) -> Picture:
    array = noise(20, 24, channels, dtype=dtype)
    sheet = Sheet(array, noise(20, 24, dtype=dtype, seed=1) if alpha else None, **extras)
    return picture_of(sheet, "png")


def left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("suffix", images.WRITTEN)
def test_the_name_decides_the_format(suffix: str, tmp_path: Path):
    like = picture(1 if suffix == ".pgm" else 3)
    path = tmp_path / f"out{suffix.upper()}"
    images.write(path, like.tensor(), like)
    assert images.read(path).format == images.SUFFIXES[suffix]
    assert left_over(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", [".heic", ".heif", ".HIF"])
def test_a_format_that_is_only_read_is_not_written(suffix: str, tmp_path: Path):
    with pytest.raises(ImageFileError, match=r"HEIC is read but not written: choose \.png"):
        images.write(tmp_path / f"out{suffix}", picture().tensor(), picture())


@pytest.mark.parametrize("name", ["out", "out.txt", "out.gif", ".png"])
def test_other_names_are_refused(name: str, tmp_path: Path):
    with pytest.raises(ImageFileError, match=r"ending in one of \.png"):
        images.write(tmp_path / name, picture().tensor(), picture())


def test_a_file_that_exists_is_kept(tmp_path: Path):
    path = tmp_path / "out.png"
    path.write_bytes(b"old")
    with pytest.raises(ImageFileError, match="exists already"):
        images.write(path, picture().tensor(), picture())
    assert path.read_bytes() == b"old"
    images.write(path, picture().tensor(), picture(), overwrite=True)
    assert images.read(path).shape == (3, 20, 24)
    assert left_over(tmp_path) == ["out.png"]


def test_replacing_a_file_keeps_who_may_read_it(tmp_path: Path):
    path = tmp_path / "out.png"
    path.write_bytes(b"old")
    path.chmod(0o600)
    images.write_atomically(path, b"new", overwrite=True)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_stays_a_link(tmp_path: Path):
    (tmp_path / "there").mkdir()
    path = tmp_path / "out.png"
    path.symlink_to(tmp_path / "there" / "real.png")
    images.write_atomically(path, b"one")
    with pytest.raises(ImageFileError, match="exists already"):
        images.write_atomically(path, b"two")
    images.write_atomically(path, b"three", overwrite=True)
    assert path.is_symlink()
    assert (tmp_path / "there" / "real.png").read_bytes() == b"three"


def refusing(error: int):
    def refuse(*_: object) -> None:
        raise OSError(error, os.strerror(error))

    return refuse


@pytest.mark.parametrize("step", ["fsync", "replace", "link"])
@pytest.mark.parametrize("overwrite", [True, False])
def test_a_full_disk_leaves_nothing_behind(
    step: str, overwrite: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "out.png"
    if overwrite:
        path.write_bytes(b"old")
    monkeypatch.setattr(os, step, refusing(errno.ENOSPC))
    if step == "link":  # then the way without hard links fails as well
        monkeypatch.setattr(os, "replace", refusing(errno.ENOSPC))
    if step == "replace" and not overwrite:
        monkeypatch.setattr(os, "link", refusing(errno.EPERM))
    with pytest.raises(ImageFileError, match="No space left"):
        images.write_atomically(path, b"new", overwrite=overwrite)
    assert left_over(tmp_path) == (["out.png"] if overwrite else [])
    assert not overwrite or path.read_bytes() == b"old"


def test_a_file_system_without_hard_links_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(os, "link", refusing(errno.EPERM))
    images.write_atomically(tmp_path / "out", b"one")
    with pytest.raises(ImageFileError, match="exists already"):
        images.write_atomically(tmp_path / "out", b"two")
    assert (tmp_path / "out").read_bytes() == b"one"
    assert left_over(tmp_path) == ["out"]


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        images.write_atomically(tmp_path / "out", b"new")
    assert not left_over(tmp_path)


def test_of_many_writers_one_wins(tmp_path: Path):
    won = []

    def write(data: bytes) -> None:
        try:
            images.write_atomically(tmp_path / "out", data)
        except ImageFileError:
            return
        won.append(data)

    threads = [threading.Thread(target=write, args=(bytes([i]) * 1000,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [(tmp_path / "out").read_bytes()]
    assert left_over(tmp_path) == ["out"]


@pytest.mark.parametrize("check", [images.write, images.ensure_writable])
def test_places_that_cannot_be_written_are_told(check, tmp_path: Path):
    like = picture()
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    given = (like.tensor(), like) if check is images.write else (like,)
    for name in ("none/out.png", "file/out.png", "folder.png", "long" * 99 + ".png"):
        with pytest.raises(ImageFileError, match=r"cannot be written"):
            check(tmp_path / name, *given, overwrite=True)
    assert left_over(tmp_path) == ["file", "folder.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only_is_told(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(ImageFileError, match="read-only"):
        images.ensure_writable(tmp_path / "out.png", picture())
    with pytest.raises(ImageFileError, match="cannot be written"):
        images.write_atomically(tmp_path / "out.png", b"")


def test_a_folder_without_leave_to_write_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ImageFileError, match="read-only"):
        images.ensure_writable(tmp_path / "out.png", picture())


# What a format cannot hold

GREY, COLOR, MANY = picture(1), picture(3), picture(5)


@pytest.mark.parametrize(
    ("suffix", "like", "told"),
    [
        (".jpg", picture(alpha=True), "alpha"),
        (".npy", picture(alpha=True), "alpha"),
        (".png", MANY, "5 channels"),
        (".jpg", MANY, "5 channels"),
        (".webp", MANY, "5 channels"),
        (".npy", MANY, "5 channels"),
        (".bmp", picture(alpha=True), "alpha"),
        (".ppm", picture(alpha=True), "alpha"),
        (".jp2", picture(alpha=True), "alpha"),
        (".pgm", picture(3), "3 channels"),
    ],
)
def test_what_would_be_missed_is_an_error_beforehand(
    suffix: str, like: Picture, told: str, tmp_path: Path
):
    for attempt in (
        lambda path: images.ensure_writable(path, like),
        lambda path: images.write(path, like.tensor(), like),
    ):
        with pytest.raises(ImageFileError, match=told):
            attempt(tmp_path / f"out{suffix}")
    assert not left_over(tmp_path)


@pytest.mark.parametrize(
    ("suffix", "like", "told"),
    [
        (".png", picture(3, "f4"), "float32 samples stored as uint16"),
        (".png", picture(3, "i2"), "int16 samples stored as uint16"),
        (".jpg", picture(3, "u2"), "uint16 samples stored as uint8"),
        (".webp", picture(1), "grey stored as RGB"),
        (".webp", picture(1, icc=ICC_GREY), "profile dropped"),
        (".npy", picture(icc=ICC_RGB), "profile"),
        (".npy", picture(exif=exif()), "EXIF"),
    ],
)
def test_what_is_changed_is_noted_beforehand(suffix: str, like: Picture, told: str, tmp_path: Path):
    path = tmp_path / f"out{suffix}"
    notes = images.ensure_writable(path, like)
    assert any(told in note for note in notes)
    assert set(notes) <= set(images.write(path, like.tensor(), like))
    np.testing.assert_allclose(images.read(path).pixels.mean(), like.pixels.mean(), atol=0.02)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_what_fits_is_written_without_a_note(suffix: str, dtype: str, tmp_path: Path):
    like = picture(3, dtype)
    assert images.write(tmp_path / f"out{suffix}", like.tensor(), like) == ()
    assert images.read(tmp_path / f"out{suffix}").dtype == like.dtype


def test_colour_given_to_a_grey_picture_is_written_in_colour(tmp_path: Path):
    like = picture(1, icc=ICC_GREY, alpha=True)
    notes = images.write(tmp_path / "out.png", COLOR.tensor(), like)
    again = images.read(tmp_path / "out.png")
    np.testing.assert_array_equal(samples(again), samples(COLOR))
    np.testing.assert_array_equal(again.alpha, like.alpha)
    assert again.icc is None
    assert "profile dropped" in notes[0]


@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_alpha_grows_with_the_image(factor: int, dtype: str, tmp_path: Path):
    like = picture(3, dtype, alpha=True)
    large = torch.rand(1, 3, 20 * factor, 24 * factor)
    notes = images.write(tmp_path / "out.tif", large, like)
    again = images.read(tmp_path / "out.tif")
    assert again.alpha is not None
    assert like.alpha is not None
    assert again.alpha.shape == (20 * factor, 24 * factor)
    assert again.alpha.dtype == like.alpha.dtype
    assert like.alpha.min() <= again.alpha.min() <= again.alpha.max() <= like.alpha.max()
    assert notes == ("alpha resized with the image",)


def test_alpha_follows_into_another_depth(tmp_path: Path):
    like = picture(3, "f4", alpha=True)
    opaque = Picture(
        like.pixels, np.ones((20, 24), np.float32), like.scale, like.dtype, like.format
    )
    images.write(tmp_path / "out.png", like.tensor(), opaque)
    assert (images.read(tmp_path / "out.png").alpha == 65535).all()


@pytest.mark.parametrize("name", ["jpeg", "webp"])
def test_a_side_too_long_is_an_error(name: str):
    with pytest.raises(ImageFileError, match="pixels a side"):
        images.encode(torch.zeros(3, 1, 70_000), COLOR, name)


def test_an_image_of_nan_or_infinity_is_no_file(tmp_path: Path):
    image = COLOR.tensor()
    image[0, 0, 0, 0] = float("nan")
    with pytest.raises(ImageFileError, match="NaN"):
        images.write(tmp_path / "out.png", image, COLOR)
    image[0, 0, 0, 0] = float("inf")
    with pytest.raises(ProblemError, match="infinite"):
        images.write(tmp_path / "out.tif", image, COLOR)
    assert not left_over(tmp_path)


def test_a_pixel_of_a_wide_range_is_the_same_bit_for_bit_unless_it_changed():
    array = np.random.default_rng(0).normal(0, 1e9, (20, 20))
    like = images.from_array(array)
    image = like.tensor()
    image[0, 0, 0, :10] = 0.25
    back = images.to_array(image, like)
    np.testing.assert_array_equal(back[1:], array[1:])
    np.testing.assert_allclose(back[0, :10], array.min() + 0.25 * np.ptp(array))


@pytest.mark.parametrize(
    ("suffix", "channels"),
    [(s, c) for s in images.WRITTEN for c in (1, 3) if (s, c) != (".pgm", 3)],
)
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_the_order_of_an_image_in_memory_does_not_matter(suffix, channels, dtype, tmp_path: Path):
    """A fit leaves its picture channels last."""
    like = picture(channels, dtype)
    last = like.tensor().contiguous(memory_format=torch.channels_last)
    turned = like.tensor().transpose(2, 3).contiguous().transpose(2, 3)
    files = []
    for number, image in enumerate((like.tensor(), last, turned)):
        files.append(tmp_path / f"{number}{suffix}")
        images.write(files[-1], image, like)
    assert len({file.read_bytes() for file in files}) == 1


def test_what_a_killed_process_left_is_swept_away_and_what_is_in_use_is_not(tmp_path):
    left, used = (tmp_path / f".{digit * 16}.part" for digit in "ab")
    mine = [tmp_path / name for name in ("a.part", ".abc.part", f".{'c' * 16}.parts")]
    for path in (left, used, *mine):
        path.touch()
    with used.open("rb") as file:
        assert locked(file, wait=False)
        sweep(tmp_path)
        assert sorted(tmp_path.iterdir()) == sorted([used, *mine])
    sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(mine)


def test_sweeping_never_takes_a_file_that_is_being_written(tmp_path, monkeypatch):
    settle = os.fsync

    def swept(descriptor):
        sweep(tmp_path)
        settle(descriptor)

    monkeypatch.setattr(os, "fsync", swept)
    write_atomically(tmp_path / "a", b"whole")
    assert (tmp_path / "a").read_bytes() == b"whole"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_sweeping_a_folder_that_is_not_there_is_nothing(tmp_path):
    sweep(tmp_path / "missing")
    assert not (tmp_path / "missing").exists()


def test_a_temporary_file_that_was_swept_away_before_its_lock_is_made_again(tmp_path, monkeypatch):
    taken = []

    def late(file, *, wait):
        if not taken:
            taken.append(Path(file.name))
            taken[0].unlink()
        return locked(file, wait=wait)

    monkeypatch.setattr(atomic, "locked", late)
    write_atomically(tmp_path / "a", b"whole")
    assert (tmp_path / "a").read_bytes() == b"whole"


@pytest.mark.parametrize("dtype", [">u2", ">i2", ">f4", ">f8", "<i8", "<f2", ">u4"])
@pytest.mark.parametrize("suffix", [".npy", ".tif"])
def test_samples_of_any_byte_order_are_written(dtype: str, suffix: str, tmp_path: Path):
    drawn = np.random.default_rng(0).random((20, 18))
    np.save(tmp_path / "in.npy", (drawn * 200).astype(dtype))
    like = images.read(tmp_path / "in.npy")
    images.write(tmp_path / f"out{suffix}", like.tensor(), like)
    again = images.read(tmp_path / f"out{suffix}")
    assert again.dtype.newbyteorder("=") == np.dtype(dtype).newbyteorder("=")
    assert np.array_equal(again.pixels, like.pixels)
    if suffix == ".npy":
        assert np.load(tmp_path / "out.npy").dtype == np.dtype(dtype)


@pytest.mark.parametrize(("format", "title"), [("bmp", "BMP"), ("jp2", "JPEG 2000")])
def test_another_format_for_the_sake_of_alpha_is_told(format: str, title: str, tmp_path: Path):
    like = replace(picture(alpha=True), format=format)
    notes = images.ensure_writable(tmp_path / "a.png", like)
    assert f"{title} is not written with alpha, stored as PNG" in notes
