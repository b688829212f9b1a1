"""What can be compared, by the kind a fixture's meta.json names."""

from collections.abc import Callable, Iterator

from tests.parity import (
    biggan,
    dgp,
    dip,
    multicode,
    observations,
    operators,
    style,
    stylegan2,
    trajectories,
)
from tests.parity.fixture import Fixture, Result

KINDS: dict[str, Callable[[Fixture], Iterator[Result]]] = {
    **biggan.KINDS,
    **dgp.KINDS,
    **dip.KINDS,
    **multicode.KINDS,
    **observations.KINDS,
    **operators.KINDS,
    **style.KINDS,
    **stylegan2.KINDS,
    **trajectories.KINDS,
}

# Kinds of the generative priors, which do not exist here yet. Anything else unknown is a failure.
LATER = frozenset(
    {
        "dgp_metrics",
        "idi_editing",
        "idi_inversion",
        "mgan_editing",
        "mgan_trajectories",
    }
)
