"""Intervals over test clips: of one share, and of the harmonic mean of two.

Both take the clips as independent and say nothing about other seeds, splits or performers.
"""

from __future__ import annotations

import math

import numpy as np

from zsl_skeleton.evaluation.gzsl import harmonic_mean
from zsl_skeleton.reports.document import Share

_Z = 1.959964


def share_of(right: float, clips: int) -> Share:
    """``right`` of ``clips`` with the 95 % interval of Wilson (1927)."""
    if not clips:
        return Share(0.0)
    p, z2 = right / clips, _Z * _Z
    middle = (p + z2 / (2 * clips)) / (1 + z2 / clips)
    half = _Z * math.sqrt(p * (1 - p) / clips + z2 / (4 * clips * clips)) / (1 + z2 / clips)
    # Exact at both ends, where rounding would leave a trace.
    return Share(p, max(0.0, middle - half) if right else 0.0, min(1.0, middle + half) if right < clips else 1.0)


def harmonic_of(seen: Share, unseen: Share) -> Share:
    """The harmonic mean of two independent shares with its 95 % interval, from theirs.

    How far H moves when one of them moves to an end of its interval, squared and added (Zou and Donner, "Construction
    of confidence limits about effect measures", Statistics in Medicine 2008).
    """
    s = np.array([seen.value, seen.low, seen.high, seen.value, seen.value], dtype=np.float64)
    u = np.array([unseen.value, unseen.value, unseen.value, unseen.low, unseen.high], dtype=np.float64)
    h, *moved = harmonic_mean(s, u).tolist()
    below, above = (math.hypot(moved[end] - h, moved[2 + end] - h) for end in (0, 1))
    return Share(h, max(0.0, h - below), min(1.0, h + above))
