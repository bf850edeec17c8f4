"""The folder or archive that an import starts from: what lies there, and whether it is what the user thinks."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from zsl_skeleton.catalog import Dataset, dataset_names, load_dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import canonical_json, sha256_text
from zsl_skeleton.processes import usual_jobs
from zsl_skeleton.progress import track
from zsl_skeleton.skeletons.readers import READERS, Listing, Reader, open_reader
from zsl_skeleton.skeletons.sources import Source, recording_files
from zsl_skeleton.skeletons.synthesis.bulk import NOTICE

_AT_ONCE = 1024  # files that wait to be hashed; all of them would take as much memory as their list


def base_of(root: Path) -> Path:
    """What names of recordings are relative to."""
    return root.parent if root.is_file() else root


def list_recordings(dataset: Dataset, reader: Reader, root: Path) -> Listing:
    """The clips at or below a root.

    Raises:
        InputError: the root is missing, empty, or not of this data set; two clips have the same name.
    """
    command = f"zsl-data import --dataset {dataset.name} --root DIR"
    expected = f"expected {reader.suffix} files such as {reader.example}"
    if not root.exists():
        held = "where DIR is a folder, an archive or a file with such recordings"
        raise InputError(f"the folder {root} does not exist", why=expected, mend=f"{command}, {held}")
    listing = reader.scan(root)
    if listing.clips:
        _check_names(listing)
        return listing
    count, first = _content(root)
    if not count:
        raise InputError(f"the folder {root} is empty", why=expected, mend=command)
    found = f"found {count} files such as {first}"
    reasons = f"; the first, {listing.rejected[0].id}: {listing.rejected[0].reason}" if listing.rejected else ""
    raise InputError(
        f"{root} holds no recordings of {dataset.title}",
        why=f"{expected}; {found}{reasons}",
        mend=_recognised(dataset, root) or command,
    )


def _check_names(listing: Listing) -> None:
    """Two clips of one name are refused before any is read."""
    counts = Counter(ref.id for ref in listing.clips)
    twice = next((name for name, count in counts.items() if count > 1), None)
    if twice is not None:
        sources = sorted({str(ref.source) for ref in listing.clips if ref.id == twice})
        raise InputError(
            f"the clip id {twice!r} occurs twice", why=", ".join(sources), mend="give every recording its own name"
        )


def _content(root: Path) -> tuple[int, str]:
    """How many files there are, and the name of one."""
    if root.is_file():
        return 1, root.name
    names = sorted(name for _, _, files in os.walk(root) for name in files)
    return len(names), names[0] if names else ""


def _recognised(wanted: Dataset, root: Path) -> str:
    """The command that imports what lies there, if any reader knows it."""
    for name in READERS:
        try:
            clips = open_reader(name).scan(root).clips
        except InputError:
            continue
        if clips:
            classes = 1 + max(ref.label for ref in clips)
            entries = [load_dataset(known) for known in dataset_names()]
            fitting = [entry for entry in entries if entry.reader == name and len(entry.classes) >= classes]
            if fitting:
                smallest = min(fitting, key=lambda entry: len(entry.classes))
                return f"zsl-data import --dataset {smallest.name} --root {root}"
            return f"zsl-data import --dataset {wanted.name} --format {name} --root {root}"
    return ""


def is_synthetic(root: Path) -> bool:
    """Whether the mark lies there that ``zsl-data synthesize`` puts into its folders."""
    mark = Path(NOTICE)
    return any(source.name == mark.name for source in recording_files(root, mark.suffix.lower()))


def fingerprint(root: Path, suffix: str, jobs: int | None = None) -> str:
    """Hex SHA-256 over the relative names and contents of all recordings, independent of where the root lies.

    Args:
        root: folder, archive or file.
        suffix: ending of the recordings.
        jobs: files that are read at a time; None = one per core.
    """
    base, sources = base_of(root), recording_files(root, suffix)
    digests = list(track(_digests(sources, jobs or usual_jobs()), "checking files", len(sources)))
    return sha256_text(canonical_json([[s.relative_to(base), d] for s, d in zip(sources, digests, strict=True)]))


def _digests(sources: Sequence[Source], jobs: int) -> Iterator[str]:
    with ThreadPoolExecutor(jobs) as pool:
        for start in range(0, len(sources), _AT_ONCE):
            yield from pool.map(_digest, sources[start : start + _AT_ONCE])


def _digest(source: Source) -> str:
    try:
        return source.digest()
    except InputError as error:
        return f"unreadable: {error.why}"  # the reader will meet it too, and list it
