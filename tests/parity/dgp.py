"""Deep Generative Prior as a recipe: groups of weights, rates, starts, whole fits."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from priorfit.checkpoints.layouts import Found
from priorfit.checkpoints.layouts.biggan import DISCRIMINATOR, GENERATOR
from priorfit.checkpoints.layouts.layout import Layout
from priorfit.code import lerp, part
from priorfit.degradations import Enlarge
from priorfit.loop.fit import Fit
from priorfit.networks.biggan import BigGan, BigGanConfig, generator_channels
from priorfit.networks.biggan_discriminator import BigGanDiscriminator
from priorfit.networks.pretrained import build_stored
from priorfit.noise import Noise
from priorfit.priors.latent import LatentPrior
from priorfit.priors.starts import BestOf, Given
from priorfit.problem import Problem
from priorfit.recipes.dgp.setting import Counts, Setting, Tuning
from priorfit.recipes.method import Cited
from priorfit.terms.perceptual import DiscriminatorFeatures
from tests.parity.fixture import Fixture, Result, compare_all
from tests.parity.observations import dgp_degradation, dgp_target, pillow_reduced

PRECISIONS = (torch.float32, torch.float64)


def param_groups(fixture: Fixture) -> Iterator[Result]:
    """How many numbers are in which group, the last layer's being the last."""
    got = {}
    for side, width in fixture.config["res_ch"]:
        config = BigGanConfig(
            generator_channels(side, width), classes=fixture.config["n_classes"], attention=(3,)
        )
        with torch.device("meta"):
            network = BigGan(config)
        groups, weights = [*network.groups, ("output",)], dict(network.named_parameters())
        for embeds in (0, 1):
            sizes = [
                [t.numel() for name in group for t in part(weights, name).values()]
                for group in groups
            ]
            # What the released code lists and freezes: instance norms of every block, unused here.
            for block, (inside, outside) in enumerate(itertools.pairwise(config.channels), 1):
                sizes[block] += [inside, inside, outside, outside]
            if embeds:
                sizes[0].append(network.shared.weight.numel())
            tag = f"res{side}_embed{embeds}"
            got[f"{tag}.n_params_per_group"] = torch.tensor([sum(size) for size in sizes])
            got[f"{tag}.n_tensors_per_group"] = torch.tensor([len(size) for size in sizes])
    yield from compare_all(fixture, got, f64=False)


def trajectory(fixture: Fixture) -> Iterator[Result]:
    """Losses, latents and pictures of every step of a fit."""
    for dtype in PRECISIONS:
        yield from compare_all(fixture, _run(fixture, dtype), f64=dtype == torch.float64)


def rates(fixture: Fixture) -> Iterator[Result]:
    """Rates of every group and of the latent, at the first and the last step of each stage."""
    got = {}
    for name in ("colorization_256", "SR_256"):
        given = {k.split(".")[1]: v for k, v in fixture.inputs.items() if k.startswith(f"{name}.")}
        groups = int(given["n_groups_warm"][0])
        stages = tuple(
            Tuning(int(it), float(z), float(rate), int(tuned), float(ratio))
            for it, z, rate, tuned, ratio in zip(
                *(given[key] for key in ("it", "z", "G", "ft", "ratio")), strict=True
            )
        )
        setting = replace(_blank(stages), counted=Cited(Counts(9, groups), "tests"))
        found = [setting.rates(stage, [(f"{i}",) for i in range(groups)]) for stage in stages]
        table = [[rate for key, rate in rates.items() if key != "z"] for rates in found]
        got[f"{name}.group_lr"] = torch.tensor(table, dtype=torch.float64).repeat_interleave(2, 0)
        got[f"{name}.z_lr"] = torch.tensor([r["z"] for r in found]).double().repeat_interleave(2)
    yield from compare_all(fixture, got, f64=False)


def _blank(stages: tuple[Tuning, ...]) -> Setting:
    cited = (Counts(9, 7), stages, 1, 1.0, 3, 0.02)
    return Setting("tests", "colorize", *(Cited(value, "tests") for value in cited))


class _Drawn(Noise):
    """Latents that were drawn before."""

    def __init__(self, latents: Tensor, labels: Tensor, classes: int) -> None:
        super().__init__([0])
        self.latents, self.labels, self.classes = latents, labels, classes

    def normal(self, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """All candidates, (1, N, Z)."""
        return self.latents.reshape(1, *shape).to(dtype)

    def uniform(self, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """What makes the recorded classes, (1, N)."""
        return ((self.labels + 0.5) / self.classes).reshape(1, *shape)


def select_z(fixture: Fixture) -> Iterator[Result]:
    """The best of recorded candidates, of one class and each of its own."""
    for dtype in PRECISIONS:
        generator = _network(fixture, "G", GENERATOR, dtype)
        judge = _network(fixture, "D", DISCRIMINATOR, dtype)
        assert isinstance(generator, BigGan)
        assert isinstance(judge, BigGanDiscriminator)
        image = (fixture.input("image", dtype) + 1) / 2
        size = (image.shape[-2], image.shape[-1])
        problem = Problem(dgp_target("colorization", image), dgp_degradation("colorization", size))
        latents = fixture.input("candidates_z", dtype).flatten(0, 1)
        choice, got = 1.0 * DiscriminatorFeatures(judge, 3), {}
        of_each = torch.from_numpy(fixture.inputs["candidates_y"])
        for tag, labels in (
            ("fixed_y", torch.from_numpy(fixture.inputs["y"]).expand(len(latents))),
            ("select_y", of_each),
        ):
            begin = BestOf(len(latents), choice)
            prior = LatentPrior(generator, "z", begin=begin, tunes=True)
            code = prior.start(problem, _Drawn(latents, labels, generator.classes))
            best = int((latents - code["z"]).abs().sum(1).argmin())
            got |= {f"{tag}.z": code["z"], f"{tag}.argmin": torch.tensor(best)}
            got[f"{tag}.y"] = labels[best : best + 1]
        yield from compare_all(fixture, got, f64=dtype == torch.float64)


def morphing(fixture: Fixture) -> Iterator[Result]:
    """A frame between two codes whose weights are their own."""
    for dtype in PRECISIONS:
        codes, prior = [], None
        for number in (1, 2):
            generator = _network(fixture, f"G{number}", GENERATOR, dtype)
            assert isinstance(generator, BigGan)
            c = generator.embed(torch.from_numpy(fixture.inputs[f"y{number}"]))
            prior = LatentPrior(generator, "z", tunes=True)
            own = {f"generator.{name}": t[None] for name, t in generator.state_dict().items()}
            codes.append({"z": fixture.input(f"z{number}", dtype), "c": c} | own)
        got = {}
        for tag, alpha in (("0.3", fixture.config["alpha"]), ("0", 0.0), ("1", 1.0)):
            code = lerp(codes[1], codes[0], alpha)
            got[f"frame_alpha{tag}"] = 2 * prior.render(code) - 1
            got |= {f"z_alpha{tag}": code["z"], f"y_embed_alpha{tag}": code["c"]}
        yield from compare_all(fixture, got, f64=dtype == torch.float64)


def _network(fixture: Fixture, letter: str, layout: Layout, dtype: torch.dtype) -> torch.nn.Module:
    prefixed = _weights(fixture, letter)
    tensors = {key: torch.from_numpy(a).to(dtype) for key, a in prefixed.items()}
    stored = layout.convert(Found(tensors, settings=fixture.config))
    network = build_stored(stored)
    network.load_state_dict(stored.tensors, assign=True)
    return network.requires_grad_(False).eval()


def _weights(fixture: Fixture, letter: str) -> dict[str, np.ndarray]:
    """Of one network: under its letter, or in the folder of a sibling."""
    for sibling in fixture.meta.get("weights_ref") or []:
        if f"_{letter}" in sibling:
            return Fixture(fixture.folder / sibling).weights
    return {
        k.removeprefix(f"{letter}."): v
        for k, v in fixture.weights.items()
        if k.startswith(f"{letter}.")
    }


def _setting(config: dict, groups: int, features: int) -> Setting:
    stages = tuple(
        Tuning(steps, rate_z, rate, tuned, ratio, seen, weight, mse)
        for steps, rate_z, rate, tuned, ratio, seen, weight, mse in zip(
            config["iterations"],
            config["z_lrs"],
            config["G_lrs"],
            config["ft_num"],
            config["lr_ratio"],
            config["ftr_num"],
            config["w_D_loss"],
            config["w_mse"],
            strict=True,
        )
    )
    cited = (Counts(features, groups), stages, 1, 1.0, 3, config["w_nll"])
    return Setting(
        "tests",
        "inpaint",
        *(Cited(value, "tests") for value in cited),
        tunes_class=Cited(bool(config.get("update_embed")), "tests"),
        instance_norms=Cited(all(config["use_in"]), "tests"),
    )


def _run(fixture: Fixture, dtype: torch.dtype) -> dict[str, Tensor]:
    config, mode = fixture.config, fixture.config["dgp_mode"]
    generator = _network(fixture, "G", GENERATOR, dtype)
    judge = _network(fixture, "D", DISCRIMINATOR, dtype)
    assert isinstance(generator, BigGan)
    assert isinstance(judge, BigGanDiscriminator)
    image = (fixture.input("image", dtype) + 1) / 2
    factor = 4 if mode == "SR" else 1
    size = (image.shape[-2], image.shape[-1])
    target = dgp_target(mode, image, factor)
    if factor > 1:  # recorded so: in float32 and on the scale from -1 to 1, whatever the fit is in
        small = pillow_reduced((fixture.input("image", torch.float32) + 1) / 2, factor)
        target = (Enlarge(factor)(2 * small - 1).to(dtype) + 1) / 2
    problem = Problem(target, dgp_degradation(mode, size, factor))
    features = len(judge.features(image))
    setting = _setting(config, len(generator.groups), features)
    recipe = setting.made_for(generator, judge)
    c = generator.embed(torch.from_numpy(fixture.inputs["y"]))
    start = Given({"z": fixture.input("z0", dtype), "c": c})
    norms = setting.instance_norms.value
    prior = LatentPrior(generator, "z", begin=start, tunes=True, instance_norms=norms)
    fit = Fit(problem, replace(recipe, prior=prior), [0])
    losses, latents, last = [], [], None
    weights = [stage.feature_weight for stage in setting.stages.value for _ in range(stage.steps)]
    for step, weight in zip(fit, weights, strict=True):
        losses.append(
            (step.losses["DiscriminatorFeatures"] / weight, step.loss, step.losses["Usual"])
        )
        latents.append(step.code["z"].detach().clone()[0])
        last = step.drawn
    ftr, total, usual = (torch.cat(column) for column in zip(*losses, strict=True))
    code = fit.code
    got = {
        "ftr_loss": ftr,
        "total_loss": total,
        "nll": usual / config["w_nll"],
        "z_after_step": torch.stack(latents),
        "z_final": code["z"],
        "x_last_before_update": 2 * last - 1,
        "x_after_update": 2 * prior.render(code) - 1,
        "linear.bias": code["generator.linear.bias"][0, :256],
    }
    return {key: _thinned(fixture, key, value.detach()) for key, value in got.items()}


def _thinned(fixture: Fixture, key: str, got: Tensor) -> Tensor:
    shape = fixture.meta["expected"].get(key, {}).get("shape", [])
    if got.ndim == 4 and len(shape) == 4 and got.shape[-1] != shape[-1]:
        step = got.shape[-1] // shape[-1]
        return got[..., ::step, ::step]
    return got


KINDS: dict[str, Callable[[Fixture], Iterator[Result]]] = {
    "dgp_lr_tables": rates,
    "dgp_morphing": morphing,
    "dgp_param_groups": param_groups,
    "dgp_select_z": select_z,
    "dgp_trajectory": trajectory,
}
