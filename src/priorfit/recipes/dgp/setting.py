"""Settings of Deep Generative Prior: numbers for one published BigGAN, counted anew for others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from priorfit.errors import RecipeError
from priorfit.loop.fit import Recipe, Stage
from priorfit.networks.generator import Discriminator, Generator
from priorfit.priors.latent import GENERATOR as WEIGHTS
from priorfit.priors.latent import LatentPrior
from priorfit.priors.starts import BestOf, Drawn
from priorfit.recipes.method import DEFAULT, GENERATOR, Cited, Kit
from priorfit.recipes.setting import TaskSetting
from priorfit.terms.code import Usual
from priorfit.terms.data import Mse
from priorfit.terms.objective import Objective
from priorfit.terms.perceptual import DiscriminatorFeatures

DISCRIMINATOR = "discriminator"

ADAM = partial(torch.optim.Adam, betas=(0.0, 0.999))
"""Released: betas = (0, 0.999), for latents and weights alike."""

Seen = Callable[[int], DiscriminatorFeatures]
"""A number of features, as the published network counts, to the term that compares them."""

_SIGNED = 4.0  # a squared error on the scale from -1 to 1, of one on the scale from 0 to 1


@dataclass(frozen=True)
class Tuning:
    """One stage, in the numbers of the published network.

    Args:
        steps: how many.
        rate_z: learning rate of the latent.
        rate: learning rate of the first group of weights.
        groups: groups that are tuned, from the input on; those beyond stand still.
        ratio: rate of a group, of the one before it.
        features: of the discriminator that are compared, from the coarse end.
        feature_weight: of their distance.
        mse_weight: of the squared error, on a scale from -1 to 1.
    """

    steps: int
    rate_z: float
    rate: float
    groups: int
    ratio: float = 1.0
    features: int = 8
    feature_weight: float = 1.0
    mse_weight: float = 0.0


@dataclass(frozen=True)
class Counts:
    """What the numbers of a stage are counted of.

    Args:
        features: that the published discriminator has.
        groups: of weights that the published generator has, but for the last layer's.
    """

    features: int
    groups: int


@dataclass(frozen=True)
class Setting(TaskSetting):
    """One setting of Deep Generative Prior [pan2020]_; a `recipes.method.Method`.

    Features and groups are counted from the coarse end, in proportion, where a network has more or
    fewer of them than the published one.

    Args:
        about: one line for the list of recipes.
        task: that it is for.
        counted: what `stages` counts features and groups of.
        stages: how latent and weights are tuned, in turn.
        candidates: random latents that the start is the best of.
        spread: their standard deviation.
        choice: features, from the coarse end, by which the best is chosen.
        usual: weight of mean z²/2.
        tunes_class: whether the embedding of the class is tuned, at the rate of the first group.
        instance_norms: whether the generator is drawn with instance norms.
        generator: name of the checkpoint, unless the user names one.
        published: see `Method`.
    """

    about: str
    task: str
    counted: Cited[Counts]
    stages: Cited[tuple[Tuning, ...]]
    candidates: Cited[int]
    spread: Cited[float]
    choice: Cited[int]
    usual: Cited[float]
    tunes_class: Cited[bool] = Cited(False, DEFAULT)
    instance_norms: Cited[bool] = Cited(False, DEFAULT)
    generator: Cited[str] = Cited("scenes-biggan", "the BigGAN that comes with priorfit")
    published: bool = False
    synthesises: bool = True

    @property
    def length(self) -> int:
        """Steps of all stages."""
        return sum(stage.steps for stage in self.stages.value)

    @property
    def most(self) -> int | None:
        """The same: what is tuned longer follows the damage."""
        return self.length

    @property
    def needs(self) -> Mapping[str, str]:
        """A generator and its discriminator."""
        name = self.generator.value
        return {GENERATOR: name, DISCRIMINATOR: f"{name}/{DISCRIMINATOR}"}

    def recipe(self, steps: int | None = None, kit: Kit | None = None) -> Recipe:
        """Make the recipe; a shorter one is the beginning of the whole, its last stage the longest.

        Raises:
            CheckpointError: generator or discriminator are missing or damaged.
            RecipeError: the generator has no groups of weights to tune.
        """
        kit = kit or Kit()
        name = kit.names.get(GENERATOR, self.generator.value)
        generator = kit.network(Generator, name)
        judge = kit.names.get(DISCRIMINATOR, f"{name}/{DISCRIMINATOR}")
        return self.made_for(generator, kit.network(Discriminator, judge), steps)

    def made_for(
        self, generator: Generator, discriminator: Discriminator, steps: int | None = None
    ) -> Recipe:
        """Make the recipe for networks that are at hand.

        Raises:
            RecipeError: the generator has no groups of weights to tune.
        """
        if not generator.groups:
            raise RecipeError(f"a {type(generator).__name__} has no groups of weights to tune")
        told = discriminator.eval().requires_grad_(False)
        with torch.no_grad():
            blank = next(told.parameters()).new_zeros(1, 3, *told.size)
            there = len(told.features(blank))

        def seen(count: int) -> DiscriminatorFeatures:
            return DiscriminatorFeatures(told, scaled(count, self.counted.value.features, there))

        begin = BestOf(
            self.candidates.value, 1.0 * seen(self.choice.value), Drawn(self.spread.value)
        )
        prior = LatentPrior(
            generator, "z", begin=begin, tunes=True, instance_norms=self.instance_norms.value
        )
        lengths = _lengths([stage.steps for stage in self.stages.value], steps)
        pairs = zip(self.stages.value, lengths, strict=True)
        stages = [
            Stage(length, self._all_rates(stage, generator), self._objective(stage, seen), ADAM)
            for stage, length in pairs
            if length
        ]
        return Recipe(prior, stages)

    def _objective(self, stage: Tuning, seen: Seen) -> Objective:
        whole = stage.feature_weight * seen(stage.features) + self.usual.value * Usual("z")
        return whole + _SIGNED * stage.mse_weight * Mse() if stage.mse_weight else whole

    def _all_rates(self, stage: Tuning, generator: Generator) -> dict[str, float]:
        rates = self.rates(stage, generator.groups)
        return rates | {"c": stage.rate} if self.tunes_class.value and generator.classes else rates

    def rates(self, stage: Tuning, groups: Sequence[Sequence[str]]) -> dict[str, float]:
        """Learning rates of the latent and of every group of weights in one stage.

        Args:
            stage: it.
            groups: names of the weights of each group, from the input on.
        """
        tuned = scaled(stage.groups, self.counted.value.groups, len(groups))
        rates = {"z": stage.rate_z}
        for number, group in enumerate(groups):
            rate = stage.rate * stage.ratio**number if number < tuned else 0.0
            rates |= {f"{WEIGHTS}.{name}": rate for name in group}
        return rates


def scaled(count: int, of: int, there: int) -> int:
    """A number of features or groups, counted of `of`, where `there` are; at least one."""
    return max(1, min(there, round(count * there / of)))


def _lengths(own: Sequence[int], steps: int | None) -> list[int]:
    """Steps of every stage, of a fit of so many in all: cut off, or the last one longer."""
    if steps is None:
        return list(own)
    lengths, left = [], steps
    for number, length in enumerate(own):
        last = number == len(own) - 1
        lengths.append(left if last else min(length, left))
        left -= lengths[-1]
    return lengths
