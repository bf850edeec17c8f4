"""Checkpoints of a training: tensors and JSON state in one safetensors file that is replaced atomically.

A killed training finds either the previous checkpoint or the new one, never half of one. Nothing is pickled.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from zsl_skeleton.errors import InputError
from zsl_skeleton.files import canonical_json, write_bytes

_STATE = "state"


def save_checkpoint(path: Path, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Atomically replace the checkpoint at ``path``.

    Args:
        path: a ``.safetensors`` file.
        tensors: weights, optimiser moments, generator states (uint8), on any device.
        state: JSON values (no NaN); floats come back exactly.
    """
    copies = {name: tensors[name].detach().to("cpu", copy=True).contiguous() for name in sorted(tensors)}
    write_bytes(path, save(copies, metadata={_STATE: canonical_json(dict(state))}))


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The tensors (on the CPU) and the state saved at ``path``; None when there is no checkpoint.

    Raises:
        InputError: the file is damaged or is not a checkpoint.
    """
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as stream:
            state = json.loads((stream.metadata() or {})[_STATE])
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise InputError(
            f"{path} is not a readable checkpoint",
            why=str(error),
            mend=f"delete it to start from the beginning: rm {path}",
        ) from error
    return tensors, state


def with_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors under ``prefix.name``."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def without_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those tensors whose name begins with ``prefix.``, without it."""
    start = f"{prefix}."
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


def pack_optimizer(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """State of an optimiser as flat tensors ``"<parameter>.<moment>"`` and JSON (parameter groups, plain numbers)."""
    packed = optimizer.state_dict()
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Any] = {}
    for index, moments in packed["state"].items():
        for moment, value in moments.items():
            (tensors if isinstance(value, Tensor) else numbers)[f"{index}.{moment}"] = value
    return tensors, {"numbers": numbers, "groups": packed["param_groups"]}


def unpack_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Put back what :func:`pack_optimizer` took, into an optimiser over the same parameters in the same order."""
    moments: dict[int, dict[str, Any]] = {}
    for name, value in {**tensors, **state["numbers"]}.items():
        index, _, moment = name.partition(".")
        moments.setdefault(int(index), {})[moment] = value
    optimizer.load_state_dict({"state": moments, "param_groups": state["groups"]})


class Interval:
    """Says when something is due again: at most once in so many seconds, so that checkpoints stay cheap.

    Args:
        seconds: shortest time between two times that :meth:`due` is true; 0 = always.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._last = time.monotonic()

    def due(self) -> bool:
        """Whether the interval is over; if so, a new one begins."""
        now = time.monotonic()
        if now - self._last < self.seconds:
            return False
        self._last = now
        return True
