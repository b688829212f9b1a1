from pathlib import Path

import pytest

from priorfit.engine import large
from priorfit.engine.large import extent
from priorfit.errors import PriorfitError
from priorfit.loop import memory
from priorfit.records.sidecar import load_sidecar
from priorfit.runs import Job, resume, run
from priorfit.runs.desk import lay_out
from priorfit.tasks import Deblur, Dejpeg, Denoise, Enhance, Fuse, Inpaint, Upscale
from tests.tiny import changed, hole, photo, pixels


@pytest.fixture(autouse=True)
def small_probes(monkeypatch) -> None:
    monkeypatch.setattr(memory, "_SIDES", (24, 40))


@pytest.fixture
def wide(job: Job, tmp_path: Path) -> Job:
    """The job with a picture of more than one tile."""
    return changed(job, input=photo(tmp_path / "wide.png", size=(50, 90)), tile=48)


def test_a_picture_can_be_fitted_in_tiles(wide: Job):
    outcome = run(wide)
    assert pixels(wide.output).shape == (50, 90, 3)
    sidecar = load_sidecar(wide.output)
    assert sidecar.tiles == 6
    assert sidecar.steps == 4 * sidecar.tiles
    assert sidecar.memory_foretold > 2**20
    assert sidecar.seconds_foretold > 0
    assert "--tile 48 --steps 4" in " ".join(sidecar.repeat)
    assert not outcome.interrupted


def test_the_same_seed_gives_the_same_bytes_in_tiles(wide: Job, tmp_path: Path):
    run(wide)
    again = changed(wide, output=tmp_path / "again.png")
    run(again)
    assert wide.output.read_bytes() == again.output.read_bytes()


@pytest.mark.parametrize("after", [1, 4, 6, 23])
def test_interrupted_in_any_tile_it_goes_on_to_the_same_bytes(
    wide: Job, tmp_path: Path, after: int
):
    run(wide)
    broken = changed(wide, output=tmp_path / "broken.png")

    def watch(progress):
        assert progress.planned == 24
        if progress.step == after:
            raise KeyboardInterrupt

    outcome = run(broken, watch)
    assert outcome.interrupted
    resume(outcome.run_folder)
    assert broken.output.read_bytes() == wide.output.read_bytes()
    assert load_sidecar(broken.output).steps == 24


def test_a_time_limit_is_shared_by_the_tiles(wide: Job):
    told: list[str] = []
    limited = changed(wide, time_limit=4.0)
    run(limited, tell=told.append)
    sidecar = load_sidecar(limited.output)
    assert sidecar.tiles == 6
    # A machine that others use too may leave no time for the last tiles.
    assert sidecar.steps >= 6 or sidecar.stop_reason == "the time limit"
    assert len(told) == 1


def test_memory_is_foretold_where_somebody_asks(wide: Job):
    told: list[str] = []
    run(changed(wide, tile=None, memory_limit=10**12), tell=told.append)
    (line,) = told
    assert line.startswith("in one piece, foretold: ")
    assert " of memory and about " in line
    assert load_sidecar(wide.output).tiles == 1


def test_nothing_is_probed_for_small_pictures(wide: Job, monkeypatch):
    monkeypatch.setattr(large, "forecast", None)
    run(changed(wide, tile=None))
    assert load_sidecar(wide.output).memory_foretold is None


def test_where_the_whole_does_not_fit_it_is_cut_into_tiles_that_do(
    wide: Job, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(large, "_SIDES", (48, 1024))
    monkeypatch.setattr(large, "used", lambda: 0)
    free = changed(wide, tile=None, input=photo(tmp_path / "long.png", size=(60, 250)))
    desk = lay_out(free, "cpu")
    problem, recipe = desk.case.given, desk.recipe(4)
    known = memory.forecast(problem, recipe)
    whole = known.memory(60 * 250)
    assert extent(changed(free, memory_limit=2 * whole), problem, recipe, 4).tiles == 1
    limit = known.memory(70 * 70) + large._during(known, problem, 0) - known.memory(0)
    assert limit < whole
    cut = extent(changed(free, memory_limit=limit), problem, recipe, 4)
    assert cut.grid.tile == 64
    assert cut.memory <= limit


@pytest.mark.parametrize("limit", [1, 2**20, 150 * 2**20])
def test_a_limit_too_small_for_anything_is_refused_with_a_number(wide: Job, limit: int):
    with pytest.raises(PriorfitError, match=r"(GB|MB|allowed)") as caught:
        run(changed(wide, tile=None, memory_limit=limit))
    assert "\n" not in str(caught.value)
    assert not wide.output.exists()


def test_tiles_of_an_upscaled_picture_are_pixels_of_the_small_one(wide: Job):
    run(changed(wide, task=Upscale(factor=2)))
    assert pixels(wide.output).shape == (100, 180, 3)
    assert load_sidecar(wide.output).tiles == 6


@pytest.mark.parametrize("kind", ["inpaint", "deblur", "dejpeg", "fuse", "enhance"])
def test_every_task_can_be_done_in_tiles(wide: Job, tmp_path: Path, kind: str):
    jpeg = photo(tmp_path / "in.jpg", size=(50, 90))
    task = {
        "inpaint": Inpaint(hole_mask=hole(tmp_path / "hole.png", size=(50, 90))),
        "deblur": Deblur(gaussian=1.0),
        "dejpeg": Dejpeg(),
        "fuse": Fuse(flash=wide.input),
        "enhance": Enhance(),
    }[kind]
    run(
        changed(
            wide, task=task, recipe=f"dip/{kind}", input=jpeg if kind == "dejpeg" else wide.input
        )
    )
    assert pixels(wide.output).shape == (50, 90, 3)
    assert load_sidecar(wide.output).tiles == 6


def test_what_tiles_cannot_do_is_refused(wide: Job):
    with pytest.raises(PriorfitError, match="snapshots"):
        run(changed(wide, snapshots=(2,)))


def test_a_tile_larger_than_the_picture_is_one_piece(wide: Job, tmp_path: Path):
    run(changed(wide, tile=None))
    one = changed(wide, tile=90, output=tmp_path / "one.png", task=Denoise(noise_std=0.1))
    run(one)
    assert one.output.read_bytes() == wide.output.read_bytes()
