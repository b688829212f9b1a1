"""Optimisers as the loop wants them: parameter groups in, optimiser out."""

from typing import Any

import torch


def lbfgs(groups: list[dict[str, Any]]) -> torch.optim.LBFGS:
    """One LBFGS iteration a step, never stopping by itself (tolerances −1, as released).

    In the released code: utils/common_utils.py, optimize, which runs all iterations in one call.
    """
    together = {"params": [p for group in groups for p in group["params"]]}
    joined = {**together, "name": groups[0]["name"]}
    return torch.optim.LBFGS([joined], max_iter=1, tolerance_grad=-1, tolerance_change=-1)
