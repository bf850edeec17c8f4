"""Computing the same thing every time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def reproducible(device: torch.device) -> Iterator[None]:
    """Inside, convolutions are deterministic and in full float32, and the caller's random state is left alone."""
    forked = [device] if device.type == "cuda" else []
    exact = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    with torch.random.fork_rng(devices=forked), exact:
        yield


def derived_seed(seed: int, *place: int) -> int:
    """A seed of its own for every place of a training, e.g. (epoch, step).

    Drawing from the place instead of from a running stream is what makes a resumed training exact: there is no random
    state to save.
    """
    text = ".".join(map(str, (seed, *place)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")
