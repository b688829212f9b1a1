"""A whole training in its folder: judged, interrupted, gone on with, and what it leaves."""

import dataclasses
import json
import re

import pytest
import torch
from PIL import Image

from priorfit.errors import DivergenceError, PriorfitError, ProblemError
from priorfit.networks.generator import Discriminator
from priorfit.networks.generator import Generator as Drawing
from priorfit.networks.pretrained import Pretrained
from priorfit.records.state_file import load_state
from priorfit.train import card, page
from priorfit.train.card import CardFacts
from priorfit.train.run import SHEETS, STATE, Length, TrainingRun
from tests.markup import Elements
from tests.training import judge, pair, photographs

ABOUT = CardFacts(
    "pictures.zip", 24, ("odd", "even"), "priorfit train generator --data pictures.zip"
)


def run(folder, images: int | None = 40, family: str = "stylegan", judged: bool = True, **how):
    length = Length(images, how.pop("minutes", None), how.pop("piece", None))
    learnt = how.pop("learnt", None) or photographs()
    return TrainingRun(
        folder, pair(family, **how), learnt, length, judge=judge() if judged else None
    )


def bytes_of(training: TrainingRun) -> list[torch.Tensor]:
    state = training.training.state_dict()
    return [t for part in ("generator", "discriminator", "average") for t in state[part].values()]


def counting(steps: int):
    """Ctrl-C after so many steps."""
    asked = iter(range(steps + 1))
    return lambda: next(asked) >= steps


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> TrainingRun:
    """A training that is over, with everything that it leaves."""
    made = run(tmp_path_factory.mktemp("trained") / "mine", classes=2)
    assert made.go_on()
    about = dataclasses.replace(ABOUT, features="means", notes=("few | of <them>",))
    card.write(made, about)
    page.write(made, about)
    return made


def test_a_length_is_needed(tmp_path):
    with pytest.raises(ProblemError, match="a number of images or of minutes"):
        run(tmp_path, images=None)


def test_a_length_ends_by_whichever_comes_first():
    length = Length(images=100, minutes=2)
    assert length.part(50, 30) == 0.5
    assert length.part(10, 90) == 0.75
    assert length.part(500, 0) == 1
    assert Length(minutes=1).part(10**9, 15) == 0.25


def test_a_training_ends_after_so_many_images(done):
    assert done.training.seen == 40


def test_it_is_judged_and_noted_as_it_goes_and_at_its_end(done):
    judged = [point["images"] for point in done.curve if "distance" in point]
    noted = [point["images"] for point in done.curve if "generator" in point]
    assert judged[-1] == noted[-1] == 40
    assert len(judged) == len(set(judged)) >= 5
    assert len(noted) == len(set(noted)) == 10
    assert all(point["discriminator"] > 0 for point in done.curve if "generator" in point)
    assert list((done.folder / SHEETS).glob("*.png"))


@pytest.mark.parametrize("after", [1, 4, 9])
def test_a_training_that_is_interrupted_goes_on_to_the_same_bytes(tmp_path, done, after):
    first = run(tmp_path)
    assert not first.go_on(interrupted=counting(after))
    assert first.training.seen == 4 * after
    second = run(tmp_path)
    second.resume()
    assert second.go_on()
    assert all(torch.equal(a, b) for a, b in zip(bytes_of(second), bytes_of(done), strict=True))
    points = [{k: v for k, v in p.items() if k != "seconds"} for p in second.curve]
    assert points == [{k: v for k, v in p.items() if k != "seconds"} for p in done.curve]


def test_a_piece_ends_and_can_be_gone_on_with(tmp_path):
    piece = run(tmp_path, piece=1e-9)
    assert not piece.go_on()
    assert 0 < piece.training.seen < 40
    assert (tmp_path / STATE).is_file()


def test_minutes_are_those_of_all_pieces(tmp_path):
    first = run(tmp_path, images=None, minutes=1000, judged=False)
    first.go_on(interrupted=counting(2))
    over = first.seconds / 61  # minutes, less than it has taken: seconds / 60 may round to more
    second = run(tmp_path, images=None, minutes=over, judged=False)
    second.resume()
    assert second.go_on()
    assert second.training.seen == 8


def test_a_training_that_is_over_stays_as_it_is_and_can_be_made_longer(tmp_path):
    first = run(tmp_path, images=12)
    first.go_on()
    again = run(tmp_path, images=12)
    again.resume()
    assert again.go_on()
    assert again.curve == first.curve
    longer = run(tmp_path, images=24)
    longer.resume()
    assert longer.go_on()
    assert longer.training.seen == longer.curve[-1]["images"] == 24
    assert len(longer.curve) > len(first.curve)


def test_a_training_goes_on_with_nothing_but_its_own_data_and_options(tmp_path):
    run(tmp_path, images=4, judged=False).go_on()
    others = [
        ({"learnt": photographs(seed=1)}, "begun with other photographs"),
        ({"batch": 6}, "begun with --batch 4"),
        ({"family": "biggan"}, "other networks"),
        ({"classes": 0}, "other networks"),
    ]
    for how, says in others:
        with pytest.raises(ProblemError, match=says):
            run(tmp_path, **how).resume()


@pytest.mark.parametrize("content", [b"", b"nonsense", b'\x08\0\0\0\0\0\0\0{"a": 3}'])
def test_a_damaged_state_is_refused(tmp_path, content):
    (tmp_path / STATE).write_bytes(content)
    with pytest.raises(PriorfitError, match="is not the state of a run"):
        run(tmp_path).resume()


def test_progress_is_told_after_every_step(tmp_path):
    told = []
    run(tmp_path, judged=False).go_on(told.append)
    assert [progress.seen for progress in told] == list(range(4, 44, 4))
    assert [progress.part for progress in told] == pytest.approx([n / 10 for n in range(1, 11)])
    assert all(progress.rate > 0 for progress in told)
    assert told[-1].left == 0
    assert told[0].left > 0


def test_a_training_that_lost_its_way_leaves_no_state(tmp_path):
    lost = run(tmp_path, judged=False)
    with torch.no_grad():
        next(lost.training.generator.parameters()).fill_(float("nan"))
    with pytest.raises(DivergenceError):
        lost.go_on()
    assert not (tmp_path / STATE).exists()


@pytest.mark.parametrize("family", ["biggan", "stylegan"])
def test_what_is_left_can_be_loaded_and_draws_the_same(tmp_path, done, family):
    made = done
    if family == "biggan":
        made = run(tmp_path, images=8, family=family, judged=False)
        made.go_on()
        card.write(made, ABOUT)
    generator = Drawing.from_pretrained(made.folder)
    discriminator = Discriminator.from_pretrained(made.folder / card.DISCRIMINATOR)
    z, c = torch.ones(1, generator.z_dim), generator.embed(torch.tensor([1]))
    mine = made.average()
    with torch.no_grad():
        drawn, expected = generator(z, c), mine(z, mine.embed(torch.tensor([1])))
    assert drawn.shape == (1, 3, 8, 8)
    assert torch.allclose(drawn, expected, atol=0.02)  # it is stored in halves
    assert discriminator(drawn).shape == (1,)
    assert generator.source["trained_on"] == "pictures.zip"
    assert generator.source["classes"] == ["odd", "even"]


def test_a_state_holds_numbers_and_words_alone(done):
    state = load_state(done.folder / STATE)
    assert set(state) == {"begun", "training", "curve", "seconds", "noted", "looked"}


def test_the_card_says_what_was_done(done):
    text = (done.folder / card.CARD).read_text("utf-8")
    assert text.startswith("# mine\n")
    for words in (
        "8×8 pixels",
        "| classes | odd, even |",
        "24 photographs of pictures.zip",
        "| licence of the data | not stated |",
        "40 images in ",
        "| judged by | means, against these |",
        "`priorfit train generator --data pictures.zip`",
        "| images | Fréchet distance by means | precision | recall |",
    ):
        assert words in text
    with Image.open(done.folder / card.SAMPLES) as samples:
        assert samples.size == (64, 64)
    assert f"]({card.SAMPLES})" in text


def test_odd_names_do_not_break_the_card(done):
    text = (done.folder / card.CARD).read_text("utf-8")
    assert r"- Few \| of \<them\>." in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) in (3, 5) for row in rows)
    about = dataclasses.replace(ABOUT, classes=("a|b", "c\nd"))
    assert r"| classes | a\|b, c\\nd |" in card.card(done, about)


def test_the_report_stands_alone(done):
    text = (done.folder / page.REPORT).read_text("utf-8")
    (sheet,) = Elements(text).all("img")
    assert sheet["src"].startswith("data:image/png;base64,")
    assert "http" not in text.replace("http-equiv", "")
    assert text.count("<polyline") == 5
    for words in (
        "Fréchet distance by means",
        "Loss of the generator",
        "mine",
        "few | of &lt;them",
    ):
        assert words in text


def test_a_report_can_be_written_before_the_end(tmp_path):
    first = run(tmp_path, judged=False)
    first.go_on(interrupted=counting(0))
    page.write(first, ABOUT, over=False)
    text = (tmp_path / page.REPORT).read_text("utf-8")
    assert "whose training is not over" in text
    assert "No point of a curve has been noted yet" in text
    first.go_on(interrupted=counting(3))
    page.write(first, ABOUT, over=False)
    assert (tmp_path / page.REPORT).read_text("utf-8").count("<polyline") == 2


def test_nothing_tells_where_files_lay(done):
    where = str(done.folder.parent)
    for name in (card.CARD, page.REPORT, "config.json"):
        assert where not in (done.folder / name).read_text("utf-8")
    source = json.loads((done.folder / "config.json").read_text())["source"]
    assert source["trained_on"] == "pictures.zip"
    assert Pretrained.from_pretrained(done.folder).source == source
