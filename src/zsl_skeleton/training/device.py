"""Which device computes, and why."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from zsl_skeleton.errors import UsageError
from zsl_skeleton.training.processor import ready_processor


@dataclass(frozen=True)
class DeviceChoice:
    """A device and the reason it was chosen, for the log."""

    device: torch.device
    reason: str

    def __str__(self) -> str:
        return f"{self.device} ({self.reason})"


def choose_device(wanted: str = "auto") -> DeviceChoice:
    """The device that ``wanted`` (``auto``, ``cpu``, ``cuda``, ``cuda:N``) means.

    Raises:
        UsageError: it does not exist on this machine.
    """
    if wanted == "auto":
        if torch.cuda.is_available():
            return DeviceChoice(torch.device("cuda"), torch.cuda.get_device_name())
        return DeviceChoice(torch.device("cpu"), f"no GPU is visible; {torch.get_num_threads()} threads")
    try:
        device = torch.device(wanted)
    except RuntimeError as error:
        raise UsageError(f"unknown device {wanted!r}", mend="choose auto, cpu, cuda or cuda:N") from error
    if device.type not in ("cpu", "cuda"):
        raise UsageError(f"the device {wanted!r} is not supported", mend="choose auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(
            f"there is no device {wanted!r}",
            why=f"torch {torch.__version__} sees {torch.cuda.device_count()} GPUs",
            mend="choose --device cpu",
        )
    return DeviceChoice(device, "as asked for")


def training_device(wanted: str = "auto") -> torch.device:
    """:func:`choose_device` for a process that trains or extracts, and so may set how its processor works.

    Raises:
        UsageError: the device does not exist on this machine.
    """
    ready_processor()
    return choose_device(wanted).device
