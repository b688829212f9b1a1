"""Our networks, losses and operators against arrays that the authors' code recorded."""

from pathlib import Path

import numpy as np
import pytest
import torch

from priorfit.networks import convolution, subpixel
from priorfit.networks.hourglass import Hourglass
from tests.conftest import SHARED
from tests.parity.__main__ import fixtures, main
from tests.parity.dip import hourglass, hourglass_key, load
from tests.parity.fixture import Fixture, compare
from tests.parity.kinds import KINDS, LATER

GOLDEN = Path(__file__).parent / "golden"
RECORDED = [fixture for fixture in fixtures(SHARED / "fixtures") if fixture.kind not in LATER]
HOURGLASSES = {"dip_skip", "dip_trajectory"}
SIZE_KEPT = [
    fixture
    for fixture in fixtures(GOLDEN) + RECORDED
    if fixture.kind == "dip_skip" and "grows" not in fixture.name
]


def named(fixture: Fixture) -> str:
    return f"{fixture.folder.parent.name}/{fixture.name}"


@pytest.mark.parametrize("fixture", fixtures(GOLDEN) + RECORDED, ids=named)
def test_recorded_arrays_are_reproduced(fixture: Fixture):
    results = list(KINDS[fixture.kind](fixture))
    assert results
    assert [result for result in results if not result.passed] == []


@pytest.mark.parametrize(
    "fixture",
    [fixture for fixture in fixtures(GOLDEN) + RECORDED if fixture.kind in HOURGLASSES],
    ids=named,
)
def test_recorded_hourglasses_are_reproduced_when_computed_before_doubling(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
):
    # The recorded networks are narrower than those that it pays for.
    monkeypatch.setattr(subpixel, "_WIDE", 1)
    monkeypatch.setattr(convolution, "_WIDE", 1)
    assert [result for result in KINDS[fixture.kind](fixture) if not result.passed] == []


def test_the_shared_fixtures_are_there(shared: Path):
    assert len(RECORDED) > 20


@pytest.mark.parametrize("fixture", SIZE_KEPT, ids=named)
def test_keeping_the_size_changes_nothing_where_the_released_network_keeps_it(fixture: Fixture):
    names = {key: hourglass_key(role) for key, role in fixture.meta["key_roles"].items()}
    network: Hourglass = hourglass(fixture.config, keep_size=True).double().eval()
    load(network, names, fixture)
    with torch.no_grad():
        image = network(fixture.input("z", torch.float64))
    result = compare(fixture, "out_eval_mode", image, f64=True)
    assert result is not None
    assert result.passed


def test_the_runner_prints_one_line_for_each_fixture(capsys: pytest.CaptureFixture[str]):
    assert main([str(GOLDEN)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [f.name for f in fixtures(GOLDEN)]
    assert {line.split()[3] for line in lines} == {"pass"}


def test_the_runner_fails_on_a_kind_it_does_not_know(tmp_path: Path):
    (tmp_path / "meta.json").write_text('{"kind": "strange"}')
    assert main([str(tmp_path)]) == 1


def test_the_runner_refuses_a_folder_without_fixtures(tmp_path: Path):
    assert main([str(tmp_path)]) == 2


@pytest.fixture
def odd() -> Fixture:
    return Fixture(GOLDEN / "dip_skip_denoise_50x70_odd")


def test_a_wrong_array_is_told_from_a_right_one(odd: Fixture):
    right = odd.expected["out_eval_mode"]
    wrong = right.copy()
    wrong[0, 0, 0, 0] += 1e-4
    verdicts = [compare(odd, "out_eval_mode", got, f64=False) for got in (right, wrong)]
    assert [verdict.passed for verdict in verdicts if verdict] == [True, False]


@pytest.mark.parametrize("got", [np.zeros((1, 3, 50, 71)), np.full((1, 3, 50, 70), np.nan)])
def test_another_shape_or_no_number_fails(odd: Fixture, got: np.ndarray):
    verdict = compare(odd, "out_eval_mode", got, f64=False)
    assert verdict is not None
    assert not verdict.passed
