"""How strong the noise of a picture is, with nothing but the picture to go by."""

from skimage import restoration

from priorfit.types import Image


def noise_level(image: Image) -> float:
    """Estimate the standard deviation of the noise, as a fraction of full scale.

    Args:
        image: (1, C, H, W), [0, 1] where it is a picture.
    """
    picture = image[0].permute(1, 2, 0).double().cpu().numpy()
    return float(restoration.estimate_sigma(picture, average_sigmas=True, channel_axis=-1))
