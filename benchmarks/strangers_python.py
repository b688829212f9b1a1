"""11 and 15: the Python functions, their clock, callback and errors."""

import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch

import priorfit as pf
from benchmarks.strangers_desk import Desk, Seen, Situation, colour, eight, grey, noise, psnr

TASKS = ("denoise", "inpaint", "upscale", "deblur", "dejpeg", "fuse", "enhance")


def situations() -> Iterator[Situation]:
    """Clock, callback and stop of every task, help, errors, metrics, foreign operators."""
    for task in TASKS:
        right = "a call for every step, ended by StopIteration"
        yield Situation(15, f"pf.{task}(callback=…)", right, partial(_called, task=task))
        right = "a picture within 8 s"
        yield Situation(15, f"pf.{task}(time_limit=1)", right, partial(_timed, task=task))
        right = "names every parameter, complete in itself"
        yield Situation(15, f"help(pf.{task})", right, partial(_help, task=task))
    yield Situation(15, "pf.denoise(time_limit=3)", "not below the noisy picture", _better)
    yield Situation(15, 'pf.denoise(stop="held-out")', "a picture", _ruled)
    for name, (call, word) in ERRORS.items():
        look = partial(_refused, call=call, word=word)
        yield Situation(15, name, f"PriorfitError that says {word}", look)
    yield Situation(11, "pf.psnr and pf.ssim of arrays", "numbers", _metrics)
    for name, call in {
        "pf.Problem of an array": lambda: pf.Problem(grey(32), pf.Identity()),
        "an A(x) of the wrong size": lambda: _foreign(),
    }.items():
        right = "PriorfitError or TypeError, one line"
        yield Situation(11, name, right, partial(_refused, call=call, word=""))
    yield Situation(11, "arrays of one value", "no warning of NumPy", _constant)


def _image() -> np.ndarray:
    return eight(0.1 + 0.8 * grey(48) + noise((48, 48), 0.08))


def _call(task: str, **more: object) -> np.ndarray:
    image = _image()
    hole = np.zeros(image.shape, bool)
    hole[10:20, 10:40] = True
    arguments: dict[str, tuple] = {
        "inpaint": (image, hole),
        "upscale": (image, 2),
        "deblur": (image, np.ones((3, 3))),
        "fuse": (image, image),
    }
    if task == "dejpeg":
        more["quality"] = 20
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(pf, task)(*arguments.get(task, (image,)), **more)


def _called(desk: Desk, task: str) -> Seen:
    seen: list[int] = []
    shapes = set()

    def see(progress: object) -> None:
        seen.append(progress.step)
        shapes.add(progress.picture().shape)
        if len(seen) == 3:
            raise StopIteration

    ours = _call(task, callback=see)
    right = seen == [1, 2, 3] and shapes == {ours.shape} and ours.dtype == np.uint8
    return Seen(f"steps {seen}, {ours.shape}", right)


def _timed(desk: Desk, task: str) -> Seen:
    begun = time.perf_counter()
    ours = _call(task, time_limit=1.0)
    seconds = time.perf_counter() - begun
    return Seen(f"{ours.shape} after {seconds:.1f} s", seconds <= 8 and np.ptp(ours) > 0)


def _help(desk: Desk, task: str) -> Seen:
    function = getattr(pf, task)
    text = function.__doc__
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    names += function.__code__.co_varnames[len(names) :][: function.__code__.co_kwonlyargcount]
    missing = [name for name in names if f"{name}:" not in text]
    sent = "see the module" in text
    return Seen(f"missing {missing}{', sends elsewhere' if sent else ''}", not missing and not sent)


def _better(desk: Desk) -> Seen:
    clean = 0.1 + 0.8 * colour(128)
    noisy = clean + noise(clean.shape, 0.08)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = pf.denoise(noisy, channel_axis=-1, time_limit=3.0)
    before, after = psnr(noisy, clean), psnr(ours, clean)
    return Seen(f"{before:.2f} to {after:.2f} dB", after >= before)


def _ruled(desk: Desk) -> Seen:
    ours = _call("denoise", stop="held-out", time_limit=3.0)
    return Seen(str(ours.shape), ours.shape == (48, 48))


ERRORS: dict[str, tuple[Callable[[], object], str]] = {
    "three axes without channel_axis": (lambda: pf.denoise(colour(32)), "channel_axis=-1"),
    "channel_axis=5": (lambda: pf.denoise(colour(32), channel_axis=5), "channel_axis"),
    "noise_std=25": (lambda: pf.denoise(_image(), noise_std=25), "noise_std"),
    "stop of no such rule": (lambda: pf.denoise(_image(), stop="soon"), "held-out"),
    "time_limit=0": (lambda: pf.denoise(_image(), time_limit=0), "time_limit"),
    "steps=0": (lambda: pf.denoise(_image(), steps=0), "step"),
    "a mask of another size": (lambda: pf.inpaint(_image(), np.ones((9, 9))), "48×48"),
    "NaN in denoise": (lambda: pf.denoise(np.where(np.eye(32), np.nan, 0.5)), "inpaint"),
    "an array of objects": (lambda: pf.denoise(np.full((32, 32), None)), "integers or floats"),
    "an empty array": (lambda: pf.denoise(np.zeros((0, 5))), "0"),
}


def _refused(desk: Desk, call: Callable[[], object], word: str) -> Seen:
    try:
        call()
    except (pf.PriorfitError, TypeError) as error:
        line = str(error)
        right = "\n" not in line and word in line and (word != "" or len(line) > 20)
        return Seen(f"{type(error).__name__}: {line[:150]}", right)
    return Seen("no error", False)


class _Smaller:
    """An operator whose result is not of the size of what was observed."""

    def A(self, x: torch.Tensor) -> torch.Tensor:  # noqa: N802 - as other libraries name it
        return x[..., ::2, ::2]


def _foreign() -> None:
    y = torch.rand(1, 1, 48, 48)
    recipe = pf.recipes.load("dip/deblur")
    pf.restore(pf.Problem(y, _Smaller(), image_shape=(1, 48, 48)), recipe, seeds=[0])


def _metrics(desk: Desk) -> Seen:
    one = colour(32)
    pair = (one, one + 0.01)
    found = float(pf.psnr(*pair)), float(pf.ssim(*pair, channel_axis=-1))
    return Seen(f"{found[0]:.2f} dB, {found[1]:.3f}", abs(found[0] - 40) < 0.01 and found[1] < 1)


def _constant(desk: Desk) -> Seen:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for value in (0, 90, 255):
            pf.denoise(np.full((48, 48), value, np.uint8))
            pf.denoise(np.full((48, 48), value, np.float64))
    foreign = [str(each.message) for each in caught if "priorfit" not in each.filename]
    foreign = [line for line in foreign if "mean of empty" in line or "divide" in line]
    return Seen(f"{len(caught)} warnings, {len(foreign)} of NumPy", not foreign)
