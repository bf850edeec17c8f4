"""The interval of one share of clips."""

from __future__ import annotations

import math

from zsl_skeleton.reports.document import Share

_Z = 1.959964


def share_of(right: float, clips: int) -> Share:
    """``right`` of ``clips`` with the 95 % interval of Wilson (1927), which takes the clips as independent.

    It says nothing about other seeds, splits or performers.
    """
    if not clips:
        return Share(0.0)
    p, z2 = right / clips, _Z * _Z
    middle = (p + z2 / (2 * clips)) / (1 + z2 / clips)
    half = _Z * math.sqrt(p * (1 - p) / clips + z2 / (4 * clips * clips)) / (1 + z2 / clips)
    # Exact at both ends, where rounding would leave a trace.
    return Share(p, max(0.0, middle - half) if right else 0.0, min(1.0, middle + half) if right < clips else 1.0)
