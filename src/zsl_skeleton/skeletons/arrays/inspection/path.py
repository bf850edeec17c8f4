"""What a path holds: its layout, its arrays and what they mean, what can be done with it, and how to import it."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from zsl_skeleton.errors import InputError, some_of
from zsl_skeleton.skeletons.arrays.documented import told_by
from zsl_skeleton.skeletons.arrays.features.base import Reading, find_layout, open_layout
from zsl_skeleton.skeletons.arrays.features.counts import count_parts
from zsl_skeleton.skeletons.arrays.inspection.capabilities import capabilities
from zsl_skeleton.skeletons.arrays.inspection.clips import inspect_clips, readers_of
from zsl_skeleton.skeletons.arrays.inspection.found import PathInspection, array_lines
from zsl_skeleton.skeletons.arrays.inspection.place import NAME_IT, check_filled, unreadable
from zsl_skeleton.skeletons.arrays.inspection.recognise import Hints, find_protocol, find_split
from zsl_skeleton.skeletons.arrays.pickles.pyskl import outline
from zsl_skeleton.skeletons.sources import recording_files

PICKLES = (".pkl", ".pickle")


def inspect_path(path: Path, hints: Hints = Hints()) -> PathInspection:
    """Recognise the layout of a file or folder.

    Args:
        path: features, clips, recordings as published, or a pickle.
        hints: what is known of it already.

    Raises:
        UsageError: a name in ``hints`` is unknown.
        InputError: the path does not exist, is empty or unreadable, holds far too much else, or nothing known is
            found there.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist", mend="name a folder, zip or file that does: zsl-data inspect PATH")
    check_filled(path)
    if path.is_file() and path.suffix.lower() in PICKLES:
        return _pickle(path)
    layout = find_layout(path)
    if layout:
        return _features(path, layout, hints)
    listings = readers_of(path)
    if not listings:
        recording_files(path, "")  # says if a folder or an archive there cannot be read
        raise InputError(f"{path} holds nothing in a known layout", why=_contents(path), mend=NAME_IT)
    return inspect_clips(path, listings, hints)


def _pickle(path: Path) -> PathInspection:
    found = PathInspection(
        path=str(path), kind="pickle", layout="unknown", what="a pickle, read without running what it may ask for"
    )
    try:
        remarks = outline(path)
    except InputError as error:
        return found.model_copy(update={"problem": str(error)})
    command = f"zsl-data convert {quote(str(path))} --out {quote(str(path.with_suffix('.npz')))}"
    return found.model_copy(update={"layout": "pyskl", "remarks": remarks, "command": command})


def _features(path: Path, name: str, hints: Hints) -> PathInspection:
    layout = open_layout(name)
    found = PathInspection(path=str(path), kind="features", layout=name, what=told_by(layout))
    try:
        found = found.model_copy(update={"arrays": array_lines(layout.arrays(path), layout.meanings)})
        classes = layout.classes(path)
        dataset, split = find_split(classes, path, hints)
        protocol = find_protocol(dataset, path.resolve().parts[-3:], hints)
        found = found.model_copy(update={"dataset": dataset.name, "protocol": protocol.name})
        if split is None:
            raise InputError(
                f"no split in the catalog has these unseen classes: {', '.join(map(str, sorted(classes[1])))}",
                mend="add it in a catalog file (--catalog), or name another one: --dataset D --split S",
            )
        found = found.model_copy(update={"split": split.name})
        reading = Reading(dataset, split, protocol)
        read = layout.read(path, reading)
        counts = () if read.validation else count_parts(read.features, reading)
    except InputError as error:
        return found.model_copy(update={"problem": str(error)})
    command = f"zsl-data import --dataset {dataset.name} --split {split.name} --protocol {protocol.name}"
    return found.model_copy(
        update={
            "counts": counts,
            "remarks": tuple(read.remarks),
            "methods": capabilities(tuple(read.features.arrays), dataset.name),
            "command": f"{command} --format {name} --root {quote(str(path))}",
        }
    )


def _contents(path: Path) -> str:
    """What lies there instead; features that lie one folder deeper are named."""
    if path.is_file():
        return "it is neither an archive of arrays, nor a recording, nor a zip of recordings"
    faults = [f"{name} ({fault})" for name, fault in unreadable(path).items()]
    if faults:
        return f"it holds archives that cannot be read: {some_of(faults, 5)}"
    inside = sorted(path.iterdir())
    features = [entry.name for entry in inside if find_layout(entry)]
    if features:
        return f"there are features in it, name one of them: {some_of(features, 10)}"
    return f"it holds {some_of([entry.name for entry in inside], 5) or 'nothing'}"
