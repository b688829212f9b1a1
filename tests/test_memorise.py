"""What is learnt by heart: lessons that keep what they should, and a loop that repeats itself."""

import pytest
import torch

from priorfit.analysis.labels import crops, lessons
from priorfit.errors import ProblemError
from priorfit.train.data import Photographs
from priorfit.train.memorise import Drill, memorise
from tests.training import photographs

DRILL = Drill(epochs=6, batch=8, width=4, stages=2)


def ordered(images: torch.Tensor) -> torch.Tensor:
    """The values of each image and channel in order."""
    return images.flatten(2).sort(-1).values


def test_each_lesson_takes_away_what_it_says():
    of = photographs(count=20)
    found = lessons(of, 0)
    true = found["true labels"]
    assert torch.equal(true.labels, of.labels)
    torch.testing.assert_close(true.images * 255, of.images.float())
    for name in ("shuffled pixels", "random pixels"):
        assert torch.equal(ordered(found[name].images), ordered(true.images)), name
        assert not torch.equal(found[name].images, true.images)
        assert torch.equal(found[name].labels, of.labels)
    assert torch.equal(found["random labels"].images, true.images)
    assert found["random labels"].labels.unique().tolist() == [0, 1]
    noise = found["normal noise"].images
    assert noise.mean() == pytest.approx(float(true.images.mean()), abs=0.02)
    assert noise.std() == pytest.approx(float(true.images.std()), rel=0.05)


def test_one_order_for_all_images_or_one_for_each():
    ramp = torch.arange(64, dtype=torch.uint8).expand(6, 3, 64).reshape(6, 3, 8, 8).contiguous()
    found = lessons(Photographs(ramp, torch.arange(6) % 2, ("a", "b")), 3)
    same, own = found["shuffled pixels"].images, found["random pixels"].images
    assert (same == same[:1]).all()
    assert not (own[1:] == own[:1]).flatten(1).all(1).any()
    assert (own == own[:, :1]).all()  # the channels of a pixel stay together


def test_what_comes_with_scikit_image_makes_ten_classes():
    of = crops(0, side=8, each=3)
    assert of.images.shape == (30, 3, 8, 8)
    assert of.labels.bincount().tolist() == [3] * len(of.classes) == [3] * 10
    assert torch.equal(of.images, crops(0, side=8, each=3).images)
    assert not torch.equal(of.images, crops(1, side=8, each=3).images)


def test_a_classifier_learns_by_heart_the_same_way_twice():
    lesson = lessons(photographs(), 0)["random labels"]
    one, again, other = (memorise(lesson.images, lesson.labels, DRILL, s) for s in (0, 0, 1))
    assert one == again
    assert one != other
    assert [step for step, _ in one.losses] == [3, 6, 9, 12, 15, 18]
    assert one.losses[-1][1] < one.losses[0][1]
    assert 0.5 <= one.accuracy <= 1


def test_a_lesson_is_over_when_it_is_known():
    lesson = lessons(photographs(), 0)["true labels"]
    told: list[tuple[int, float]] = []
    drill = Drill(epochs=50, batch=8, width=4, stages=2, enough=0.5)
    found = memorise(lesson.images, lesson.labels, drill, 0, lambda *seen: told.append(seen))
    assert len(found.losses) < 50
    assert found.losses[-1][1] <= 0.5 < found.losses[-2][1]
    assert tuple(told) == found.losses


def test_photographs_of_one_kind_teach_nothing():
    with pytest.raises(ProblemError, match="at least two classes"):
        lessons(Photographs(torch.zeros(4, 3, 8, 8, dtype=torch.uint8), torch.zeros(4).long()), 0)
