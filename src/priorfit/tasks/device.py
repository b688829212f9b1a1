"""Devices by name."""

import torch

from priorfit.errors import DeviceError


def device_named(name: str) -> torch.device:
    """Device by its name: auto, cpu, cuda, cuda:N or mps; auto is the first accelerator there is.

    Raises:
        DeviceError: no such device here.
    """
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if name == "auto":
        return accelerator or torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise DeviceError(f"expected auto, cpu, cuda, cuda:N or mps, got '{name}'") from None
    if device.type == "cpu":
        return device
    if accelerator is None or accelerator.type != device.type:
        raise DeviceError(f"there is no device '{name}' here: leave it out, or use --device cpu")
    if (device.index or 0) >= torch.accelerator.device_count():
        count = torch.accelerator.device_count()
        raise DeviceError(
            f"there is no device '{name}' here: the last is {device.type}:{count - 1}"
        )
    return device
