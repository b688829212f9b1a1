import base64
import io
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from priorfit.errors import ImageFileError, PriorfitError
from priorfit.records.sidecar import Guide, Rule
from priorfit.report import write
from priorfit.report.curve import draw
from priorfit.report.embed import LONGEST_SIDE, embed
from priorfit.report.page import _environment, printable
from priorfit.report.restored import contest
from priorfit.runs import Job, run
from priorfit.tasks import Denoise, Inpaint, Upscale
from tests.markup import Elements
from tests.pictures import uniform
from tests.tiny import hole, photo, pixels

HOSTILE = [
    '"><img src=x onerror=alert(1)>.png',
    "<script>alert(1)<&script>.png",
    "' onmouseover='alert(1).png",
    "{{ 7 * 7 }}{% raw %}.png",
    "&lt;b&gt;.png",
    "turned\u202egnp.png",
    "two\nlines\x1b[31m\u2028.png",
    "not \udcff unicode.png",
]


def decoded(uri: str) -> Image.Image:
    head, data = uri.split(",")
    assert head == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(data, validate=True)))


def lay(folder: Path, task: str) -> Job:
    """A job with a reference for each kind of slider: same size, holes, smaller before."""
    size = (80, 96) if task == "upscale" else (20, 24)
    tasks = {
        "denoise": lambda: Denoise(noise_std=0.1),
        "inpaint": lambda: Inpaint(hole_mask=hole(folder / "hole.png")),
        "upscale": lambda: Upscale(factor=4),
    }
    return Job(
        input=photo(folder / "in.png"),
        output=folder / "out.png",
        task=tasks[task](),
        recipe=f"dip/{task}",
        reference=photo(folder / "clean.png", seed=1, size=size),
        report=True,
    )


@pytest.fixture(params=["denoise", "inpaint", "upscale"])
def outcome(request, tmp_path, tiny_recipes):
    return run(lay(tmp_path, request.param))


@pytest.fixture
def denoised(tmp_path, tiny_recipes):
    return run(lay(tmp_path, "denoise").model_copy(update={"hand_out": "fit"}))


def written(outcome, path: Path) -> str:
    write(path, outcome)
    return path.read_text("utf-8")


def renamed(outcome, name: str):
    """The same outcome of files that are called otherwise."""
    job = outcome.job.model_copy(update={"input": Path(name), "output": Path(name)})
    inputs = tuple(source.model_copy(update={"name": name}) for source in outcome.sidecar.inputs)
    update = {"inputs": inputs, "options": {"psf": name}, "repeat": ("--psf", name)}
    update |= {"notes": (name,), "stop_reason": name}
    return replace(outcome, job=job, sidecar=outcome.sidecar.model_copy(update=update))


def test_a_report_needs_no_other_file(outcome, tmp_path):
    html = written(outcome, tmp_path / "r.html")
    elements = Elements(html)
    assert "://" not in html and "url(" not in html.replace("url(#frame)", "")
    assert not {"link", "iframe", "object", "embed", "base"} & set(elements.tags)
    assert elements.all("script") == [{}]
    assert all(image["src"].startswith("data:image/png;base64,") for image in elements.all("img"))
    policy = elements.all("meta")[2]
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert policy["content"].startswith("default-src 'none'; img-src data:;")


def test_a_report_shows_the_pictures_as_they_are(outcome, tmp_path):
    pictures = Elements(written(outcome, tmp_path / "r.html")).all("img")
    shown = {image["alt"]: np.array(decoded(image["src"])) for image in pictures}
    assert np.array_equal(shown["restored"], pixels(tmp_path / "out.png"))
    assert np.array_equal(shown["damaged"], pixels(tmp_path / "in.png"))
    assert np.array_equal(shown["reference"], pixels(tmp_path / "clean.png"))
    assert all(array.dtype == np.uint8 for array in shown.values())
    assert {name.replace("_", " ") for name in outcome.comparators} <= set(shown)


@pytest.mark.parametrize("white", [444, 4095])
def test_a_picture_that_fills_little_of_its_file_is_shown_bright(white, tmp_path, tiny_recipes):
    for seed, name in enumerate(("in.png", "clean.png")):
        drawn = uniform(20, 24, seed=seed).numpy()
        Image.fromarray((white * drawn).astype(np.uint16)).save(tmp_path / name)
    made = Job(
        input=tmp_path / "in.png",
        output=tmp_path / "out.png",
        task=Denoise(noise_std=0.001),
        recipe="dip/denoise",
        reference=tmp_path / "clean.png",
        report=True,
    )
    outcome = run(made)
    html = written(outcome, tmp_path / "r.html")
    shown = {image["alt"]: np.array(decoded(image["src"])) for image in Elements(html).all("img")}
    for name in ("damaged", "restored", "reference"):
        assert shown[name].max() > 180 and shown[name].min() < 60
    assert "of the file&#39;s range" in html
    assert f"restored {outcome.sidecar.metrics['psnr']:.2f} dB" in html


def test_a_report_has_a_table_of_methods_with_the_best_marked(outcome, tmp_path):
    page = Elements(written(outcome, tmp_path / "r.html"))
    text = " ".join(page.words)
    assert all(each.name in text for each in outcome.sidecar.alternatives)
    assert "Beside the cheap methods" in text
    entries = contest(outcome.sidecar).entries
    key = "psnr_y" if "psnr_y" in outcome.sidecar.metrics else "psnr"
    best = max(each.metrics[key] for each in outcome.sidecar.alternatives)
    assert entries[0].best == (outcome.sidecar.metrics[key] >= best)
    assert any(entry.best for entry in entries)


def test_without_alternatives_there_is_no_table(denoised):
    assert contest(denoised.sidecar.model_copy(update={"alternatives": ()})) is None


def test_the_slider_can_be_moved_with_keys(outcome, tmp_path):
    elements = Elements(written(outcome, tmp_path / "r.html"))
    (handle,) = elements.all("input")
    assert handle["type"] == "range" and handle["aria-label"] and "tabindex" not in handle
    assert all(button["type"] == "button" for button in elements.all("button"))
    assert all("alt" in image for image in elements.all("img"))


def test_a_report_tells_metrics_settings_and_sidecar(denoised, tmp_path):
    text = " ".join(Elements(written(denoised, tmp_path / "r.html")).words)
    assert f"restored {denoised.sidecar.metrics['psnr']:.2f} dB" in text
    assert "denoising.ipynb" in text  # a source of the recipe
    assert denoised.sidecar.inputs[0].sha256 in text
    assert "priorfit denoise IMAGE -o OUTPUT --noise-std 0.1 --recipe dip/denoise" in text
    assert str(denoised.sidecar.loss_curve[-1][1]) in text


def test_a_report_shows_what_a_stop_rule_saw(denoised, tmp_path):
    rule = Rule(about="the script", step=3, curve=((1, 0.5), (2, 0.4), (3, 0.25), (4, 0.75)))
    ruled = replace(denoised, sidecar=denoised.sidecar.model_copy(update={"rule": rule}))
    page = Elements(written(ruled, tmp_path / "r.html"))
    text = " ".join(page.words)
    assert "When to stop" in text and "The script" in text and "step 3" in text
    assert "[4, 0.75]" in text
    (mark,) = [line for line in page.all("line") if line.get("class") == "picked"]
    assert float(mark["x1"]) == pytest.approx(640 * 2 / 3, abs=0.1)


def test_a_report_names_the_guide_and_its_own_psnr(denoised, tmp_path):
    guide = Guide(name="non_local_means", metrics={"psnr": 27.5})
    sidecar = denoised.sidecar.model_copy(update={"guide": guide})
    comparators = {"non_local_means": denoised.result}
    html = written(replace(denoised, sidecar=sidecar, comparators=comparators), tmp_path / "r.html")
    assert "non local means, itself at 27.50 dB" in html
    assert "guide: the network was shown it" in html


def test_without_a_reference_nothing_is_measured(denoised, tmp_path):
    sidecar = denoised.sidecar.model_copy(update={"metrics": {}})
    html = written(replace(denoised, reference=None, sidecar=sidecar), tmp_path / "r.html")
    assert "restored 1" not in html and "PSNR" not in html


def test_equal_pictures_have_no_number_of_decibels(denoised, tmp_path):
    html = written(replace(denoised, reference=denoised.result), tmp_path / "r.html")
    assert "restored equal to the reference" in html


def test_an_interrupted_run_says_so(denoised, tmp_path):
    html = written(replace(denoised, interrupted=True), tmp_path / "r.html")
    assert "Interrupted after 4 of 4 steps" in html


def test_a_recipe_from_elsewhere_has_no_table(denoised, tmp_path):
    sidecar = denoised.sidecar.model_copy(update={"recipe": "my/own"})
    assert "my/own" in written(replace(denoised, sidecar=sidecar), tmp_path / "r.html")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_only_text(denoised, tmp_path, name):
    harmless = Elements(written(renamed(denoised, "x.png"), tmp_path / "a.html"))
    html = written(renamed(denoised, name), tmp_path / "b.html")
    hostile = Elements(html)
    assert hostile.tags == harmless.tags
    assert [set(a) for _, a in hostile.found] == [set(a) for _, a in harmless.found]
    assert printable(name) in "".join(hostile.words)
    assert not {"\u202e", "\x1b", "\u2028"} & set(html)


@given(st.text(st.characters()))
def test_what_is_printable_stays_on_its_line(text):
    shown = printable(text)
    assert shown.isprintable()
    assert shown == text or not text.isprintable()


@given(st.text(st.characters()))
def test_every_value_is_escaped(text):
    made = _environment().from_string('<p title="{{ t }}">{{ t }}</p>').render(t=printable(text))
    elements = Elements(made)
    assert elements.found == [("p", {"title": printable(text)})]
    assert "".join(elements.words) == printable(text)


def test_a_report_in_the_way_is_kept(denoised, tmp_path):
    path = tmp_path / "r.html"
    path.write_text("mine")
    with pytest.raises(ImageFileError, match="exists already"):
        write(path, denoised)
    assert path.read_text() == "mine"
    job = denoised.job.model_copy(update={"overwrite": True})
    assert "mine" != written(replace(denoised, job=job), path)


def test_without_the_extra_one_line_says_what_to_install(denoised, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    _environment.cache_clear()
    with pytest.raises(PriorfitError, match=r"^a report needs jinja2.*priorfit\[report\]'$"):
        write(tmp_path / "r.html", denoised)
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize("channels, mode", [(1, "L"), (2, "L"), (3, "RGB"), (4, "RGB"), (7, "RGB")])
def test_any_number_of_channels_is_shown(channels, mode):
    picture = embed("x", uniform(1, channels, 18, 20))
    assert decoded(picture.uri).mode == mode
    assert bool(picture.caveats) == (channels not in (1, 3))


@pytest.mark.parametrize("height, width", [(16, 1280), (16, 1281), (3001, 17)])
def test_large_pictures_are_reduced_and_the_page_says_so(height, width):
    picture = embed("x", torch.full((1, 1, height, width), 0.5))
    shown = decoded(picture.uri)
    factor = math.ceil(max(height, width) / LONGEST_SIDE)
    assert shown.size == (math.ceil(width / factor), math.ceil(height / factor))
    assert np.ptp(np.array(shown)) == 0
    assert (picture.width, picture.height) == (width, height)
    assert picture.caveats == (
        (f"shown at 1/{factor} of its {width}×{height} pixels",) * (factor > 1)
    )


def test_what_is_no_number_is_black():
    image = torch.tensor([[math.nan, math.inf, -1.0, 2.0]]).reshape(1, 1, 2, 2)
    assert np.array(decoded(embed("x", image).uri)).tolist() == [[0, 255], [0, 255]]


def test_lost_pixels_are_shown_as_observed(tmp_path, tiny_recipes):
    array = np.full((20, 24), 0.75, np.float32)
    array[3:6, 4:9] = np.nan
    np.save(tmp_path / "in.npy", array)
    job = Job(
        input=tmp_path / "in.npy",
        output=tmp_path / "out.npy",
        task=Inpaint(),
        recipe="dip/inpaint",
    )
    pictures = Elements(written(run(job), tmp_path / "r.html")).all("img")
    shown = next(np.array(decoded(image["src"])) for image in pictures if image["alt"] == "damaged")
    assert np.array_equal(shown == 0, np.isnan(array))


def test_a_colour_profile_travels():
    picture = embed("x", torch.zeros(1, 3, 16, 16), icc=b"profile")
    assert decoded(picture.uri).info["icc_profile"] == b"profile"


numbers = st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf, -math.inf])


@given(st.lists(numbers, max_size=40))
def test_a_curve_stays_within_its_frame(losses):
    finite = [loss for loss in losses if math.isfinite(loss)]
    curve = draw(list(enumerate(losses, 1)), 600, 200)
    if curve is None:
        assert not finite
        return
    points = [tuple(map(float, point.split(","))) for point in curve.points.split()]
    assert len(points) == len(finite)
    assert all(0 <= x <= 600 and y <= 200 for x, y in points)
    assert curve.clipped == any(y < 0 for _, y in points)
    assert all(0 <= tick.at <= 600 for tick in curve.across) and len(curve.across) <= 7
    assert all(0 <= tick.at <= 200 for tick in curve.up) and len(curve.up) <= 10


@pytest.mark.parametrize("low, high", [(1e-6, 10.0), (0.011, 0.2), (3.0, 9.5), (1e-30, 1e30)])
def test_steep_positive_losses_have_a_logarithmic_axis(low, high):
    curve = draw([(1, high), (2, low)])
    assert curve.logarithmic and not curve.clipped
    assert 1 <= len(curve.up) <= 10


def test_a_high_start_does_not_press_the_rest_to_the_ground():
    curve = draw([(1, 1000.0), *((n, -1.0 / n) for n in range(2, 100))])
    assert curve.clipped and not curve.logarithmic
