"""Neuron: the joints and frames that its prototypes attend to, step by step, drawn on a skeleton."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.html.svg import drawing, element, line, mark, text
from zsl_skeleton.reports.document import Block, Figure, Figures, Section, Text
from zsl_skeleton.reports.missing import gone
from zsl_skeleton.reports.opened import Inside, OpenedRun, input_of
from zsl_skeleton.reports.sampling import some_clips
from zsl_skeleton.reports.skeleton import SIZE, Placed, pose
from zsl_skeleton.skeletons.layouts import JOINTS, NTU
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet

_MOST_CLASSES = 12
_STRIP = 28.0
_FLOOR = SIZE[1] + 14 + _STRIP
_ABOUT = (
    "Mean attention of the prototypes over the test clips of a class, at each step of the dialogue. A disc's area is "
    "a joint's share of the attention, relative to an equal share (the thin ring); below, the share of every frame of "
    "the features, empty where the step has not seen it yet. The pose is that of one clip of the class."
)
Weights = NDArray[np.float32]


def attention(opened: OpenedRun, inside: Inside) -> Section | None:
    """A figure per class."""
    rows = some_clips(opened.labels)
    found = {name: value.numpy() for name, value in inside.explain(rows).items()}
    blocks: list[Block] = [Text(_ABOUT)]
    poses: dict[int, NDArray[np.float64]] = {}
    try:
        poses = _poses(opened, found["joints"].shape[2])
    except InputError as error:
        blocks.append(gone("The skeletons", error))
    places = [place for place in range(len(opened.names)) if (opened.labels[rows] == place).any()][:_MOST_CLASSES]
    figures = []
    for place in places:
        own = opened.labels[rows] == place
        joints, frames = (found[name][own].mean(0) for name in ("joints", "frames"))
        figures.append(_figure(opened, place, (joints, frames), poses.get(place)))
    if len(places) < len(opened.names):
        blocks.append(Text(f"The first {len(places)} of {len(opened.names)} classes are shown."))
    return Section("attention", "Attention", (*blocks, Figures(tuple(figures))))


def _figure(
    opened: OpenedRun, place: int, means: tuple[Weights, Weights], points: NDArray[np.float64] | None
) -> Figure:
    joints, frames = means
    name, most = opened.names[place], float(frames.max())
    top = [", ".join(_joint(k, len(w)) for k in np.argsort(-w, kind="stable")[:3]) for w in joints]
    steps = []
    for step, (weights, seen) in enumerate(zip(joints, frames, strict=True)):
        drawn = [text(f"step {step + 1}", SIZE[0] / 2, 12.0, "label", "middle")]
        if points is not None:
            body = Markup("").join([*pose(points, "faint"), *_discs(points, weights)])
            drawn.append(element("g", body, transform="translate(0 14)"))
        drawn += _frames(seen, most)
        says = f"Attention of {name} at step {step + 1}, most to {top[step]}"
        steps.append(drawing((SIZE[0], _FLOOR + 4), says, drawn, "step"))
    said = "; ".join(f"step {k + 1}: {names}" for k, names in enumerate(top))
    return Figure(f"{opened.numbers[place]} {name}", element("div", *steps, class_="steps"), f"Most to {said}.")


def _discs(points: NDArray[np.float64], weights: Weights) -> list[Markup]:
    equal, drawn = 1 / len(weights), []
    for joint in np.argsort(weights, kind="stable"):
        at, share = (float(points[joint, 0]), float(points[joint, 1])), float(weights[joint])
        says = f"{_joint(int(joint), len(weights))}: {100 * share:.1f} %"
        drawn.append(mark("circle", at, 5.0 * float(np.sqrt(share / equal)), "half s4", says))
        drawn.append(element("circle", cx=at[0], cy=at[1], r=5.0, class_="equal"))
    return drawn


def _frames(weights: Weights, most: float) -> list[Markup]:
    wide = (SIZE[0] - 24) / len(weights)
    drawn = [line((12, _FLOOR + 1), (SIZE[0] - 12, _FLOOR + 1), "grid")]
    for frame, weight in enumerate(weights):
        tall = _STRIP * float(weight) / (most or 1.0)
        told = element("title", f"frame {frame + 1} of {len(weights)}: {100 * float(weight):.1f} %")
        place = {"x": 12 + frame * wide, "y": _FLOOR - tall, "width": max(wide - 1, 1.0), "height": tall}
        drawn.append(element("rect", told, **place, class_="half s6"))
    return drawn


def _joint(number: int, count: int) -> str:
    return JOINTS[NTU][number] if count == len(JOINTS[NTU]) else f"joint {number}"


def _poses(opened: OpenedRun, joints: int) -> dict[int, NDArray[np.float64]]:
    """The liveliest pose [V, 2] of the first person in a clip of every class.

    Raises:
        InputError: the skeletons are gone, or the features have other joints.
    """
    skeletons = SkeletonSet.open(input_of(opened.store, opened.source("features"), "skeletons"))
    if joints != skeletons.clips.shape[3]:
        raise InputError(f"the features have {joints} joints, the skeletons {skeletons.clips.shape[3]}")
    rows, found = {name: row for row, name in enumerate(skeletons.ids)}, {}
    for place in range(len(opened.names)):
        own = [opened.ids[k] for k in np.flatnonzero(opened.labels == place) if opened.ids[k] in rows]
        if own:
            clip = Placed(skeletons.clips[rows[own[0]]])
            found[place] = clip.points(clip.liveliest)[0]
    return found
