"""What clips lie at a path, whatever reader they need, and how they compare with the catalog."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Any

from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError, some_of
from zsl_skeleton.progress import track
from zsl_skeleton.skeletons.arrays.clips.base import ClipArrayReader
from zsl_skeleton.skeletons.arrays.documented import table_of, told_by
from zsl_skeleton.skeletons.arrays.features.counts import part_count
from zsl_skeleton.skeletons.arrays.inspection.capabilities import capabilities
from zsl_skeleton.skeletons.arrays.inspection.found import ArrayLine, PathInspection, array_lines
from zsl_skeleton.skeletons.arrays.inspection.place import ARCHIVE_OF_ARRAYS, readers_for, unreadable
from zsl_skeleton.skeletons.arrays.inspection.recognise import Hints, datasets_like, find_dataset, find_split
from zsl_skeleton.skeletons.arrays.pickles.pyskl import NTU_NAME
from zsl_skeleton.skeletons.arrays.stored import npz_arrays, stored_array
from zsl_skeleton.skeletons.features import KINDS
from zsl_skeleton.skeletons.readers import Listing, Reader, open_reader

_SMIE = {"seen_train": "seen_train", "unseen": "unseen_test", "seen_test": "seen_test"}

Listings = Mapping[str, Listing]


def readers_of(path: Path) -> dict[str, Listing]:
    """Name of a reader -> what it finds; of those that find clips, or arrays that are almost theirs.

    Raises:
        InputError: the path is empty or unreadable, or a folder that holds far too much else.
    """
    found: dict[str, Listing] = {}
    names, broken = readers_for(path), _stems(unreadable(path))
    for name in track(names, f"looking through {path.name}", len(names)):
        reader = open_reader(name)
        try:
            listing = reader.scan(path)
        except InputError:
            continue  # the readers that can name the fault list it
        almost = any(Path(each.id).stem not in broken for each in listing.rejected)
        told = isinstance(reader, ClipArrayReader) or path.suffix.lower() == ARCHIVE_OF_ARRAYS
        if listing.clips or (almost and told):
            found[name] = listing
    return found


def inspect_clips(path: Path, listings: Listings, hints: Hints) -> PathInspection:
    """The clips of the reader that finds most of them.

    Raises:
        UsageError: a name in ``hints`` is unknown.
    """
    name = max(listings, key=lambda reader: (len(listings[reader].clips), len(listings[reader].rejected)))
    listing, reader = listings[name], open_reader(name)
    found = PathInspection(path=str(path), kind="clips", layout=name, what=told_by(type(reader)))
    try:
        found = found.model_copy(update={"arrays": _arrays(reader, path)})
        if not listing.clips:
            raise InputError(f"{listing.rejected[0].id}: {listing.rejected[0].reason}")
        classes = {clip.label for clip in listing.clips}
        changes = _of_a_split(listing, classes, path, hints) if name == "smie" else _of_all(name, listing, path, hints)
    except InputError as error:
        return found.model_copy(update={"problem": str(error)})
    dataset: Dataset = changes.pop("entry")
    recipe = f" --recipe {reader.prepared}" if reader.prepared else ""
    told = (*_faults(listing, path), *_backbones(reader), *_others(name, listings))
    form = "" if dataset.reader == name else f" --format {name}"
    return found.model_copy(
        update={
            **changes,
            "dataset": dataset.name,
            "protocol": next((protocol for protocol, _ in listing.clips[0].parts), None),
            "remarks": (*listing.remarks, *changes["remarks"], *told),
            "methods": capabilities((*KINDS, "clips"), dataset.name),
            "command": f"zsl-data import --dataset {dataset.name}{form}{recipe} --root {quote(str(path))}",
        }
    )


def _of_all(reader: str, listing: Listing, path: Path, hints: Hints) -> dict[str, Any]:
    # Other people's conversions of NTU keep its names.
    named = "ntu" if NTU_NAME.match(listing.clips[0].id) else reader
    dataset = _dataset_of(named, {clip.label for clip in listing.clips}, path, hints)
    found = Counter((protocol, train) for clip in listing.clips for protocol, train in clip.parts)
    counts = [part_count("clips", len(listing.clips), dataset.expected_clips)]
    for protocol in dict.fromkeys(protocol for protocol, _ in found):
        known = dataset.protocols[protocol].counts if protocol in dataset.protocols else None
        counts += [
            part_count(f"{protocol} {side}", found[protocol, train], getattr(known, side, None))
            for train, side in ((True, "train"), (False, "test"))
        ]
    return {"entry": dataset, "counts": tuple(counts), "remarks": ()}


def _of_a_split(listing: Listing, classes: set[int], path: Path, hints: Hints) -> dict[str, Any]:
    unseen = {clip.label for clip in listing.clips if clip.id.startswith("unseen/")}
    dataset, split = find_split((classes - unseen, unseen), path, replace(hints, split=None))
    found = Counter(clip.id.partition("/")[0] for clip in listing.clips)
    known = split.clips.get("xsub") if split else None
    fits = f"no split of {dataset.name} fits"
    if split:
        fits = f"these are the unseen classes of split {split.name}: no other can be used"
    return {
        "entry": dataset,
        "split": split.name if split else None,
        "counts": tuple(part_count(name, found[part], getattr(known, name, None)) for part, name in _SMIE.items()),
        "remarks": (fits,),
    }


def _dataset_of(reader: str, classes: Collection[int], path: Path, hints: Hints) -> Dataset:
    """The data set that is named; else one that the catalog gives this reader, then any that the path names."""
    if not hints.dataset:
        readable = [dataset for dataset in datasets_like(path, hints) if dataset.reader == reader]
        fits = [dataset for dataset in readable if len(dataset.classes) > max(classes)]
        if fits:
            return min(fits, key=lambda dataset: len(dataset.classes))
    return find_dataset(max(classes) + 1, path, hints)


def _arrays(reader: Reader, path: Path) -> tuple[ArrayLine, ...]:
    """The arrays of a clip layout, or of a plain archive; recordings have none."""
    if isinstance(reader, ClipArrayReader):
        sources = [source for each in reader.find(path) for part in each.parts for source in (part.clips, part.labels)]
        return array_lines({source.stem: stored_array(source) for source in sources}, reader.meanings)
    if path.suffix.lower() != ARCHIVE_OF_ARRAYS:
        return ()
    meanings = table_of(sys.modules[type(reader).__module__].__doc__)
    return array_lines({name: stored_array(source) for name, source in npz_arrays(path).items()}, meanings)


def _faults(listing: Listing, path: Path) -> list[str]:
    """What is passed over: recordings that are no clips, and archives that no reader can open."""
    broken = unreadable(path)
    rejected = [each for each in listing.rejected if Path(each.id).stem not in _stems(broken)]
    told = [f"{len(rejected)} recordings are no clips, e.g. {r.id}: {r.reason}" for r in rejected[:1]]
    skipped = [f"{name} ({fault})" for name, fault in broken.items()]
    return [*told, *([f"skipped, they cannot be read: {some_of(skipped, 5)}"] if skipped else [])]


def _stems(names: Iterable[str]) -> set[str]:
    """What readers call archives, without the ending that only some of them keep."""
    return {Path(name).stem for name in names}


def _others(chosen: str, listings: Listings) -> list[str]:
    found = {name: len(listing.clips) for name, listing in listings.items() if name != chosen and listing.clips}
    others = [f"{name} ({clips} clips)" for name, clips in found.items()]
    return [f"other layouts lie there too: {', '.join(others)}"] if others else []


def _backbones(reader: Reader) -> list[str]:
    """Which backbones read clips that are preprocessed already."""
    if reader.prepared is None:
        return []
    from zsl_skeleton.backbones import BACKBONES
    from zsl_skeleton.registry import resolve

    kinds = {name: resolve("backbone", name, BACKBONES) for name in BACKBONES}
    able = [name for name, kind in kinds.items() if not kind.recipes or reader.prepared in kind.recipes]
    return [f"the clips are preprocessed already ({reader.prepared}); backbones that read them: {', '.join(able)}"]
