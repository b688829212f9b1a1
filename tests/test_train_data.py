"""Photographs in memory: what is kept, cut, left out, and said about it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from priorfit.errors import ProblemError
from priorfit.train import data
from priorfit.train.batches import Batches
from priorfit.train.data import Photographs, fitting_size, load, square
from tests.test_train_sources import packed
from tests.tiny import array, photo


def lay(folder: Path, count: int = 3, classes: str = "ab", size=(16, 20)) -> Path:
    for name in classes:
        (folder / name).mkdir(parents=True)
        for seed in range(count):
            photo(folder / name / f"{seed}.png", size=size, seed=seed)
    return folder


def few(count: int = 5, size: int = 8) -> Photographs:
    images = torch.arange(count, dtype=torch.uint8)[:, None, None, None]
    return Photographs(images.expand(count, 3, size, size).clone(), torch.arange(count) % 2)


def test_photographs_come_in_the_order_of_their_names_with_numbers_of_classes(tmp_path):
    found = load(lay(tmp_path), 16)
    assert found.images.shape == (6, 3, 16, 16)
    assert found.images.dtype == torch.uint8
    assert found.images.is_contiguous(memory_format=torch.channels_last)
    assert found.classes == ("a", "b")
    assert found.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert (len(found), found.size) == (6, 16)


def test_a_photograph_of_the_right_size_keeps_its_bytes(tmp_path):
    photo(tmp_path / "a.png", size=(16, 16))
    expected = torch.from_numpy(array((16, 16))).permute(2, 0, 1)
    assert torch.equal(load(tmp_path, 16).images[0], expected)


@pytest.mark.parametrize("shape", [(16, 24), (24, 16)])
def test_the_middle_is_kept(shape):
    pixels = array(shape)
    top, left = (shape[0] - 16) // 2, (shape[1] - 16) // 2
    assert np.array_equal(square(pixels, 16), pixels[top : top + 16, left : left + 16])


def test_reducing_keeps_the_level():
    assert np.array_equal(square(np.full((64, 48, 3), 77, np.uint8), 16), np.full((16, 16, 3), 77))


def test_photographs_stand_upright(tmp_path):
    pixels = array((16, 24), channels=3)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    kept = load(tmp_path, 16).images[0].permute(1, 2, 0).numpy()
    assert np.array_equal(kept, np.rot90(pixels, -1)[4:20])


def test_deep_grey_photographs_become_bytes_in_three_channels(tmp_path):
    deep = (array((16, 16), channels=0).astype(np.uint16)) * 257
    Image.fromarray(deep).save(tmp_path / "a.png")
    kept = load(tmp_path, 16).images[0]
    assert torch.equal(kept, torch.from_numpy(array((16, 16), channels=0)).expand(3, 16, 16))


def test_what_a_pack_marks_for_judging_is_not_learnt_from(tmp_path):
    path = packed(tmp_path / "p.npz")
    assert len(load(path, 16)) == 2
    assert len(load(path, 16, test=True)) == 1


def test_progress_is_told(tmp_path):
    told = []
    load(lay(tmp_path), 16, watch=lambda *numbers: told.append(numbers))
    assert told == [(number, 6) for number in range(1, 7)]


def test_what_cannot_be_used_is_left_out_by_name_and_reason(tmp_path):
    lay(tmp_path, classes="a", size=(32, 32))
    for name in "klmnop":
        photo(tmp_path / f"a/{name}.png", size=(20, 20))
    (tmp_path / "a/x.png").write_bytes(b"nonsense")
    photo(tmp_path / "a/y.png", size=(8, 8))
    notes = load(tmp_path, 32).notes
    assert "left out, smaller than 32×32 pixels: a/k.png, a/l.png, a/m.png and 3 more" in notes
    (unreadable,) = (note for note in notes if note.startswith("left out, cannot be read"))
    assert "a/x.png (" in unreadable
    assert "a/y.png (is 8×8 pixels, expected at least 16×16)" in unreadable


def test_nothing_usable_is_an_error_that_says_why(tmp_path):
    photo(tmp_path / "a.png", size=(20, 20))
    with pytest.raises(ProblemError, match=r"none of 1 images.*smaller than 32×32 pixels: a.png"):
        load(tmp_path, 32)


def test_nothing_at_all_is_an_error(tmp_path):
    with pytest.raises(ProblemError, match="expected photographs to train on, found none"):
        load(tmp_path, 32)
    with pytest.raises(ProblemError, match="none can be read"):
        fitting_size(tmp_path)


def test_one_class_is_none_and_noted(tmp_path):
    found = load(lay(tmp_path, classes="a"), 16)
    assert found.classes == ()
    assert found.labels.tolist() == [0, 0, 0]
    assert "there is one class, 'a': it is trained without classes" in found.notes


def test_fewer_than_a_hundred_are_noted(tmp_path):
    lay(tmp_path, count=99, classes="a")
    assert any(
        note.startswith("there are few photographs, 99") for note in load(tmp_path, 16).notes
    )
    photo(tmp_path / "a/more.png")
    assert not any("few" in note for note in load(tmp_path, 16).notes)


def test_grey_photographs_are_noted_among_colour_alone(tmp_path):
    for seed in range(3):
        photo(tmp_path / f"{seed}.png", channels=0, seed=seed)
    assert not any("grey" in note for note in load(tmp_path, 16).notes)
    photo(tmp_path / "colour.png")
    notes = load(tmp_path, 16).notes
    assert "3 of 4 photographs are grey: the generator will draw grey ones too" in notes


def test_more_than_the_memory_holds_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "_memory", lambda: 1000)
    with pytest.raises(ProblemError, match="choose a smaller --size or fewer images"):
        load(lay(tmp_path), 16)


@pytest.mark.parametrize(("sides", "size"), [((70, 80), 64), ((64,), 64), ((63,), 32), ((17,), 16)])
def test_the_size_fits_the_photographs(tmp_path, sides, size):
    for number, side in enumerate(sides):
        photo(tmp_path / f"{number}.png", size=(side, 200))
    assert fitting_size(tmp_path) == size


def test_the_size_has_a_limit(tmp_path):
    photo(tmp_path / "a.png", size=(300, 300))
    assert fitting_size(tmp_path) == 128
    assert fitting_size(tmp_path, 32) == 32


def test_one_small_photograph_in_twenty_does_not_make_all_small(tmp_path):
    for number in range(20):
        photo(tmp_path / f"{number:02}.png", size=(16, 16) if number == 7 else (40, 40))
    assert fitting_size(tmp_path) == 32


def numbers_of(batch) -> list[int]:
    return ((batch.images[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()


def test_every_photograph_comes_once_an_epoch_with_its_class():
    batches = Batches(few(), 2, torch.Generator().manual_seed(0))
    drawn = [batches.next() for _ in range(5)]
    numbers = [number for batch in drawn for number in numbers_of(batch)]
    assert sorted(numbers[:5]) == sorted(numbers[5:]) == list(range(5))
    assert numbers[:5] != numbers[5:]
    assert [label for batch in drawn for label in batch.labels.tolist()] == [n % 2 for n in numbers]


def test_a_batch_may_be_larger_than_the_data():
    numbers = numbers_of(Batches(few(), 10, torch.Generator().manual_seed(0)).next())
    assert sorted(numbers) == sorted([*range(5), *range(5)])


def test_bytes_become_numbers_from_minus_one_to_one():
    images = torch.tensor([0, 255], dtype=torch.uint8)[:, None, None, None].expand(2, 3, 8, 8)
    batch = Batches(Photographs(images, torch.zeros(2)), 2, torch.Generator().manual_seed(0)).next()
    assert sorted(batch.images.unique().tolist()) == [-1, 1]


def test_half_of_the_photographs_are_mirrored():
    picture = torch.arange(8, dtype=torch.uint8).expand(64, 3, 8, 8)
    photographs = Photographs(picture, torch.zeros(64))
    batch = Batches(photographs, 64, torch.Generator().manual_seed(0)).next()
    mirrored = int((batch.images[:, 0, 0, 0] > batch.images[:, 0, 0, -1]).sum())
    assert 20 < mirrored < 44
    plain = Batches(photographs, 64, torch.Generator().manual_seed(0), mirror=False).next()
    assert (plain.images[:, 0, 0, 0] < plain.images[:, 0, 0, -1]).all()


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_batches_go_on_where_they_were(taken):
    noise = torch.Generator().manual_seed(0)
    batches = Batches(few(), 2, noise)
    for _ in range(taken):
        batches.next()
    saved, state = batches.state_dict(), noise.get_state()
    expected = [batches.next().images for _ in range(4)]
    again = torch.Generator()
    other = Batches(few(), 2, again)
    other.load_state_dict(saved)
    again.set_state(state)
    assert all(torch.equal(other.next().images, images) for images in expected)
