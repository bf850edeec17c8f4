"""What a skeleton set holds, against what the catalog expects, and why the two differ."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from zsl_skeleton.artifacts import Artifact
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError, some_of
from zsl_skeleton.skeletons.features import training_part
from zsl_skeleton.skeletons.numbering import absent_names
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet

_SHOWN = 5  # recordings of a line


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
    remarks: tuple[str, ...] = ()


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
    known = {fault.id for fault in dataset.known_faults}.union(dataset.missing)
    skipped = tuple(
        Skipped(id=entry["id"], reason=entry["reason"], known=entry["id"] in known)
        for entry in summary.get("skipped", [])
    )
    total = Count(name="clips", found=len(skeletons.ids), expected=dataset.expected_clips)
    lacking = 0 if total.expected is None else total.expected - total.found - _counted(summary, dataset)
    absent = absent_names([*skeletons.ids, *(entry.id for entry in skipped)], dataset.missing, lacking)
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
        remarks=tuple(summary.get("remarks", [])),
    )


def _per_class(skeletons: SkeletonSet, dataset: Dataset) -> tuple[Count, ...]:
    found = np.bincount(skeletons.labels, minlength=len(dataset.classes)).tolist()
    expected = dataset.expected_per_class or (None,) * len(dataset.classes)
    rows = zip(dataset.classes, found, expected, strict=True)
    return tuple(Count(name=action.name, found=count, expected=wanted) for action, count, wanted in rows)


def _per_subject(skeletons: SkeletonSet, dataset: Dataset) -> tuple[Count, ...]:
    found = Counter(subject for subject in skeletons.subjects.tolist() if subject >= 0)
    expected: Mapping[int, int] = dataset.expected_per_subject or {}
    return tuple(
        Count(name=str(subject), found=found[subject], expected=expected.get(subject))
        for subject in sorted(found.keys() | expected.keys())
    )


def _protocols(skeletons: SkeletonSet, dataset: Dataset) -> Iterable[Count]:
    for protocol in dataset.protocols.values():
        try:
            train = training_part(skeletons, protocol)
        except InputError:
            continue  # neither stated by the source nor told by subject, view or name
        wanted = (protocol.counts.train, protocol.counts.test) if protocol.counts else (None, None)
        yield Count(name=f"{protocol.name} train", found=int(train.sum()), expected=wanted[0])
        yield Count(name=f"{protocol.name} test", found=int((~train).sum()), expected=wanted[1])


def _counted(summary: Mapping[str, Any], dataset: Dataset) -> int:
    """Skipped recordings that are among the expected clips.

    Without a label a file is none, or of unknown content; with a label out of range it is another data set's.
    """
    labelled = (entry for entry in summary.get("skipped", []) if entry["label"] is not None)
    own = (entry for entry in labelled if 0 <= entry["label"] < len(dataset.classes))
    return sum(entry["id"] not in dataset.missing for entry in own)


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
        lines += _skipped(inspection.skipped)
    if inspection.absent:
        lines.append(f"not in the folder, {len(inspection.absent)}: {some_of(inspection.absent, 20)}")
    if inspection.unexplained < 0:
        lines.append(f"{-inspection.unexplained} more clips are missing; the numbering does not tell which")
    if inspection.unexplained > 0:
        lines.append(f"{inspection.unexplained} more clips than published")
    lines += _remarks(inspection)
    return lines


def _skipped(entries: tuple[Skipped, ...]) -> list[str]:
    """A line per recording, or per reason that many share."""
    groups: dict[tuple[str, bool], list[str]] = {}
    for entry in entries:
        groups.setdefault((entry.reason, entry.known), []).append(entry.id)
    return [
        f"  {some_of(ids, _SHOWN)}: {reason}{' [known fault of the data set]' if known else ''}"
        for (reason, known), ids in groups.items()
    ]


def _remarks(inspection: Inspection) -> list[str]:
    lines = list(inspection.remarks)
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
