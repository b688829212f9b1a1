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


GIVEN = {
    "no axis": (lambda: pf.denoise(ARRAY), "channel_axis=-1 if the last axis is that of the chan"),
    "a name": (lambda: pf.denoise("a.png"), "the name of a file is for priorfit.Job"),
    "nothing": (lambda: pf.denoise(None), "expected an array"),
    "a grey one": (lambda: pf.denoise(ARRAY[..., 0], channel_axis=-1), "leave channel_axis out"),
    "a batch": (lambda: pf.denoise(ARRAY[None]), "one picture at a time"),
    "no such axis": (lambda: pf.denoise(ARRAY, channel_axis=7), "channel_axis from -3 to 2, got 7"),
    "no seed": (lambda: denoised(rng=None), "rng to be a whole number of 0 or more, or a numpy"),
    "a bad seed": (lambda: denoised(rng=-1), "got -1"),
    "half a step": (lambda: denoised(steps=2.5), "steps to be a whole number"),
    "no step": (lambda: denoised(steps=0), "got 0"),
    "a word": (lambda: denoised(noise_std="0.1"), "noise_std as a number from 0 to 1, or None"),
    "counts": (lambda: denoised(noise_std=25), "25/255 for grey levels of 8 bits; what is in"),
    "no problem": (lambda: pf.restore(ARRAY, None, [0]), "expected a Problem, got ndarray"),
    "a recipe's name": (lambda: pf.restore(PROBLEM, "dip/denoise", [0]), r"recipes.load\('dip/den"),
}
PROBLEM = pf.Problem(Y, pf.Identity(), noise_std=0.1)


def denoised(**how):
    given = {"noise_std": 0.1, "steps": 1, "channel_axis": -1}
    return pf.denoise(np.random.default_rng(0).random((20, 24, 3)), **given | how)


@pytest.mark.parametrize(("give", "said"), GIVEN.values(), ids=GIVEN)
def test_what_is_wrong_with_an_argument_names_it(give, said, tiny_recipes):
    with pytest.raises(pf.PriorfitError, match=said):
        give()


@pytest.mark.parametrize("rng", [3, np.int64(3), np.uint8(3)])
def test_any_whole_number_is_a_seed(rng, tiny_recipes):
    assert np.array_equal(denoised(rng=rng), denoised(rng=3))
