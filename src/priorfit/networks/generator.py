"""What every generator offers, so that any prior works with any that has what it needs."""

from torch import Tensor

from priorfit.errors import ProblemError
from priorfit.networks.pretrained import Pretrained
from priorfit.networks.sizes import Size
from priorfit.noise import Noise
from priorfit.types import Image, Shape
from priorfit.wording import listed


class Generator(Pretrained):
    """A network that draws images from noise, in pieces.

        z ── map ──> latent ── lower(·, layer) ──> features ── upper(·, layer) ──> image

    The latent is `z` itself, (B, Z), or, where there is a W space, `w`, (B, L, W), one row for each
    layer. An image belongs to a class where `classes` is not 0: then every step takes `c`, (B, E),
    the embedding of its class, which a prior may tune like a latent. A subclass sets the attributes
    and writes `lower` and `upper`; a generator that cannot be split writes `draw` alone.

    Attributes:
        size: (height, width) of the images.
        colors: channels of the images.
        z_dim: Z.
        layers: how many layers there are; it can be split before the first, 0, to after the last.
        classes: how many classes it tells apart; 0 where it knows none.
        spaces: the latent spaces it has, of `z`, `w` and `w+`.
        groups: names of its weights, layer by layer from the coarsest on but for the last, as they
            are called in a state; empty where they are not meant to be tuned layer by layer.
        image_range: values of black and white as it draws them; it may overshoot them.
    """

    size: Size
    colors: int = 3
    z_dim: int
    layers: int = 0
    classes: int = 0
    spaces: tuple[str, ...] = ("z",)
    groups: tuple[tuple[str, ...], ...] = ()
    image_range: tuple[float, float] = (-1.0, 1.0)

    @property
    def drawn(self) -> Shape:
        """(channels, height, width) of the images."""
        return (self.colors, *self.size)

    @property
    def class_names(self) -> list[str]:
        """Names of the classes by their number, where the file of the network tells them."""
        names = self.source.get("classes")
        known = isinstance(names, list) and len(names) == self.classes
        return list(map(str, names or ())) if known else []

    def class_number(self, label: int | str) -> int:
        """Number of a class by its name, or by its number.

        Raises:
            ProblemError: there is no such class.
        """
        names = [name.casefold() for name in self.class_names]
        if isinstance(label, str) and label.casefold() in names:
            return names.index(label.casefold())
        digits = isinstance(label, int) or (label.isascii() and label.isdecimal())
        if digits and 0 <= (number := int(label)) < self.classes:
            return number
        if not self.classes:
            raise ProblemError(f"this generator knows no classes, got the class '{label}'")
        named = f", or {listed(names, 12)}" if names else ""
        raise ProblemError(f"expected a class from 0 to {self.classes - 1}{named}, got '{label}'")

    def sample(self, noise: Noise) -> Tensor:
        """Draw z ~ N(0, 1), (B, Z)."""
        return noise.normal(self.z_dim)

    def embed(self, labels: Tensor) -> Tensor | None:
        """Embedding c of class numbers, (B,) -> (B, E); None where there are no classes."""
        return None

    def map(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """The latent that z stands for: z itself, or w, (B, L, W), not truncated."""
        return z

    def lower(self, latent: Tensor, layer: int, c: Tensor | None = None) -> Tensor:
        """Features after the first `layer` layers, (B, C, h, w)."""
        raise ProblemError(f"a {type(self).__name__} cannot be split into layers")

    def upper(self, features: Tensor, layer: int, latent: Tensor, c: Tensor | None = None) -> Image:
        """The image that the layers after `layer` make of features, (B, 3, H, W) in its range.

        Args:
            features: of `lower` with the same layer.
            layer: how many layers have been run.
            latent: what the remaining layers are told, where they are told anything.
            c: embedding of the class, where there are classes.
        """
        raise ProblemError(f"a {type(self).__name__} cannot be split into layers")

    def draw(self, latent: Tensor, c: Tensor | None = None) -> Image:
        """The image of a latent, (B, 3, H, W) in its range."""
        return self.upper(self.lower(latent, 0, c), 0, latent, c)

    def forward(self, z: Tensor, c: Tensor | None = None) -> Image:
        return self.draw(self.map(z, c), c)

    def image(self, drawn: Image) -> Image:
        """A drawing on the scale of images, [0, 1]; what overshoots stays outside."""
        low, high = self.image_range
        return (drawn - low) / (high - low)


class Discriminator(Pretrained):
    """A network that tells photographs from drawings, and whose features say how alike two are.

    Attributes:
        size: (height, width) of the images.
        classes: how many classes it tells apart; 0 where it knows none.
    """

    size: Size
    classes: int = 0

    def features(self, image: Image) -> list[Tensor]:
        """Features from the finest to the coarsest, of (B, 3, H, W) in [-1, 1]."""
        raise NotImplementedError

    def forward(self, image: Image, labels: Tensor | None = None) -> Tensor:
        """How much images in [-1, 1] look like photographs, (B,); higher is more.

        Args:
            image: (B, 3, H, W).
            labels: class numbers, (B,), where there are classes; None leaves the class open.
        """
        raise NotImplementedError


def split_at(layer: int, layers: int) -> int:
    """`layer`, if a network of so many layers can be split there.

    Raises:
        ProblemError: it cannot.
    """
    if not 0 <= layer <= layers:
        raise ProblemError(f"expected a layer from 0 to {layers}, got {layer}")
    return layer
