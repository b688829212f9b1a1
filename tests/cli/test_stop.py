"""--stop: a rule for any recipe; its name, what it saw and which step it picked are on record."""

import pytest

from priorfit.records.sidecar import load_sidecar
from tests.tiny import hole, photo, pixels


@pytest.fixture
def picture(folder):
    photo(folder / "a.png")
    hole(folder / "mask.png")
    return folder


def test_a_recipe_without_a_rule_has_none_unless_asked(priorfit, picture):
    priorfit("denoise", "a.png", "-o", "b.png", "--noise-std", 0.1)
    priorfit("denoise", "a.png", "-o", "c.png", "--noise-std", 0.1, "--stop", "none")
    assert load_sidecar(picture / "b.png").rule is None
    assert (picture / "b.png").read_bytes() == (picture / "c.png").read_bytes()


@pytest.mark.parametrize("rule", ["auto", "held-out", "moving-variance", "objective", "residual"])
def test_what_a_rule_saw_is_on_record(priorfit, picture, rule):
    command = ("denoise", "a.png", "-o", "b.png", "--noise-std", 0.1, "--steps", 6)
    assert priorfit(*command, "--stop", rule).status == 0
    sidecar = load_sidecar(picture / "b.png")
    assert sidecar.rule.about
    assert [step for step, _ in sidecar.rule.curve] == [1, 2, 3, 4, 5, 6]
    assert 1 <= sidecar.rule.step <= 6


def test_what_repeats_a_run_names_its_rule(priorfit, picture):
    priorfit("inpaint", "a.png", "-o", "b.png", "--hole-mask", "mask.png", "--stop", "held-out")
    again = load_sidecar(picture / "b.png").repeat
    assert "--stop" in again
    assert priorfit("inpaint", "a.png", "-o", "c.png", *again).status == 0
    assert (picture / "b.png").read_bytes() == (picture / "c.png").read_bytes()


def test_known_pixels_that_were_held_out_come_back(priorfit, picture):
    priorfit("inpaint", "a.png", "-o", "b.png", "--hole-mask", "mask.png", "--stop", "held-out")
    known = pixels(picture / "mask.png") == 0
    assert (pixels(picture / "b.png")[known] == pixels(picture / "a.png")[known]).all()


def test_a_rule_of_no_known_name_is_wrong_usage(priorfit, picture):
    answer = priorfit("denoise", "a.png", "-o", "b.png", "--stop", "soon")
    assert answer.status == 2
    assert "'--stop'" in answer.err
    assert "held-out" in answer.err
    assert not (picture / "b.png").exists()


def test_a_rule_that_needs_the_noise_level_says_so(priorfit, picture):
    answer = priorfit(
        "inpaint", "a.png", "-o", "b.png", "--hole-mask", "mask.png", "--stop", "residual", "-q"
    )
    assert (answer.status, len(answer.lines)) == (1, 1)
    assert "another rule" in answer.err
