"""The benchmark: published rows, protocols, suites, resuming, tables; its runs are pretended."""

import json
import statistics
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from priorfit.bench import launch, published, run, suites
from priorfit.bench.damages import levels
from priorfit.bench.results import BenchRun, Results, load, save
from priorfit.bench.run import BenchPlan, measure, turns, with_cheap
from priorfit.bench.table import table
from priorfit.errors import ImageFileError, PriorfitError
from priorfit.guarantee.comparators import alternatives
from priorfit.tasks import Upscale


@pytest.mark.parametrize(
    ("suite", "count", "mean"),
    [("denoise25", 9, 31.29), ("pixels50", 11, 33.44), ("set5_x4", 5, 29.89), ("set14_x4", 14, 27)],
)
def test_the_published_rows(suite, count, mean):
    names = published.names(suite)
    authors = [published.look_up(suite, name)[published.AUTHORS] for name in names]
    assert len(names) == count
    assert statistics.mean(authors) == pytest.approx(mean, abs=0.006)


@pytest.mark.parametrize("name", suites.SAMPLES)
def test_the_samples_are_damaged_the_same_way_every_time(name):
    suite = suites.SUITES[name]
    image = suite.images[0]
    case, again = (suite.case(image, side=64) for _ in range(2))
    assert np.array_equal(case.damaged, again.damaged)
    assert case.truth.shape[:2] == (64, 64)
    assert case.problem.shape[1:] == (64, 64)
    assert case.score(case.truth) == {"psnr": float("inf"), "ssim": pytest.approx(1)}


def test_half_of_the_pixels_are_missing():
    case = suites.SUITES["samples-pixels50"].case("camera")
    assert case.truth.shape == (256, 256)
    assert (case.hole > 0).mean() == pytest.approx(0.5, abs=0.01)
    assert np.array_equal(case.damaged[case.hole == 0], case.truth[case.hole == 0])


def test_a_coin_decides_where_the_truth_is_black_too():
    truth = np.arange(256, dtype=np.uint8).reshape(16, 16).repeat(4, 0).repeat(4, 1)
    truth[:32] = 0
    damaged = suites.PIXELS50.make(truth, np.random.default_rng(1))
    hole, again = (suites.PIXELS50.hole(damaged, truth, np.random.default_rng(0)) for _ in range(2))
    assert np.array_equal(hole, again)
    assert np.array_equal(hole[32:] == 255, damaged[32:] == 0)
    assert (hole[:32] == 255).mean() == pytest.approx(0.5, abs=0.05)


def test_a_mask_that_was_drawn_here_is_found_again_in_black():
    black = np.zeros((32, 32), np.uint8)
    damaged = suites.PIXELS50.make(black, np.random.default_rng(0))
    hole = suites.PIXELS50.hole(damaged, black, np.random.default_rng(0))
    drawn = suites.PIXELS50.make(black + 1, np.random.default_rng(0))
    assert np.array_equal(hole == 255, drawn == 0)


@pytest.mark.parametrize(
    ("suite", "image", "expected"),
    [("denoise25", "hill", 20.30), ("pixels50", "house", 7.91)],
)
def test_the_protocol_gives_the_published_damage(shared, suite, image, expected):
    case = suites.SUITES[suite].case(image, shared / "images" / "dip_paper")
    assert case.score(case.damaged)["psnr"] == pytest.approx(expected, abs=0.006)


def test_bicubic_enlargement_is_near_what_is_published(shared):
    case = suites.SUITES["set5_x4"].case("butterfly", shared / "images" / "dip_paper")
    made = {each.name: each.image for each in alternatives(Upscale().comparators, case.problem)}
    told = published.look_up("set5_x4", "butterfly")["bicubic"]
    assert case.score(levels(made["bicubic"]))["psnr"] == pytest.approx(told, abs=0.35)


def test_published_suites_need_a_folder_with_pictures(tmp_path):
    suite = suites.SUITES["denoise25"]
    with pytest.raises(PriorfitError, match="--images"):
        suite.case("F16")
    with pytest.raises(ImageFileError, match="cannot be read"):
        suite.case("F16", tmp_path)
    (tmp_path / "denoise25").mkdir()
    (tmp_path / "denoise25" / "F16_GT.png").write_bytes(b"no picture")
    with pytest.raises(ImageFileError, match="is no PNG"):
        suite.case("F16", tmp_path)


def test_published_files_are_read_as_they_are(tmp_path):
    (tmp_path / "denoise25").mkdir()
    rng = np.random.default_rng(0)
    pixels = {name: rng.integers(0, 256, (40, 48, 3), np.uint8) for name in ("GT", "noisy")}
    for name, each in pixels.items():
        Image.fromarray(each).save(tmp_path / "denoise25" / f"F16_{name}.png")
    case = suites.SUITES["denoise25"].case("F16", tmp_path, side=32)
    assert np.array_equal(case.truth, pixels["GT"][:32, :32])
    assert np.array_equal(case.damaged, pixels["noisy"][:32, :32])


def made(turn, plan) -> BenchRun:
    return BenchRun(
        suite=turn.case.suite,
        image=turn.case.name,
        side=plan.side,
        recipe=turn.recipe,
        seed=turn.seed,
        psnr=30.0 + turn.seed,
        seconds=2.0,
        peak=10**9,
        steps=7,
        machine="abacus",
        date="2026-01-01",
    )


PLAN = BenchPlan(["samples-denoise25"], side=32, seeds=2, most=2, patience=0.01)


def test_runs_are_kept_one_by_one_and_never_made_twice(tmp_path, monkeypatch):
    path, kept = tmp_path / "results.json", []
    monkeypatch.setattr(run, "_run", made)
    monkeypatch.setattr(run, "save", lambda p, r: (kept.append(len(r.runs)), save(p, r)))
    assert measure(PLAN, path, lambda line: None, after=lambda results: None) == []
    assert kept == [1, 2, 3, 4]
    results = load(path)
    assert [(r.image, r.seed) for r in results.runs] == [
        ("astronaut", 0), ("chelsea", 0), ("astronaut", 1), ("chelsea", 1)
    ]  # fmt: skip
    assert list(turns(PLAN, results)) == []
    longer = BenchPlan(PLAN.suites, side=32, seeds=3, most=2)
    assert [turn.seed for turn in turns(longer, results)] == [2, 2]


def test_a_command_that_fails_leaves_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "_run", lambda turn, plan: made(turn, plan) if turn.seed else None)
    failed = measure(PLAN, tmp_path / "r.json", lambda line: None, after=lambda results: None)
    assert failed == ["samples-denoise25/astronaut", "samples-denoise25/chelsea"]
    assert len(load(tmp_path / "r.json").runs) == 2


def test_cheap_methods_are_measured_once_an_image():
    case = suites.SUITES["samples-denoise25"].case("chelsea", side=32)
    results = with_cheap(Results(), case, PLAN)
    assert [row.method for row in results.cheap] == [
        "as it was", "non-local means", "total variation"
    ]  # fmt: skip
    assert with_cheap(results, case, PLAN) == results


def test_a_table_has_the_authors_pictures_for_whole_images_alone():
    whole = [
        {"suite": "denoise25", "image": image, "side": None, "recipe": "r", "seed": seed,
         "psnr": psnr, "seconds": 5, "steps": 9, "machine": "abacus", "date": "2026-01-01"}
        for image, seed, psnr in [("F16", 0, 33.0), ("F16", 1, 34.0), ("hill", 0, 32.0)]
    ]  # fmt: skip
    text = table(Results(runs=tuple(BenchRun(**row) for row in whole)), "priorfit bench dip")
    assert "| F16 | 32.67 | 31.34 | 33.69 | 33.50 | 1.00 | -0.19 | 2 | 5 |" in text
    assert "| **mean** | **32.70** | **31.41** | **32.89** | **32.75** |  | **-0.14** |" in text
    assert "abacus" in text and "2026-01-01" in text and "`priorfit bench dip`" in text
    corner = Results(runs=tuple(BenchRun(**{**row, "side": 64}) for row in whole))
    assert "authors" not in table(corner, "x") and "corner of 64 pixels" in table(corner, "x")


def test_every_row_of_a_table_has_as_many_cells():
    runs = tuple(
        made(turn, PLAN) for turn in turns(BenchPlan(suites.SAMPLES, side=32, most=2), Results())
    )
    blocks = table(Results(runs=runs), "x").split("\n## ")[1:]
    assert len(blocks) == len(suites.SAMPLES)
    for block in blocks:
        assert len({line.count("|") for line in block.splitlines() if line.startswith("|")}) == 1


def test_measurements_come_back(tmp_path):
    case = suites.SUITES["samples-x4"].case("coffee", side=32)
    results = with_cheap(Results(), case, PLAN)
    save(tmp_path / "r.json", results)
    assert load(tmp_path / "r.json") == results
    (tmp_path / "r.json").write_text('{"runs": [{}]}')
    with pytest.raises(PriorfitError, match="is damaged"):
        load(tmp_path / "r.json")


def test_a_command_is_measured_by_a_small_process(tmp_path):
    file = tmp_path / "m.json"
    assert launch.main(file, [sys.executable, "-S", "-c", "raise SystemExit(3)"]) == 3
    measures = json.loads(file.read_text())
    assert measures["seconds"] > 0
    assert measures["peak"] is None or 10**6 < measures["peak"] < 10**11


def test_the_launcher_needs_no_package():
    text = Path(launch.__file__).read_text()
    assert "priorfit" not in text.replace("`priorfit", "")
