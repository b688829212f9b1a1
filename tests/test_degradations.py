"""Laws that hold for every degradation; what is peculiar to one family has a file of its own."""

import pytest
import torch

from priorfit.color import BT601
from priorfit.degradations import (
    GAUSS12,
    Area,
    Bicubic,
    BlindDownsample,
    Blur,
    Border,
    Box,
    Compose,
    Downsample,
    Enlarge,
    Foreign,
    Grayscale,
    Identity,
    Lanczos,
    Linear,
    as_degradation,
    gaussian_psf,
)
from priorfit.errors import ProblemError
from tests.pictures import dropouts, uniform


class Physics:
    """Looks like a deepinv physics: `A` is the operator, a call adds noise."""

    def A(self, x: torch.Tensor) -> torch.Tensor:  # noqa: N802
        return x.flip(-1) * 0.5

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        raise AssertionError("only A may be called")


LOPSIDED = uniform(3, 4, seed=1)
LARGE = uniform(8, 7, seed=2)  # convolved by Fourier transform

# A degradation, and the shape of an image it takes.
CASES = {
    "identity": (Identity(), (3, 8, 6)),
    "mask": (dropouts(), (3, 8, 6)),
    "mask of each channel": (dropouts(channels=2), (2, 8, 6)),
    "filled mask": (dropouts(fill=0.5), (1, 8, 6)),
    "lanczos2": (Downsample(4), (3, 8, 12)),
    "lanczos3 by an odd factor": (Downsample(3, Lanczos(3)), (1, 9, 6)),
    "lanczos3 as pillow": (Downsample(2, Lanczos(3), border=Border.RENORMALISE), (3, 8, 6)),
    "gauss at phase 0": (Downsample(2, GAUSS12, phase=0), (2, 8, 6)),
    "box": (Downsample(2, Box(3)), (1, 6, 4)),
    "area": (Downsample(5, Area()), (5, 10, 5)),
    "bicubic": (Downsample(2, Bicubic()), (3, 4, 4)),
    "valid lanczos2": (Downsample(2, border=Border.VALID), (1, 12, 10)),
    "linear": (Downsample(4, Linear()), (2, 8, 12)),
    "enlarged": (Enlarge(3), (2, 4, 3)),
    "blur": (Blur(LOPSIDED), (3, 8, 7)),
    "replicating blur": (Blur(LOPSIDED, Border.REPLICATE), (2, 8, 6)),
    "renormalising blur": (Blur(LOPSIDED, Border.RENORMALISE), (1, 8, 6)),
    "large blur": (Blur(LARGE), (2, 11, 13)),
    "large replicating blur": (Blur(LARGE, Border.REPLICATE), (1, 6, 5)),
    "grayscale": (Grayscale(), (3, 8, 6)),
    "grayscale of dgp": (Grayscale(zero=0.5), (3, 6, 4)),
    "grayscale of pillow": (Grayscale(BT601), (3, 4, 6)),
    "composition": (
        Compose(Blur(gaussian_psf(0.4)), Downsample(2), Grayscale(), dropouts(fill=-1.0)),
        (3, 20, 16),
    ),
    "nothing composed": (Compose(), (3, 8, 6)),
    "foreign": (Foreign(Physics()), (3, 8, 6)),
    "unknown window": (BlindDownsample(2), (3, 8, 6)),
}
AFFINE = {"filled mask", "composition", "grayscale of dgp"}

each_case = pytest.mark.parametrize(("degradation", "shape"), CASES.values(), ids=CASES)
LINEAR = {name: case for name, case in CASES.items() if name not in AFFINE}
each_linear_case = pytest.mark.parametrize(("degradation", "shape"), LINEAR.values(), ids=LINEAR)
GPUS = [pytest.param("cuda", marks=pytest.mark.gpu)] if torch.cuda.is_available() else []
each_device = pytest.mark.parametrize("device", ["cpu", *GPUS])


@each_case
def test_the_observation_tells_the_shape_of_its_image(degradation, shape):
    observation = degradation(uniform(2, *shape))
    assert degradation.image_shape(tuple(observation.shape[1:])) == shape


@each_case
def test_the_same_image_gives_the_same_bytes(degradation, shape):
    image = uniform(1, *shape, dtype=torch.float32)
    assert torch.equal(degradation(image), degradation(image.clone()))


@each_case
def test_the_image_is_left_as_it_was(degradation, shape):
    image = uniform(1, *shape)
    degradation(image)
    assert torch.equal(image, uniform(1, *shape))


@each_case
def test_an_image_degrades_the_same_alone_and_in_a_batch(degradation, shape):
    batch = uniform(3, *shape)
    torch.testing.assert_close(degradation(batch)[1:2], degradation(batch[1:2]))


@each_case
def test_gradients_are_those_of_finite_differences(degradation, shape):
    assert torch.autograd.gradcheck(degradation, uniform(1, *shape).requires_grad_())


@each_case
def test_what_is_added_counts_in_proportion(degradation, shape):
    a, b, zero = uniform(1, *shape), uniform(1, *shape, seed=1), torch.zeros(1, *shape).double()
    ground = degradation(zero)
    sum_of_parts = 2 * (degradation(a) - ground) - 3 * (degradation(b) - ground) + ground
    torch.testing.assert_close(degradation(2 * a - 3 * b), sum_of_parts)


@each_linear_case
def test_the_gradient_is_the_adjoint(degradation, shape):
    a, b = uniform(1, *shape), uniform(1, *shape, seed=1).requires_grad_()
    weights = uniform(*degradation(a).shape, seed=2)
    (adjoint,) = torch.autograd.grad(degradation(b), b, weights)
    torch.testing.assert_close((degradation(a) * weights).sum(), (a * adjoint).sum())


@each_case
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@each_device
def test_type_and_device_of_the_image_are_kept(degradation, shape, dtype, device):
    image = uniform(1, *shape)
    observation = degradation(image.to(device, dtype))
    assert observation.dtype == dtype
    assert observation.device.type == device
    torch.testing.assert_close(observation.double().cpu(), degradation(image), atol=3e-6, rtol=0)


@each_case
def test_memory_layout_does_not_matter(degradation, shape):
    image = uniform(2, *shape)
    last = image.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(degradation(last), degradation(image))


@each_case
def test_values_are_printable_comparable_and_hashable(degradation, shape):
    others = [value for value, _ in CASES.values() if value is not degradation]
    assert type(degradation).__name__ in repr(degradation)
    assert len(repr(degradation)) < 400
    assert degradation in {degradation}
    assert degradation not in others
    assert degradation != "a string"


@each_case
def test_first_use_in_inference_mode_does_no_harm_later(degradation, shape):
    image = uniform(1, *shape, dtype=torch.float32)
    with torch.inference_mode():
        degradation(image)
    degradation(image.clone().requires_grad_()).sum().backward()


def test_grey_is_the_weighted_mean_of_the_colours():
    pure = torch.eye(3)[None, :, None]
    torch.testing.assert_close(Grayscale()(pure), torch.tensor([[[[0.2989, 0.5870, 0.1140]]]]))
    with pytest.raises(ProblemError, match="3 channels, got 1"):
        Grayscale()(pure[:, :1])
    with pytest.raises(ProblemError, match="1 channel, got 3"):
        Grayscale().image_shape((3, 8, 8))


def test_grey_weighs_from_the_zero_it_is_told():
    image = uniform(1, 3, 4, 5)
    weights = torch.tensor([0.2989, 0.5870, 0.1140], dtype=torch.float64)[:, None, None]
    signed = ((2 * image - 1) * weights).sum(1, keepdim=True)
    torch.testing.assert_close(2 * Grayscale(zero=0.5)(image) - 1, signed)


def test_composition_goes_from_left_to_right():
    image, small = uniform(1, 3, 16, 12), Downsample(2)
    composed = Compose(small, dropouts(), Grayscale())
    assert torch.equal(composed(image), Grayscale()(dropouts()(small(image))))
    assert composed == Compose(small, dropouts(), Grayscale()) != Compose(small)
    assert repr(composed).startswith("Compose(Downsample(")


def test_ours_pass_through_and_foreign_operators_are_wrapped():
    assert as_degradation(CASES["mask"][0]) is CASES["mask"][0]
    physics = Physics()
    assert as_degradation(physics) == Foreign(physics)
    assert as_degradation(physics).image_shape((3, 8, 6)) == (3, 8, 6)
    assert as_degradation(physics, (1, 4, 4)).image_shape((3, 8, 6)) == (1, 4, 4)
    with pytest.raises(ProblemError, match="got str"):
        as_degradation("blur")
