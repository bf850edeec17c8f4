"""What a skeleton set holds, against what the catalog expects, and why the two differ."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from zsl_skeleton.artifacts import Artifact
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.features import training_part
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Count(_Frozen):
    """Clips of one class, subject or protocol part: found, and expected where the catalog knows it."""

    name: str
    found: int
    expected: int | None


class Skipped(_Frozen):
    """A recording that is no clip. ``known`` = the catalog lists the fault."""

    id: str
    reason: str
    known: bool


class Inspection(_Frozen):
    """The counts of a skeleton set and the reasons for what is missing.

    ``absent`` names recordings that the numbering calls for and the root does not hold; ``unexplained`` is the number
    of clips by which the total still differs from the catalog's (negative = too few).
    """

    dataset: str
    title: str
    synthetic: bool
    artifact: str
    recipe: str
    persons: int
    frames: tuple[int, int, int]
    total: Count
    classes: tuple[Count, ...]
    subjects: tuple[Count, ...]
    protocols: tuple[Count, ...]
    skipped: tuple[Skipped, ...]
    absent: tuple[str, ...]
    unexplained: int
    dropped_frames: dict[str, int]
    far: tuple[str, ...]
    made_up_joints: tuple[str, ...]


def inspect(artifact: Artifact, dataset: Dataset) -> Inspection:
    """Compare a skeleton set with its catalog entry.

    Raises:
        InputError: the artifact is no skeleton set, or of another data set.
    """
    skeletons = SkeletonSet.open(artifact)
    if skeletons.dataset != dataset.name:
        raise InputError(
            f"{artifact.path} holds {skeletons.dataset}, not {dataset.name}",
            mend=f"zsl-data inspect --dataset {skeletons.dataset}",
        )
    summary = artifact.card.summary
    faults = {fault.id for fault in dataset.known_faults}
    skipped = tuple(
        Skipped(id=entry["id"], reason=entry["reason"], known=entry["id"] in faults)
        for entry in summary.get("skipped", [])
    )
    total = Count(name="clips", found=len(skeletons.ids), expected=dataset.expected_clips)
    # A skipped entry without a label is no known recording: a stray file, or a file of unknown content.
    recordings = sum(entry["label"] is not None for entry in summary.get("skipped", []))
    lacking = 0 if total.expected is None else total.expected - total.found - recordings
    absent = _absent([*skeletons.ids, *(entry.id for entry in skipped)], dataset.missing, lacking)
    lengths = skeletons.lengths
    return Inspection(
        dataset=dataset.name,
        title=dataset.title,
        synthetic=artifact.card.synthetic,
        artifact=artifact.path.name,
        recipe=skeletons.recipe,
        persons=skeletons.clips.shape[4],
        frames=(int(lengths.min()), int(np.median(lengths)), int(lengths.max())),
        total=total,
        classes=_per_class(skeletons, dataset),
        subjects=_per_subject(skeletons, dataset),
        protocols=tuple(_protocols(skeletons, dataset)),
        skipped=skipped,
        absent=absent,
        unexplained=len(absent) - lacking,
        dropped_frames=summary.get("dropped_frames", {}),
        far=tuple(summary.get("far", [])),
        made_up_joints=tuple(summary.get("made_up_joints", [])),
    )


def _per_class(skeletons: SkeletonSet, dataset: Dataset) -> tuple[Count, ...]:
    found = np.bincount(skeletons.labels, minlength=len(dataset.classes)).tolist()
    expected = dataset.expected_per_class or (None,) * len(dataset.classes)
    rows = zip(dataset.classes, found, expected, strict=True)
    return tuple(Count(name=action.name, found=count, expected=wanted) for action, count, wanted in rows)


def _per_subject(skeletons: SkeletonSet, dataset: Dataset) -> tuple[Count, ...]:
    found = Counter(skeletons.subjects.tolist())
    expected: Mapping[int, int] = dataset.expected_per_subject or {}
    return tuple(
        Count(name=str(subject), found=found[subject], expected=expected.get(subject))
        for subject in sorted(found.keys() | expected.keys())
    )


def _protocols(skeletons: SkeletonSet, dataset: Dataset) -> Iterable[Count]:
    for protocol in dataset.protocols.values():
        if protocol.by == "recording" and protocol.name not in skeletons.parts:
            continue
        train = training_part(skeletons, protocol)
        wanted = (protocol.counts.train, protocol.counts.test) if protocol.counts else (None, None)
        yield Count(name=f"{protocol.name} train", found=int(train.sum()), expected=wanted[0])
        yield Count(name=f"{protocol.name} test", found=int((~train).sum()), expected=wanted[1])


def _absent(present: list[str], never: tuple[str, ...], lacking: int) -> tuple[str, ...]:
    """Names that the numbering suggests, when they account exactly for the ``lacking`` clips; else none.

    Recordings are numbered (action, subject, trial, ...): where all combinations exist but for the ones that the
    catalog knows were never published, the gaps are the files that are missing.
    """
    if lacking <= 0:
        return ()
    numbers = [re.findall(r"\d+", name) for name in present]
    shapes = {re.sub(r"\d+", "{}", name) for name in present}
    if len(shapes) != 1:
        return ()
    columns = [sorted(set(column)) for column in zip(*numbers, strict=True)]
    if math.prod(map(len, columns)) > len(present) + len(never) + lacking:
        return ()
    shape = shapes.pop()
    names = {shape.format(*combination) for combination in itertools.product(*columns)}
    gaps = names - set(present) - set(never)
    return tuple(sorted(gaps)) if len(gaps) == lacking else ()


def render(inspection: Inspection) -> str:
    """The inspection as text for people: the totals, every count that differs, and the reasons."""
    kind = "synthetic " if inspection.synthetic else ""
    low, median, high = inspection.frames
    lines = [
        f"{inspection.title} ({inspection.dataset}), {kind}recordings in {inspection.artifact}",
        f"  recipe {inspection.recipe}, {inspection.persons} person(s), {low}/{median}/{high} frames (min/median/max)",
        f"  {_count(inspection.total)}",
        *(f"  {_count(count)}" for count in inspection.protocols),
        *_table("class", inspection.classes),
        *_table("subject", inspection.subjects),
        *_reasons(inspection),
    ]
    return "\n".join(lines)


def _table(title: str, counts: tuple[Count, ...]) -> list[str]:
    return [f"per {title}:", *(f"  {_count(count)}" for count in counts)]


def _count(count: Count) -> str:
    line = f"{count.name}: {count.found}"
    if count.expected is None:
        return line
    return line if count.found == count.expected else f"{line}  (expected {count.expected})"


def _reasons(inspection: Inspection) -> list[str]:
    lines: list[str] = []
    if inspection.skipped:
        lines.append(f"skipped, {len(inspection.skipped)}:")
        lines += [
            f"  {entry.id}: {entry.reason}{' [known fault of the data set]' if entry.known else ''}"
            for entry in inspection.skipped
        ]
    if inspection.absent:
        lines.append(f"not in the folder, {len(inspection.absent)}: {', '.join(inspection.absent)}")
    if inspection.unexplained < 0:
        lines.append(f"{-inspection.unexplained} more clips are missing; the numbering does not tell which")
    if inspection.unexplained > 0:
        lines.append(f"{inspection.unexplained} more clips than published")
    lines += _remarks(inspection)
    return lines


def _remarks(inspection: Inspection) -> list[str]:
    lines = []
    if inspection.dropped_frames:
        frames, clips = sum(inspection.dropped_frames.values()), len(inspection.dropped_frames)
        lines.append(f"{frames} all-zero frames were dropped from {clips} clips")
    if inspection.far:
        lines.append(f"{len(inspection.far)} clips reach beyond 20 m: {', '.join(inspection.far[:5])}")
    if inspection.made_up_joints:
        lines.append(f"joints derived from others: {', '.join(inspection.made_up_joints)}")
    return lines


def differences(inspection: Inspection) -> dict[str, Any]:
    """Every count that is not the expected one: name -> [found, expected]."""
    groups = (inspection.total,), inspection.protocols, inspection.classes, inspection.subjects
    counts = itertools.chain.from_iterable(groups)
    return {c.name: [c.found, c.expected] for c in counts if c.expected is not None and c.expected != c.found}
