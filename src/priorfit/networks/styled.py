"""What the generators of StyleGAN2's line share: a mapping, and a w with a row for each layer."""

from torch import Tensor

from priorfit.networks.generator import Generator
from priorfit.networks.style_layers import rows
from priorfit.networks.stylegan2_layers import StyleMapping


class Styled(Generator):
    """A generator whose layers each take a row of w, which one mapping makes of z.

    A subclass builds `mapping`; its `config` has `truncation_psi` and `truncation_layers`, which
    `truncated` takes where nothing else is asked for.
    """

    spaces = ("z", "w", "w+")
    w_dim: int
    mapping: StyleMapping

    def embed(self, labels: Tensor) -> Tensor | None:
        """Embedding c of class numbers, (B,), or of mixtures of classes, (B, classes)."""
        return self.mapping.embedded(labels)

    def map(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return self.mapping(z, c)[:, None].expand(-1, self.layers, -1)

    def truncated(self, w: Tensor, psi: float | None = None, layers: int | None = None) -> Tensor:
        """Move w towards its mean: more usual, less various pictures.

        Args:
            w: (B, L, W), as `map` gives it.
            psi: 1 leaves w as it is, 0 is the mean; None for what the network came with, psi and
                layers.
            layers: how many layers, from the coarsest, are moved; None for all.
        """
        if psi is None:
            psi = self.config.truncation_psi
            layers = self.config.truncation_layers if layers is None else layers
        return self.mapping.truncated(self.rows(w), psi, layers)

    def rows(self, w: Tensor) -> Tensor:
        """A w with a row for each layer, (B, L, W), of one that may have a single row.

        Raises:
            ProblemError: it has neither one row nor L, or rows of another width.
        """
        return rows(w, self.layers, self.w_dim)
