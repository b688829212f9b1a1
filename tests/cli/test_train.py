"""`priorfit train generator`: exit statuses, messages, Ctrl-C, and silence in a pipe."""

import os
import signal
import sys

import pytest
import torch

from priorfit.networks.generator import Generator
from priorfit.records.state_file import load_state
from priorfit.store import folders
from priorfit.train.generator import Training
from priorfit.train.run import STATE
from tests.test_train_onlooker import network
from tests.tiny import photo
from tests.training import classifier

FEW = "priorfit: photos: there are few photographs, 6: expected at least 100"
UNJUDGED = "priorfit: no Fréchet distance will be measured: no checkpoint 'scenes-features'"


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("PRIORFIT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(folders, "ZOO", tmp_path / "zoo")


@pytest.fixture
def photos(folder):
    """Six photographs in two classes."""
    for name in ("forest", "sea"):
        (folder / "photos" / name).mkdir(parents=True)
        for seed in range(3):
            photo(folder / "photos" / name / f"{seed}.png", size=(16, 20), seed=seed)
    return folder / "photos"


@pytest.fixture
def train(priorfit, photos):
    """Run the command on the photographs, with tiny networks and three steps."""

    def run(*more, out="out", images=12, family="stylegan", data="photos"):
        return priorfit(
            *("train", "generator", "--data", data, "-o", out, "--size", 8, "--width", 2),
            *("--batch", 4, "--images", images, "--family", family, "--threads", 1),
            *("--precision", "float32", *more),
        )

    return run


def state_of(folder) -> list[torch.Tensor]:
    state = load_state(folder / STATE)["training"]
    return [t for part in ("generator", "discriminator", "average") for t in state[part].values()]


@pytest.fixture
def pressing(monkeypatch):
    """Ctrl-C in the second step."""
    step, taken = Training.step, []

    def interrupted(training: Training) -> None:
        step(training)
        taken.append(training)
        if len(taken) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Training, "step", interrupted)


def test_a_training_leaves_a_generator_a_card_and_a_report(train, folder):
    answer = train()
    assert answer.status == 0
    assert answer.out == "out: 12 images, 0.0 minutes\n"
    assert [
        line[: len(start)] for line, start in zip(answer.lines, (FEW, UNJUDGED), strict=True)
    ] == [
        FEW,
        UNJUDGED,
    ]
    left = {path.name for path in (folder / "out").iterdir()}
    assert left >= {"README.md", "report.html", "samples.png", "config.json", "model.safetensors"}
    assert Generator.from_pretrained(folder / "out").classes == 2


def test_quiet_says_nothing(train):
    assert train("-q") == (0, "", "")


def test_without_a_size_and_a_family_both_come_from_the_photographs(priorfit, photos, folder):
    answer = priorfit(
        *("train", "generator", "--data", "photos", "-o", "out", "--images", 2, "--batch", 2),
        *("--width", 2, "-q"),
    )
    assert answer == (0, "", "")
    generator = Generator.from_pretrained(folder / "out")
    assert (generator.kind, generator.size) == ("biggan", (16, 16))


def test_cards_and_reports_tell_names_not_places(train, photos, folder):
    classifier().save_pretrained(folder / "secret" / "mine")
    answer = train("--features", folder / "secret/mine", "-q", data=photos, out=folder / "out")
    assert answer == (0, "", "")
    for name in ("README.md", "report.html", "config.json"):
        text = (folder / "out" / name).read_text("utf-8")
        assert str(folder) not in text
        assert "secret" not in text
    card = (folder / "out/README.md").read_text("utf-8")
    assert "`priorfit train generator --data photos --output out" in card
    assert "--features mine" in card
    assert "Fréchet distance by mine" in card


def test_the_same_seed_makes_the_same_bytes(train, folder):
    for out in ("out", "again"):
        train("-q", out=out)
    train("-q", "--seed", 1, out="other")
    models = [
        (folder / out / "model.safetensors").read_bytes() for out in ("out", "again", "other")
    ]
    assert models[0] == models[1] != models[2]


def test_ctrl_c_keeps_the_training_and_says_how_to_go_on(train, folder, pressing):
    answer = train("--features", "none", images=24)
    assert answer.status == 130
    assert answer.out == ""
    assert answer.lines[1:] == [
        "priorfit: out: stopped after 8 images; to continue: priorfit train generator "
        "--data photos --output out --family stylegan --size 8 --width 2 --batch 4 "
        "--images 24 --features none --precision float32 --threads 1 --resume"
    ]
    assert (folder / "out/report.html").is_file()
    assert not (folder / "out/README.md").exists()
    assert train("--features", "none", "--resume", "-q", images=24) == (0, "", "")
    train("--features", "none", "-q", images=24, out="whole")
    pairs = zip(state_of(folder / "out"), state_of(folder / "whole"), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_a_second_ctrl_c_stops_at_once(train, monkeypatch):
    def twice(training: Training) -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Training, "step", twice)
    assert train("-q") == (130, "", "")


def test_a_piece_is_no_failure(train):
    answer = train("--piece", 1e-9, "--features", "none")
    assert answer.status == 0
    assert answer.out.startswith(
        "out: stopped after 4 images; to continue: priorfit train generator"
    )
    assert "--resume" in answer.out


def test_a_folder_is_never_trained_over_by_mistake(train):
    assert train("--resume").lines == [
        "priorfit: out: holds no training to continue: leave out --resume"
    ]
    train("-q")
    answer = train()
    assert answer.status == 1
    assert answer.lines == [
        "priorfit: out: already holds a training: continue with --resume or use another folder"
    ]


def test_other_options_do_not_go_on(train):
    train("-q")
    answer = train("--resume", "-q", "--width", 3, images=24)
    assert answer.status == 1
    assert "give the options that it was begun with" in answer.err


@pytest.mark.parametrize("options", [("--grow", 0), ("--augment", "never")])
def test_how_networks_grow_and_what_they_are_shown_changes_what_is_learnt(train, folder, options):
    size = ("--size", 16, "-q")  # the last of two counts
    assert (
        train(*size, images=8).status == train(*size, *options, out="other", images=8).status == 0
    )
    one, other = (state_of(folder / name)[0] for name in ("out", "other"))
    assert one.shape == other.shape
    assert not torch.equal(one, other)


def test_a_resolution_grows_for_half_of_the_length_and_goes_on_as_it_began(train, folder):
    size = ("--size", 16, "-q")
    assert train(*size, images=8).status == 0
    saved = load_state(folder / "out" / STATE)["training"]["growing"]
    assert sum(saved[1:]) * saved[0] == 8 // 2
    assert train(*size, "--resume", images=40).status == 0
    assert load_state(folder / "out" / STATE)["training"]["growing"] == saved


WRONG = {
    ("--size", 24): "expected 8, 16, 32 … 1024, got 24",
    ("--size", 2048): "expected 8, 16, 32 … 1024, got 2048",
    ("--minutes", 0): "expected a number above 0, got 0",
    ("--minutes", "nan"): "expected a number above 0, got nan",
    ("--piece", -1): "expected a number above 0, got -1",
    ("--family", "vae"): "got 'vae'",
    ("--augment", "sometimes"): "expected always, adaptive or never, got 'sometimes'",
    ("--grow", 8, "--family", "biggan"): "expected one of pggan, stylegan for --grow, got 'biggan'",
    ("--grow", -1): "--grow",
    ("--precision", "float8"): "expected auto, float32 or bfloat16, got 'float8'",
    ("--batch", 1): "--batch",
}


@pytest.mark.parametrize("option", WRONG)
def test_wrong_usage_is_refused_before_anything_is_made(train, folder, option):
    answer = train(*option)
    assert (answer.status, answer.out) == (2, "")
    assert len(answer.lines) == 1
    assert WRONG[option] in answer.err
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("missing", "missing: cannot be read: No such file or directory"),
        ("empty", "empty: expected photographs to train on, found none"),
        ("photos/sea/0.png", "expected a folder, a zip file or an .npz pack"),
    ],
)
def test_bad_data_is_one_line(train, folder, data, says):
    (folder / "empty").mkdir()
    answer = train(data=data)
    assert (answer.status, answer.out) == (1, "")
    assert answer.lines == [f"priorfit: {says}"] or answer.lines[0].endswith(says)


def test_oddities_of_the_data_are_said_one_a_line(train, photos):
    (photos / "sea/broken.png").write_bytes(b"nothing")
    photo(photos / "sea/grey.png", size=(16, 16), channels=0)
    answer = train("--features", "none")
    assert answer.status == 0
    assert len(answer.lines) == 3
    assert "left out, cannot be read: sea/broken.png (" in answer.lines[0]
    assert "1 of 7 photographs are grey" in answer.lines[2]


def test_features_that_were_named_must_be_there(train):
    answer = train("--features", "nobody")
    assert answer.status == 1
    assert "no checkpoint 'nobody'" in answer.lines[-1]


def test_a_place_that_cannot_be_written_is_found_before_the_training(train, folder):
    (folder / "out").write_text("a file")
    answer = train()
    assert answer.status == 1
    assert "cannot be written" in answer.lines[-1]


def test_a_report_that_cannot_be_made_is_no_failure(train, folder, monkeypatch):
    from priorfit.report.page import _environment

    _environment.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    answer = train("--features", "none")
    _environment.cache_clear()
    assert answer.status == 0
    assert "pip install 'priorfit[report]'" in answer.lines[-1]
    assert not (folder / "out/report.html").exists()


def test_a_training_starts_from_a_smaller_one(train, folder):
    assert train("-q", "--family", "biggan", out="small").status == 0
    answer = train("-q", "--size", 16, "--width", 1, "--start", "small", family="biggan", images=4)
    assert answer == (0, "", "")
    small, large = (Generator.from_pretrained(folder / name) for name in ("small", "out"))
    assert large.size == (16, 16)
    kept, grown = (network.shared.weight for network in (small, large))
    assert torch.allclose(kept, grown, atol=0.01)


def test_what_grows_starts_at_the_size_of_what_it_starts_from(train, folder):
    assert train("-q", out="small").status == 0
    more = ("--size", 16, "--width", 1, "--start", "small")
    assert train("-q", *more, "--grow", 40, images=8) == (0, "", "")
    assert Generator.from_pretrained(folder / "out").config.lod == 1


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("nowhere", 1, "no checkpoint 'nowhere'"),
        ("small", 1, "expected a stylegan of 2 classes and at most 8×8 pixels to start from"),
    ],
)
def test_a_start_that_is_none_is_refused_in_a_line(train, name, status, words):
    assert train("-q", out="small", family="biggan").status == 0
    answer = train("-q", "--start", name)
    assert (answer.status, words in answer.lines[-1]) == (status, True)


def test_a_network_of_features_helps_to_judge_and_goes_on(train, folder):
    network("vgg16").save_pretrained(folder / "seen")
    more = ("-q", "--sight", "seen", "--features", "none")
    assert train(*more, images=4) == (0, "", "")
    assert train(*more, "--resume", images=8) == (0, "", "")
    answer = train("-q", "--features", "none", "--resume", images=12)
    assert "begun with" in answer.lines[-1]
    assert "--sight seen" in (folder / "out/README.md").read_text("utf-8")


def test_what_teaches_does_not_judge(train, folder):
    answer = train("-q", "--sight", "seen", "--features", "seen")
    assert answer.status == 2
    assert "another network than that of --features, got 'seen'" in answer.err
