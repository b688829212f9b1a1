"""Distances between sets of features, and who asks for them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from priorfit.errors import ProblemError
from priorfit.train.frechet import Gaussian, embed_all, frechet, gaussian, nearest, overlap
from priorfit.train.judge import Judge, drawings, lay_out, sheet
from tests.training import colour, judge, noise, pair, photographs


def cloud(count: int = 50, width: int = 4, seed: int = 0) -> torch.Tensor:
    mixing = torch.randn(width, width, generator=noise(seed + 100))
    return torch.randn(count, width, generator=noise(seed)) @ mixing


def test_equal_sets_are_not_apart():
    assert frechet(gaussian(cloud()), gaussian(cloud())) == pytest.approx(0, abs=1e-9)


@given(st.integers(0, 1000), st.integers(1, 6), st.integers(2, 30))
def test_the_distance_is_symmetric_and_never_negative(seed, width, count):
    first, second = gaussian(cloud(count, width, seed)), gaussian(cloud(40, width, seed + 1))
    distance = frechet(first, second)
    assert distance >= 0
    assert distance == pytest.approx(frechet(second, first), rel=1e-6, abs=1e-6)


def test_the_distance_of_straight_gaussians_has_a_closed_form():
    mean, deviation = torch.tensor([[1.0, -2, 3], [0, 2, 1]]).double(), torch.rand(2, 3).double()
    first, second = (
        Gaussian(m, torch.diag(s.square())) for m, s in zip(mean, deviation, strict=True)
    )
    expected = (mean[0] - mean[1]).square().sum() + (deviation[0] - deviation[1]).square().sum()
    assert frechet(first, second) == pytest.approx(expected.item())


def test_the_distance_of_tilted_gaussians_has_a_closed_form():
    """Of covariances that commute, roots commute too."""
    turn, _ = torch.linalg.qr(torch.randn(3, 3, generator=noise(), dtype=torch.float64))
    roots = torch.tensor([[1.0, 2, 3], [2, 0.5, 1]], dtype=torch.float64)
    zero = torch.zeros(3, dtype=torch.float64)
    first, second = (Gaussian(zero, turn @ torch.diag(r.square()) @ turn.T) for r in roots)
    assert frechet(first, second) == pytest.approx((roots[0] - roots[1]).square().sum().item())


def test_a_shift_counts_by_its_square():
    moved = gaussian(cloud() + torch.tensor([3.0, 0, 4, 0]))
    assert frechet(gaussian(cloud()), moved) == pytest.approx(25, rel=1e-5)


def test_the_gaussian_of_features_is_that_of_the_textbook():
    features = cloud(7, 3).double()
    fitted = gaussian(features)
    centred = features - features.mean(0)
    assert torch.allclose(fitted.covariance, centred.T @ centred / 6)
    assert torch.allclose(fitted.mean, features.mean(0))
    assert gaussian(cloud(5, 1)).covariance.shape == (1, 1)


def test_one_image_has_no_spread():
    with pytest.raises(ProblemError, match="at least 2 images, got 1"):
        gaussian(cloud(1))


def test_features_that_are_no_numbers_are_refused():
    features = cloud()
    features[0, 0] = float("nan")
    with pytest.raises(ProblemError, match="no numbers"):
        gaussian(features)


def test_equal_sets_lie_among_each_other():
    assert overlap(cloud(), cloud()) == (1, 1)


def test_sets_far_apart_do_not_overlap():
    assert overlap(cloud(), cloud() + 1000) == (0, 0)


def test_drawings_of_one_photograph_are_precise_and_recall_little():
    photos = cloud(60)
    drawn = photos[:1] + 1e-4 * cloud(60, seed=1)
    found = overlap(photos, drawn)
    assert found.precision == 1
    assert found.recall <= 1 / 60


def test_drawings_of_everything_recall_and_are_not_precise():
    photos = 0.01 * cloud(60)
    found = overlap(photos, 100 * cloud(60, seed=1))
    assert found.recall == 1
    assert found.precision < 0.1


def test_overlap_is_that_of_explicit_loops():
    photos, drawn = cloud(12, 2).double(), cloud(9, 2, seed=5).double()

    def among(points, others):
        inside = 0
        for point in points:
            for other in others:
                reach = sorted((other - o).norm().item() for o in others)[3]
                if (point - other).norm().item() <= reach:
                    inside += 1
                    break
        return inside / len(points)

    assert overlap(photos, drawn) == pytest.approx((among(drawn, photos), among(photos, drawn)))


def test_overlap_needs_neighbours():
    with pytest.raises(ProblemError, match="more than 3 images"):
        overlap(cloud(3), cloud(50))


def test_the_nearest_is_found_with_its_distance():
    others = cloud(20)
    distances, numbers = nearest(others[[4, 7]] + 1e-3, others)
    assert numbers.tolist() == [4, 7]
    assert distances.tolist() == pytest.approx([2e-3, 2e-3], abs=1e-3)


def test_features_are_gathered_over_batches():
    images = torch.rand(5, 3, 4, 4, generator=noise())
    assert torch.allclose(embed_all(colour, images.split(2)), colour(images))


def test_photographs_themselves_would_be_judged_perfect(monkeypatch):
    found = judge()
    drawn = photographs().images.float() / 255
    monkeypatch.setattr("priorfit.train.judge.drawings", lambda *_: iter([drawn]))
    generator, _ = pair("stylegan").started(0)
    judgement = found.judge(generator)
    assert judgement.distance == pytest.approx(0, abs=1e-9)
    assert (judgement.precision, judgement.recall) == (1, 1)


def test_photographs_of_every_class_are_judged_by():
    levels = torch.arange(100, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 4, 4)
    features = Judge(colour, levels, most=10).features[:, 0] * 255
    assert features.tolist() == pytest.approx([11.0 * n for n in range(10)])


def test_few_photographs_cannot_judge():
    with pytest.raises(ProblemError, match="at least 4 photographs to judge by, got 3"):
        judge(photographs(3))


@pytest.mark.parametrize("classes", [0, 2])
def test_drawings_are_the_same_however_many_and_lie_on_bytes(classes):
    generator = pair("stylegan", classes=classes).started(0)[0].eval()
    drawn = torch.cat(list(drawings(generator, 10, batch=4)))
    assert drawn.shape == (10, 3, 8, 8)
    assert torch.equal(drawn, torch.cat(list(drawings(generator, 10, batch=4))))
    levels = drawn * 255
    assert torch.allclose(levels, levels.round(), atol=1e-4)
    assert 0 <= drawn.min() <= drawn.max() <= 1


def test_a_sheet_is_square_and_the_same_every_time():
    generator = pair("stylegan").started(0)[0].eval()
    assert sheet(generator).shape == (1, 3, 64, 64)
    assert torch.equal(sheet(generator), sheet(generator))


def test_tiles_lie_in_rows_and_what_is_left_over_is_black():
    images = torch.arange(1.0, 6)[:, None, None, None].expand(-1, 1, 2, 2)
    laid = lay_out(images, columns=3)[0, 0]
    assert laid[::2, ::2].tolist() == [[1, 2, 3], [4, 5, 0]]
