"""Every recipe × every way to be run: it runs, or is refused in one line before its first step."""

from dataclasses import replace
from functools import partial

import pytest

from priorfit import recipes
from priorfit.classical.block_matching import BlockMatching
from priorfit.classical.plug_and_play import PlugAndPlay
from priorfit.errors import PriorfitError
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.priors.inputs import Hiding, Probing
from priorfit.recipes.dip import Setting
from priorfit.recipes.method import Cited
from priorfit.runs import Job, resume, run
from priorfit.tasks import Deblur, Dejpeg, Denoise, Enhance, Fuse, Inpaint, Upscale
from tests.tiny import changed, hole, photo, pixels

SIZE = (16, 20)
STEPS = 2


BRIEF = BlockMatching(reach=1, alike=2, alike_again=2, stride=8)


def brief(part):
    """The same filter or estimate with next to no classical denoising in it."""
    if isinstance(part, partial):
        return partial(part.func, *map(brief, part.args), **part.keywords)
    if isinstance(part, PlugAndPlay):
        return replace(part, denoiser=BRIEF, steps=2)
    return BRIEF if isinstance(part, BlockMatching) else part


def tiny(name: str) -> recipes.Method:
    """The method with all that it is made of, with a small network and brief estimates."""
    method = recipes.find(name)
    if not isinstance(method, Setting):
        return method
    inputs = [
        replace(shown, copies=2) if isinstance(shown, Probing | Hiding) else shown
        for shown in method.inputs.value
    ]
    network = Cited(partial(Hourglass, scales=[Scale(4, 4)]), "tests")
    return replace(
        method,
        network=network,
        inputs=Cited(inputs, "tests"),
        filters=Cited([brief(make) for make in method.filters.value], "tests"),
        target=Cited(brief(method.target.value), "tests"),
    )


def job_of(folder, name, size=SIZE, channels=3) -> Job:
    """Restore a picture of noise with a recipe, as the first of its tasks."""
    (task,) = recipes.find(name).tasks
    ending = ".jpg" if task == "dejpeg" else ".png"
    if task == "dejpeg" and channels == 4:
        pytest.skip("a JPEG has no transparency")
    given = photo(folder / f"in{ending}", size=size, channels=channels)
    mask = hole(folder / "mask.png", size, slice(3, 8), slice(4, 11))
    kind = {
        "denoise": Denoise(noise_std=0.1),
        "inpaint": Inpaint(hole_mask=mask),
        "upscale": Upscale(factor=2),
        "deblur": Deblur(gaussian=1.0),
        "dejpeg": Dejpeg(),
        "fuse": Fuse(flash=photo(folder / "flash.png", size=size, seed=1)),
        "enhance": Enhance(),
    }[task]
    output = folder / "out.png"
    return Job(
        input=given,
        output=output,
        task=kind,
        recipe=name,
        device="cpu",
        steps=STEPS,
        hand_out="fit",
    )


WAYS = {
    "tiles": ({"size": (48, 50)}, {"tile": 48}),
    "another size, grey, in a time limit": (
        {"size": (17, 23), "channels": None},
        {"time_limit": 600.0},
    ),
    "alpha, in a memory limit": ({"channels": 4}, {"memory_limit": 8 << 30}),
    "no time": ({}, {"time_limit": 1e-9}),
    "no memory": ({}, {"memory_limit": 1}),
}

# Those that need a trained network are run with a tiny one, in the tests of their families.
UNTRAINED = [name for name, method in recipes.METHODS.items() if not method.needs]

each = pytest.mark.parametrize("name", UNTRAINED)


@each
@pytest.mark.parametrize("way", WAYS)
def test_a_recipe_runs_or_is_refused_in_one_line_before_its_first_step(
    name, way, tmp_path, monkeypatch
):
    monkeypatch.setitem(recipes.METHODS, name, tiny(name))
    picture, options = WAYS[way]
    steps = []
    job = changed(job_of(tmp_path, name, **picture), **options)
    try:
        outcome = run(job, steps.append)
    except PriorfitError as error:
        assert way.startswith(("no ", "tiles")), "nothing is in its way"
        assert len(str(error).splitlines()) == 1
        assert not steps and not job.output.exists() and not job.run_folder.exists()
        return
    assert pixels(job.output).shape[:2] == outcome.result.shape[-2:]
    assert outcome.sidecar.synthesised == recipes.find(name).synthesises


@each
def test_an_interrupted_recipe_goes_on_to_the_same_bytes(name, tmp_path, monkeypatch):
    monkeypatch.setitem(recipes.METHODS, name, tiny(name))
    job = job_of(tmp_path, name)
    whole = changed(job, output=tmp_path / "whole.png")
    run(whole)

    def interrupt(progress):
        raise KeyboardInterrupt

    run(job, interrupt)
    assert resume(job.run_folder).sidecar.steps == STEPS
    assert job.output.read_bytes() == whole.output.read_bytes()
