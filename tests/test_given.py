"""What the front doors say of values of the wrong kind: what they expect, and what they got."""

import numpy as np
import pytest
import torch

import priorfit as pf

ARRAY = np.zeros((32, 40, 3), np.float32)


@pytest.mark.parametrize("value", [ARRAY, [[0.0]], None, "a.png"])
def test_a_problem_says_that_it_takes_tensors(value):
    with pytest.raises(pf.PriorfitError, match=r"torch tensor \(B, C, H, W\).* take arrays"):
        pf.Problem(value, pf.Identity())


@pytest.mark.parametrize(
    "give",
    [
        lambda: pf.Mask(ARRAY),
        lambda: pf.Blur(ARRAY[..., 0]),
        lambda: pf.simulate(ARRAY, pf.Identity()),
    ],
)
def test_other_parts_say_so_too(give):
    with pytest.raises(pf.PriorfitError, match=r"torch tensor .*got ndarray of \(32, 40"):
        give()


class Physics:
    """An operator of another package."""

    def __init__(self, forward):
        self.forward, self.calls = forward, 0

    def A(self, x):  # noqa: N802
        self.calls += 1
        return self.forward(x)


Y = torch.rand(2, 3, 16, 20, generator=torch.Generator().manual_seed(0))
WRONG = {
    "another size": (lambda x: x[..., ::2], r"got \(2, 3, 16, 10\); .*image_shape=\(C, H, W\)"),
    "fewer channels": (lambda x: x[:, :1], r"got \(2, 1, 16, 20\)"),
    "no batch": (lambda x: x[0], r"got \(3, 16, 20\)"),
    "it fails": (lambda x: x @ torch.ones(5, 5), r"A\(x\) fails for an image of .*RuntimeError"),
    "an array": (lambda x: x.detach().numpy(), "to give a tensor, got ndarray"),
    "nothing": (lambda x: None, "to give a tensor, got NoneType"),
    "no gradient": (lambda x: x.detach(), "to be differentiable"),
}


@pytest.mark.parametrize(("forward", "said"), WRONG.values(), ids=WRONG)
def test_a_foreign_operator_that_does_not_fit_is_refused_before_the_fit(forward, said):
    with pytest.raises(pf.PriorfitError, match=said):
        pf.Problem(Y, Physics(forward))


def test_a_foreign_operator_that_fits_is_tried_once():
    physics = Physics(lambda x: x[..., ::2])
    problem = pf.Problem(Y, physics, image_shape=(3, 16, 40))
    assert problem.to("cpu").shape == (3, 16, 40)
    assert physics.calls == 1
    with torch.no_grad():
        pf.Problem(Y, physics, image_shape=(3, 16, 40))
