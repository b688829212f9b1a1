import json
from contextlib import nullcontext

import numpy as np
import pytest

from priorfit import recipes
from priorfit.analysis import fit
from priorfit.recipes.dip import Setting
from priorfit.records.sidecar import load_sidecar
from tests.markup import Elements
from tests.seeing import PLAIN, ours
from tests.tiny import hole, photo, pixels

SIZE = (20, 24)


@pytest.fixture
def network(folder):
    ours(PLAIN["squeezenet1_1"].state_dict()).float().save_pretrained(folder / "seeing")
    return "seeing"


@pytest.fixture(autouse=True)
def _narrow(monkeypatch, tiny_recipes):
    """The published networks are wide; one of four channels takes their place."""
    for name, setting in recipes.ANALYSES.items():
        if isinstance(setting, Setting):
            tiny = recipes.METHODS["dip/denoise"].network
            changed = {**vars(setting), "network": tiny}
            monkeypatch.setitem(recipes.ANALYSES, name, Setting(**changed))


def preimage(*more):
    seen = ("--network", "seeing", "--layer", "fire3", "--steps", 2)
    return ("analyse", "preimage", "in.png", "-o", "out.png", *seen, *more)


def maximise(*more):
    return ("analyse", "maximise", "-o", "out.png", "--network", "seeing", "--steps", 2, *more)


@pytest.mark.parametrize("family", ["dip", "pixels", "tv"])
def test_a_pre_image_has_the_size_of_the_picture_and_a_sidecar(priorfit, folder, network, family):
    photo(folder / "in.png", size=SIZE)
    answer = priorfit(*preimage("--recipe", f"{family}/preimage"))
    assert (answer.status, answer.err) == (0, "")
    assert pixels(folder / "out.png").shape == (*SIZE, 3)
    beside = load_sidecar(folder / "out.png")
    assert beside is not None and beside.task == "analyse preimage"
    assert beside.recipe == f"{family}/preimage" and beside.steps == 2
    assert beside.options["layer"] == "fire3"
    assert {source.role for source in beside.inputs} == {"input", "network"}
    assert beside.metrics["relative_error"] > 0


def test_what_a_sidecar_says_makes_the_same_bytes_again(priorfit, folder, network):
    photo(folder / "in.png")
    assert priorfit(*preimage("--seed", 3)).status == 0
    beside = load_sidecar(folder / "out.png")
    assert beside is not None
    command = (*beside.task.split(), "in.png", "-o", "again.png", *beside.repeat)
    assert priorfit(*command).status == 0
    assert (folder / "again.png").read_bytes() == (folder / "out.png").read_bytes()


def test_a_picture_is_brought_to_a_size(priorfit, folder, network):
    photo(folder / "in.png", size=(40, 50))
    assert priorfit(*preimage("--size", 32)).status == 0
    assert pixels(folder / "out.png").shape == (32, 32, 3)


@pytest.mark.parametrize(
    "what",
    [
        ("--layer", "conv10", "--channel", 1),
        ("--layer", "conv10", "--channel", 1, "--window", 1),
        ("--class", 2),
        ("--class", 2, "--target", 5.5),
        ("--class", 2, "--recipe", "pixels/maximise"),
    ],
)
def test_something_to_answer_to_is_drawn(priorfit, folder, network, what):
    answer = priorfit(*maximise("--size", 40, "--json", *what))
    assert answer.status == 0
    told = json.loads(answer.out)
    assert told["output"] == "out.png" and told["task"] == "analyse maximise"
    assert np.isfinite(told["metrics"]["answer"])
    assert pixels(folder / "out.png").shape == (40, 40, 3)
    assert priorfit("analyse", "maximise", "-o", "b.png", *told["repeat"]).status == 0
    assert (folder / "b.png").read_bytes() == (folder / "out.png").read_bytes()


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ((), "--layer and --channel, or --class"),
        (("--layer", "fire3"), "--layer and --channel, or --class"),
        (("--class", 1, "--layer", "fire3"), "cannot be combined"),
        (("--class", 1, "--window", 3), "cannot be combined"),
        (("--class", 1, "--recipe", "dip/preimage"), "expected one of dip/maximise"),
        (("--class", 1, "--recipe", "dip/maximize"), "did you mean 'dip/maximise'"),
        (("--class", -1), "--class"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(priorfit, folder, network, what, message):
    answer = priorfit(*maximise(*what))
    assert answer.status == 2
    assert len(answer.lines) == 1 and message in answer.err
    assert not (folder / "out.png").exists()


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (("--class", 5), "from 0 to 4, got 5"),
        (("--layer", "relu9", "--channel", 0), "has no layer 'relu9', only conv1"),
        (("--layer", "fire2", "--channel", 0, "--window", 999), "window of 1 to"),
        (("--class", 1, "--device", "cuda:77"), "no device 'cuda:77' here"),
        (("--class", 1, "--network", "nothing"), "no checkpoint 'nothing'"),
    ],
)
def test_what_is_not_there_is_one_line(priorfit, folder, network, what, message):
    answer = priorfit(*maximise(*what))
    assert answer.status == 1
    assert len(answer.lines) == 1 and message in answer.err
    assert not (folder / "out.png").exists()


def test_a_neuron_that_is_silent_is_said(priorfit, folder):
    silent = ours(PLAIN["squeezenet1_1"].state_dict()).float()
    silent.layers["conv1"].bias.data.fill_(-1e3)
    silent.save_pretrained(folder / "seeing")
    answer = priorfit(*maximise("--layer", "relu1", "--channel", 0))
    assert answer.status == 0
    assert "try another --seed" in answer.err


def test_nothing_is_replaced_unasked(priorfit, folder, network):
    photo(folder / "in.png")
    photo(folder / "out.png", seed=1)
    before = (folder / "out.png").read_bytes()
    answer = priorfit(*preimage())
    assert answer.status == 1 and "exists already" in answer.err
    assert (folder / "out.png").read_bytes() == before
    assert priorfit(*preimage("--overwrite")).status == 0


def test_a_network_of_another_kind_is_refused(priorfit, folder, network):
    photo(folder / "in.png")
    config = json.loads((folder / "seeing" / "config.json").read_text())
    (folder / "seeing" / "config.json").write_text(json.dumps({**config, "kind": "lpips"}))
    answer = priorfit(*preimage())
    assert answer.status == 1 and "expected a FeatureNetwork" in answer.err


def test_the_page_has_the_start_beside_the_result(priorfit, folder, network):
    pytest.importorskip("jinja2")
    photo(folder / "in.png")
    assert priorfit(*preimage("--report")).status == 0
    page = Elements((folder / "out.png.html").read_text("utf-8"))
    names = {image["alt"] for image in page.all("img")}
    assert names == {"pre-image", "picture", "start"}
    assert "sha256" in " ".join(page.words)
    assert len(page.all("polyline")) == 1


def study(*more):
    return ("analyse", "prior-effect", "in.png", "-o", "study", "--steps", 2, *more)


@pytest.mark.parametrize("task", ["factor", "hole-mask", "noise-std"])
@pytest.mark.parametrize("paper", [False, True])
def test_a_study_leaves_a_picture_for_each_prior(priorfit, folder, task, paper):
    photo(folder / "in.png", size=SIZE)
    given = {"factor": 2, "hole-mask": hole(folder / "hole.png"), "noise-std": "25/255"}[task]
    more = ["--paper"] if paper else []
    answer = priorfit(*study(f"--{task}", given, *more))
    assert (answer.status, answer.err) == (0, "")
    scale = 2 if task == "factor" else 1
    for arm in ("none", "tv", "dip"):
        assert pixels(folder / "study" / f"{arm}.png").shape == (20 * scale, 24 * scale, 3)
        beside = load_sidecar(folder / "study" / f"{arm}.png")
        assert beside is not None and beside.recipe.endswith("-paper") == paper
    assert pixels(folder / "study" / "side-by-side.png").ndim == 3


def test_a_study_is_of_one_task(priorfit, folder):
    photo(folder / "in.png")
    for more, count in ((), 0), (("--factor", 2, "--noise-std", "auto"), 2):
        answer = priorfit(*study(*more))
        assert answer.status == 2 and f"got {count}" in answer.err


def test_a_study_with_a_reference_measures_and_shows_it(priorfit, folder):
    pytest.importorskip("jinja2")
    photo(folder / "in.png")
    photo(folder / "clean.png", seed=1)
    more = ("--noise-std", "0.1", "--reference", "clean.png", "--report", "--json")
    answer = priorfit(*study(*more))
    told = [json.loads(line) for line in answer.out.splitlines()]
    assert [line["output"] for line in told] == [
        f"study/{arm}.png" for arm in ("none", "tv", "dip")
    ]
    assert all(line["metrics"]["psnr"] > 0 for line in told)
    page = Elements((folder / "study" / "dip.png.html").read_text("utf-8"))
    names = {image["alt"] for image in page.all("img")}
    assert names == {"damaged", "no prior", "total variation", "network", "original"}
    assert len(page.all("polyline")) == 3


def test_four_curves_are_written_and_drawn(priorfit, folder):
    pytest.importorskip("jinja2")
    photo(folder / "in.png")
    answer = priorfit("analyse", "impedance", "in.png", "-o", "c.json", "--steps", 3, "--report")
    assert (answer.status, answer.err) == (0, "")
    record = json.loads((folder / "c.json").read_text())
    names = ["image", "image and noise", "shuffled pixels", "white noise"]
    assert list(record["curves"]) == names
    assert all([step for step, _ in curve] == [1, 2, 3] for curve in record["curves"].values())
    assert record["inputs"][0]["name"] == "in.png"
    page = Elements((folder / "c.json.html").read_text("utf-8"))
    assert [image["alt"] for image in page.all("img")] == names
    assert len(page.all("polyline")) == 4
    again = ("analyse", "impedance", "in.png", "-o", "d.json", *record["repeat"], "-q")
    assert priorfit(*again).status == 0
    assert json.loads((folder / "d.json").read_text())["curves"] == record["curves"]


def test_ctrl_c_leaves_what_there_is(priorfit, folder, network, monkeypatch):
    photo(folder / "in.png")
    monkeypatch.setattr(fit, "interruptions", lambda: nullcontext(lambda: True))
    answer = priorfit(*preimage("--steps", 5))
    assert answer.status == 130
    assert "after 1 of 5 steps" in answer.err
    assert pixels(folder / "out.png").shape == (*SIZE, 3)


def test_a_texture_and_a_pre_image_on_a_canvas_leave_what_repeats_them(priorfit, folder, network):
    photo(folder / "in.png", size=SIZE)
    seen = ("--network", "seeing", "--steps", 2, "-q", "--report")
    for task, more in (
        ("texture", ("--layers", "relu1, fire3")),
        ("preimage", ("--layer", "fire3", "--canvas", 32)),
    ):
        first, again = f"{task}.png", f"{task}-again.png"
        assert priorfit("analyse", task, "in.png", "-o", first, *seen, *more).status == 0
        assert pixels(folder / first).shape == (*SIZE, 3)
        repeat = load_sidecar(folder / first).repeat
        assert priorfit("analyse", task, "in.png", "-o", again, *repeat, "-q").status == 0
        assert (folder / first).read_bytes() == (folder / again).read_bytes()
        page = Elements((folder / f"{first}.html").read_text("utf-8"))
        assert {"start", "picture"} <= {image["alt"] for image in page.all("img")}


def test_a_layer_that_is_not_there_is_answered_with_all(priorfit, folder, network):
    photo(folder / "in.png", size=SIZE)
    how = ("-o", "o.png", "--network", "seeing", "--layers", "relu1,bogus")
    answer = priorfit("analyse", "texture", "in.png", *how)
    assert (answer.status, len(answer.lines)) == (1, 1)
    assert "fire3" in answer.err
