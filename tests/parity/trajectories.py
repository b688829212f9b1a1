"""The loop against the authors' own: losses step by step, averages, parameters, statistics."""

from collections.abc import Iterator

import torch
from torch import Tensor

from priorfit.degradations import Downsample, Identity, Mask
from priorfit.loop.fit import Recipe, Stage, optimise
from priorfit.loop.state import Step
from priorfit.loop.steps import Smoothed
from priorfit.noise import Noise
from priorfit.priors.deep_image import DeepImagePrior
from priorfit.priors.inputs import MeshGrid, NormalNoise, UniformNoise
from priorfit.problem import Problem
from priorfit.terms.data import Mse, TotalVariation
from priorfit.terms.objective import Estimate
from priorfit.types import Code
from tests.parity.dip import hourglass
from tests.parity.fixture import Fixture, Result, compare

PARTS = {"net": "network", "input": "z", "net,input": "network"}


class Recorded(Noise):
    """Noise that was drawn before: the next of the recorded perturbations at every call."""

    def __init__(self, draws: Tensor) -> None:
        super().__init__([0])
        self.draws = iter(draws)

    def normal(self, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """The next perturbation, (1, *shape)."""
        return next(self.draws).reshape(1, *shape).to(dtype)


def dip_trajectory(fixture: Fixture) -> Iterator[Result]:
    """A few steps of a notebook's closure; float32 holds for the first two losses only."""
    for dtype in (torch.float32, torch.float64):
        got = _run(fixture, dtype)
        if dtype == torch.float64:
            results = [compare(fixture, key, value, f64=True) for key, value in got.items()]
            yield from (result for result in results if result is not None)
        else:
            ours, theirs = got["losses"][:2].double(), torch.from_numpy(fixture.expected["losses"])
            error = (ours / theirs[:2].double() - 1).abs().max().item()
            yield Result(fixture.name, "losses[:2], relative", error, 1e-3, error <= 1e-3)


def _run(fixture: Fixture, dtype: torch.dtype) -> dict[str, Tensor]:
    config = fixture.config
    problem = _problem(fixture, dtype)
    prior = DeepImagePrior(
        lambda *_: hourglass(config),
        [lambda problem, noise: fixture.input("z", dtype)],
        jitter=config["reg_noise_std"],
        memory_format=torch.contiguous_format,  # as recorded: Adam amplifies rounding
    )
    code = prior.start(problem, Noise([0]))
    _fill(code, fixture, dtype)
    objective = 1.0 * Mse()
    if config["tv_weight"]:
        objective += config["tv_weight"] * TotalVariation()
    parts = {PARTS[part]: config["lr"] for part in [config["opt_over"]]}
    if config["opt_over"] == "net,input":
        parts["z"] = config["lr"]
    recipe = Recipe(prior, [Stage(config["steps"], parts, objective)])
    jitter = fixture.input("noises", dtype) if config["reg_noise_std"] else torch.zeros(0)
    average = Smoothed(config["exp_weight"], released=True)
    steps: list[Step] = []
    smoothed: list[Tensor] = []
    for step in optimise(code, problem, recipe, Recorded(jitter)):
        steps.append(step)
        smoothed.append(average.see(step).image.clone())
    final = prior.render(_last_input(code, jitter, config))[0]
    return {
        "losses": torch.stack([step.loss[0] for step in steps]),
        "out_step0": steps[0].image[0],
        "out_last_step": steps[-1].image[0],
        "out_avg": smoothed[-1][0],
        "out_final_forward": final.detach(),
        **_parameters(code, fixture),
    }


def _problem(fixture: Fixture, dtype: torch.dtype) -> Problem:
    config, task = fixture.config, fixture.config["task"]
    if task == "denoise":
        return Problem(fixture.input("noisy", dtype)[None], Identity())
    if task == "sr":
        return Problem(fixture.input("lr", dtype)[None], Downsample(config["factor"]))
    mask = Mask(fixture.input("mask", dtype)[None])
    return Problem(mask(fixture.input("target_image", dtype)[None]), mask)


def _last_input(code: Code, jitter: Tensor, config: dict) -> Code:
    # The notebooks render once more with the z they perturbed last.
    moved = code["z.0"].detach()
    if len(jitter):
        moved = moved + config["reg_noise_std"] * jitter[-1]
    return code | {"z.0": moved}


def _fill(code: Code, fixture: Fixture, dtype: torch.dtype) -> None:
    names = _names(fixture.config)
    for key, array in fixture.weights.items():
        layer, parameter = key.rsplit(".", 1)
        name = f"{names[layer]}.{parameter}"
        part = "network" if f"network.{name}" in code else "buffers"
        value = torch.tensor(array)[None]
        code[f"{part}.{name}"] = value.to(dtype) if value.is_floating_point() else value


def _names(config: dict) -> dict[str, str]:
    """Our name of every layer of the released network, whose modules are numbered from 1."""
    conv = ".1" if config["pad"] == "reflection" else ".0"
    names: dict[str, str] = {}
    prefix = ""
    for scale, skip in enumerate(config["num_channels_skip"]):
        level = f"levels.{scale}"
        deeper = f"{prefix}1.1" if skip else f"{prefix}1"
        if skip:
            names |= {
                f"{prefix}1.0.1{conv}": f"{level}.skip.conv",
                f"{prefix}1.0.2": f"{level}.skip.norm",
            }
        names |= {
            f"{deeper}.1{conv}": f"{level}.shrink.conv",
            f"{deeper}.2": f"{level}.shrink.norm",
            f"{deeper}.4{conv}": f"{level}.refine.conv",
            f"{deeper}.5": f"{level}.refine.norm",
            f"{prefix}2": f"{level}.joined",
            f"{prefix}3{conv}": f"{level}.expand.conv",
            f"{prefix}4": f"{level}.expand.norm",
            f"{prefix}6{conv}": f"{level}.mix.conv",
            f"{prefix}7": f"{level}.mix.norm",
        }
        prefix = f"{deeper}.7."
    mixed = config.get("need1x1_up", True)
    return names | {f"{9 if mixed else 6}{conv}": "output"}


def _parameters(code: Code, fixture: Fixture) -> dict[str, Tensor]:
    names = _names(fixture.config)
    got: dict[str, Tensor] = {}
    for key in fixture.meta["expected"]:
        if key.startswith("param."):
            layer, parameter = key.removeprefix("param.").removesuffix("_norm").rsplit(".", 1)
            value = code[f"network.{names[layer]}.{parameter}"][0].detach()
            got[key] = value.norm() if key.endswith("_norm") else value
        elif key.startswith("bn_"):
            layer, statistic = key.removeprefix("bn_").split("_", 1)
            got[key] = code[f"buffers.{names[layer]}.{statistic}"][0]
    return got


def dip_get_noise(fixture: Fixture) -> Iterator[Result]:
    """Inputs: the coordinates exactly, the noise by its moments (its numbers are torch's own)."""
    seed = int(fixture.inputs["seed"])
    for key in fixture.meta["expected"]:
        got: Tensor
        if key.startswith("meshgrid"):
            rows, columns = (int(side) for side in key.removeprefix("meshgrid_").split("x"))
            got = MeshGrid()(_blank(rows, columns), Noise([seed]))
        elif key == "int_size_shape":
            _, channels, height, width = (int(n) for n in fixture.expected[key])
            z = UniformNoise(channels)(_blank(height, width), Noise([seed]))
            got = torch.tensor(z.shape)
        else:
            kind, rest = key.split("_", 1)
            scale = float(rest.split("_")[0].removeprefix("var"))
            source = {"u": UniformNoise, "n": NormalNoise}[kind](32, scale)
            z = source(_blank(64, 48), Noise([seed])).double()
            stats = torch.stack([z.mean(), z.std(correction=0), z.min(), z.max()])
            got = z[:, :2, :8, :8] if key.endswith("sample") else stats
        result = compare(fixture, key, got, f64=False)
        if result is not None:
            yield result


def _blank(height: int, width: int) -> Problem:
    return Problem(torch.zeros(1, 3, height, width), Identity())


def dip_tv_loss(fixture: Fixture) -> Iterator[Result]:
    """Total variation, a sum over the batch as released, and its gradient."""
    for dtype in (torch.float32, torch.float64):
        problem = _blank(8, 8)
        for case in sorted({key.split(".")[0] for key in fixture.inputs}):
            for beta in fixture.config["betas"]:
                x = fixture.input(f"{case}.x", dtype).requires_grad_()
                loss = TotalVariation(beta).against(problem)(_estimate(x)).sum()
                loss.backward()
                assert x.grad is not None
                stem = f"{case}.beta{beta:g}"
                for key, value in ((f"{stem}.loss", loss), (f"{stem}.grad", x.grad)):
                    result = compare(fixture, key, value, f64=dtype == torch.float64)
                    if result is not None:
                        yield result


def _estimate(x: Tensor) -> Estimate:
    return Estimate({}, x, x, lambda code: x)


KINDS = {
    "dip_get_noise": dip_get_noise,
    "dip_trajectory": dip_trajectory,
    "dip_tv_loss": dip_tv_loss,
}
