"""From recordings as published to a skeleton set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from zsl_skeleton.artifacts import WORK, Artifact, Recipe, Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.progress import say
from zsl_skeleton.skeletons.importing.clips import FAR
from zsl_skeleton.skeletons.importing.plan import ImportOptions, ImportPlan
from zsl_skeleton.skeletons.importing.processes import make_shards
from zsl_skeleton.skeletons.importing.root import base_of, fingerprint, is_synthetic, list_recordings
from zsl_skeleton.skeletons.importing.shards import Remarks, read_shard
from zsl_skeleton.skeletons.readers import ClipRef, Listing, Rejected
from zsl_skeleton.skeletons.skeleton_set import Clip, write_skeleton_set

__all__ = ["LEFT_OUT", "ImportOptions", "import_recordings"]

LEFT_OUT = "the publisher lists it as missing or incomplete"
"""Why a recording is skipped that the catalog's ``missing`` names."""


def import_recordings(
    store: Store, dataset: Dataset, root: Path, recipe: str, options: ImportOptions | None = None
) -> Artifact:
    """Read, map to NTU's joints and preprocess all recordings of a data set below ``root``.

    The artifact's identity covers the content of every file, so an edited file makes a new artifact. What is no clip
    (unreadable, empty, all zero, not finite, labelled out of range, listed as missing by the publisher) is skipped and
    named with its reason in ``card.summary["skipped"]``; all-zero frames inside a clip are dropped and counted in
    ``["dropped_frames"]``. Clips pass through the disk, so that memory grows with the list of recordings only, and an
    import that was killed goes on where it stopped.

    Args:
        store: where the artifact goes, stage ``skeletons``.
        dataset: what the labels mean and which reader the recordings need.
        root: folder of the recordings, at any depth and in zip archives too; or one archive or file.
        recipe: name of a preprocessing recipe.
        options: how they are read; default: as the catalog and the authors of the recipe have it.

    Raises:
        UsageError: the recipe, the reader or an option is unknown, or the recordings went through another recipe.
        InputError: the root is missing, empty or holds another data set; an archive is damaged; two clips have the
            same name; no clip is left.
    """
    plan = ImportPlan.of(dataset, root, recipe, options or ImportOptions())
    listing = list_recordings(dataset, plan.reader, root)
    config = {
        "dataset": dataset.name,
        "recipe": plan.recipe.name,
        "recipe_version": plan.recipe.version,
        "reader": plan.format,
        "source": fingerprint(root, plan.reader.suffix, plan.jobs),
        "classes": len(dataset.classes),
        "persons": dataset.persons,
        **plan.choices,
    }
    what = Recipe(
        stage="skeletons",
        name=f"{dataset.name}-{plan.recipe.name}",
        what=f"{dataset.title} recordings, {plan.recipe.what}",
        config=config,
        synthetic=dataset.synthetic or is_synthetic(root),
    )
    return store.make(what, lambda folder: _build(folder, plan, listing))


def _build(folder: Path, plan: ImportPlan, listing: Listing) -> Mapping[str, Any]:
    remarks = Remarks([replace(entry, reason=_here(plan, entry.reason)) for entry in listing.rejected])
    refs = []
    missing = frozenset(plan.dataset.missing)
    for ref in listing.clips:
        if ref.id in missing:
            remarks.skipped.append(Rejected(ref.id, LEFT_OUT, ref.label, ref.subject, ref.view))
        else:
            refs.append(ref)
    shards = make_shards(folder / WORK / "clips", plan.job, refs, plan.jobs)
    summary = write_skeleton_set(folder, _clips(shards, refs, remarks, plan), len(plan.dataset.classes))
    _tell(summary["clips"], remarks, listing, plan)
    return {
        **summary,
        "skipped": [asdict(entry) for entry in remarks.skipped],
        "dropped_frames": remarks.dropped,
        "far": remarks.far,
        "made_up_joints": sorted(remarks.made_up),
        "remarks": list(listing.remarks),
    }


def _tell(clips: int, remarks: Remarks, listing: Listing, plan: ImportPlan) -> None:
    """Say on stderr what the user should know."""
    for remark in listing.remarks:
        say(f"note: {remark}")
    if remarks.far:
        say(f"warning: {len(remarks.far)} clips reach beyond {FAR:g} m, e.g. {remarks.far[0]}: are the units metres?")
    expected = plan.dataset.expected_clips
    if remarks.skipped or expected not in (None, clips):
        skipped = f", {len(remarks.skipped)} skipped" if remarks.skipped else ""
        counted = f"; the catalog counts {expected}" if expected else ""
        say(f"{clips} clips{skipped}{counted}. What differs and why:")
        say(f"  zsl-data inspect --dataset {plan.dataset.name} --recipe {plan.recipe.name}")


def _clips(shards: Sequence[Path], refs: Sequence[ClipRef], remarks: Remarks, plan: ImportPlan) -> Iterator[Clip]:
    """The clips of all shards in order; what is told about them is added to the remarks."""
    faults = {fault.id: fault.reason for fault in plan.dataset.known_faults}
    first = kept = 0
    for path in shards:
        shard = read_shard(path)
        remarks.add(shard.remarks)
        for row, length, joints in zip(shard.rows.tolist(), shard.lengths.tolist(), shard.joints, strict=True):
            ref = refs[first + row]
            if ref.id in faults:  # readable after all, but nobody counts it
                remarks.skipped.append(Rejected(ref.id, faults[ref.id], ref.label, ref.subject, ref.view))
                continue
            kept += 1
            yield Clip(ref.id, ref.label, ref.subject, ref.view, length, joints, dict(ref.parts))
        first += shard.covered
    if not kept:
        why = f"{len(remarks.skipped)} recordings were rejected"
        if remarks.skipped:
            one = next((entry for entry in remarks.skipped if entry.label is not None), remarks.skipped[0])
            why += f"; one of them, {one.id}: {one.reason}"
        raise InputError(
            f"{plan.root} holds no usable clip of {plan.dataset.title}",
            why=why,
            mend=f"zsl-data import --dataset {plan.dataset.name} --root DIR",
        )


def _here(plan: ImportPlan, reason: str) -> str:
    """The reason with paths relative to the root: cards must not depend on where the recordings lie."""
    return reason.replace(f"{base_of(plan.root)}/", "")
