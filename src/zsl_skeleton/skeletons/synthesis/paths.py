"""Paths of a control channel through time, strung together from segments measured in beats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Point = tuple[float, float, float]
Curve = Callable[[Floats], Floats]
"""From [n] moments in 0..1 to [n, 3] points."""


@dataclass(frozen=True)
class Segment:
    """A curve that lasts some beats."""

    beats: float
    curve: Curve


@dataclass(frozen=True)
class Path:
    """Segments one after the other."""

    segments: tuple[Segment, ...]

    @property
    def beats(self) -> float:
        """How long the whole path takes."""
        return sum(segment.beats for segment in self.segments)

    def __call__(self, moments: Floats) -> Floats:
        """Points [T, 3] at ``moments`` [T] in 0..1 of the whole path."""
        ends = np.cumsum([segment.beats for segment in self.segments])
        at = moments * ends[-1]
        which = np.minimum(np.searchsorted(ends, at, side="right"), len(self.segments) - 1)
        points = np.empty((len(moments), 3))
        for index, segment in enumerate(self.segments):
            chosen = which == index
            begin = ends[index] - segment.beats
            points[chosen] = segment.curve(np.clip((at[chosen] - begin) / segment.beats, 0.0, 1.0))
        return points


def straight(stations: Sequence[Point], beats: Sequence[float]) -> Path:
    """From station to station in straight lines, pausing at each; ``beats`` has one entry less than ``stations``."""
    return _through(stations, beats, _line)


def swung(stations: Sequence[Point], beats: Sequence[float]) -> Path:
    """Like ``straight``, but around the origin (a shoulder): direction and distance change evenly."""
    return _through(stations, beats, _swing)


def arc(centre: Point, radius: float, turns: tuple[float, float], beats: float) -> Path:
    """Around ``centre`` in the plane of walking, from one angle to another, evenly.

    Angles are in turns: 0 is straight down, 0.25 ahead, 0.5 straight up, 0.75 behind.
    """
    return Path((Segment(beats, _around(centre, radius, turns)),))


def eased_arc(centre: Point, radius: float, turns: tuple[float, float], beats: float) -> Path:
    """Like ``arc``, but starting and ending at rest."""
    curve = _around(centre, radius, turns)
    return Path((Segment(beats, lambda moments: curve(_ease(moments)[:, 0])),))


def joined(*paths: Path) -> Path:
    """One path after the other."""
    return Path(tuple(segment for path in paths for segment in path.segments))


def _through(stations: Sequence[Point], beats: Sequence[float], between: Callable[[Floats, Floats], Curve]) -> Path:
    points = [np.asarray(station, dtype=np.float64) for station in stations]
    legs = zip(points, points[1:], beats, strict=False)
    return Path(tuple(Segment(duration, between(start, end)) for start, end, duration in legs))


def _ease(moments: Floats) -> Floats:
    """Minimum-jerk timing of a reach (Flash and Hogan 1985): starts and ends at rest. [n] -> [n, 1]."""
    eased: Floats = moments**3 * (10.0 - 15.0 * moments + 6.0 * moments**2)
    return eased[:, None]


def _around(centre: Point, radius: float, turns: tuple[float, float]) -> Curve:
    def curve(moments: Floats) -> Floats:
        angle = 2.0 * np.pi * (turns[0] + (turns[1] - turns[0]) * moments)
        return np.asarray(centre) + radius * np.stack([np.zeros_like(angle), -np.cos(angle), np.sin(angle)], axis=-1)

    return curve


def _line(start: Floats, end: Floats) -> Curve:
    return lambda moments: start + (end - start) * _ease(moments)


def _swing(start: Floats, end: Floats) -> Curve:
    lengths = np.linalg.norm(start), np.linalg.norm(end)
    first, last = start / lengths[0], end / lengths[1]
    angle = np.arccos(np.clip(first @ last, -1.0, 1.0))
    if angle < 1e-3:
        return _line(start, end)

    def curve(moments: Floats) -> Floats:
        eased = _ease(moments)
        direction = (np.sin((1.0 - eased) * angle) * first + np.sin(eased * angle) * last) / np.sin(angle)
        points: Floats = direction * (lengths[0] + (lengths[1] - lengths[0]) * eased)
        return points

    return curve
