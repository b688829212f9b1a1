"""What threads do while they wait for each other."""

import os
from collections.abc import MutableMapping

_SLEEPING = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0", "KMP_BLOCKTIME": "0"}
"""For every OpenMP, for GNU's, for Intel's and LLVM's."""


def sleep_while_waiting(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let threads that wait for others sleep, instead of turning in a loop for the next task.

    Two threads on two busy cores lose half of their time or more to such loops. What is computed
    does not depend on it. OpenMP reads the variables once, when torch is imported; whoever has set
    one of them has decided.
    """
    if not _SLEEPING.keys() & environment.keys():
        environment.update(_SLEEPING)
