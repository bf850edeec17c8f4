"""PKU-MMD, parts I and II: untrimmed recordings with labelled actions (Liu et al., 2017).

Published apart: a folder or zip of skeletons, one of labels (files of the same names), and lists of training
recordings. All of them lie somewhere below the root. Which of two files of a name holds the skeletons is told by the
folder or zip that it lies in, where that is called so, else by its content.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError, some_of
from zsl_skeleton.skeletons.layouts import NTU
from zsl_skeleton.skeletons.readers.base import ClipRef, Listing, RawClip, Reader, Rejected, checked
from zsl_skeleton.skeletons.readers.pku_text import RecordingList, parse_label, parse_list, parse_skeletons
from zsl_skeleton.skeletons.sources import Source, recording_files

_VIEWS = {"L": 1, "M": 2, "R": 3}
# What may lie beside the recordings of a part without being meant: the other part, and what people write about both.
_OTHERS = re.compile(
    r"\d{4}-[LMR]\.txt|A\d\dN\d\d-[LMR]\.txt|cross.(subject|view)(_v2)?\.txt|(synthetic|read.?me).*", re.IGNORECASE
)
_HEAD = 4096  # bytes that tell labels from skeletons
Parts = tuple[tuple[str, bool], ...]


@dataclass
class _Files:
    """Skeletons and labels by recording, lists by protocol, and names that mean nothing."""

    skeletons: dict[str, Source] = field(default_factory=dict)
    labels: dict[str, Source] = field(default_factory=dict)
    lists: dict[str, Source] = field(default_factory=dict)
    strange: list[Rejected] = field(default_factory=list)


class PkuMmdReader(Reader):
    """Part I: recordings ``dddd-V`` of 51 actions, V = L, M, R; clips are called ``FdddVvvvCcccLlll``.

    One clip per line of a label file, the lll-th of its recording; the publisher does not say who performs, so the
    subject is -1. A clip belongs to the training part of a protocol if the list names its recording there; everything
    else is test. Without a list, clips have no part in its protocol.
    """

    suffix = ".txt"
    example = "0002-L.txt"
    lists: ClassVar[Mapping[str, str]] = {"xsub": "cross-subject.txt", "xview": "cross-view.txt"}
    """Protocol -> file with its recordings."""
    pattern: ClassVar[re.Pattern[str]] = re.compile(r"(?P<number>\d{4})-(?P<view>[LMR])")
    clip: ClassVar[str] = "F{number:03}V{view:03}"

    def __init__(self) -> None:
        # The clips of a recording are read one after the other, so the last recording is kept.
        self._last: tuple[Source, NDArray[np.float64]] | None = None

    def scan(self, root: Path) -> Listing:
        """The labelled actions of all recordings, ordered by recording and line.

        Raises:
            InputError: there are skeletons but no labels, or the other way round; a file lies twice below the root; a
                list is damaged or names a recording for training and for test.
        """
        found = self._sorted(root)
        known = {protocol: parse_list(source, self.pattern) for protocol, source in sorted(found.lists.items())}
        names = sorted({*found.skeletons, *found.labels})
        entries: list[ClipRef | Rejected] = [*found.strange]
        for name in names:
            parts = tuple((protocol, name in listed.training) for protocol, listed in known.items())
            entries += self._clips(name, found, parts)
        clips = tuple(entry for entry in entries if isinstance(entry, ClipRef))
        remarks = [*_differences(known.values(), names)]
        remarks += [
            f"{name} does not lie there: protocol {protocol} cannot be used"
            for protocol, name in self.lists.items()
            if protocol not in known
        ]
        return Listing(clips, tuple(entry for entry in entries if isinstance(entry, Rejected)), tuple(remarks))

    def read(self, ref: ClipRef) -> RawClip:
        """Read one clip: two persons, or one if the sensor saw nobody else in its frames.

        Raises:
            InputError: the recording ends before the clip, or is not lines of 150 finite numbers.
        """
        if self._last is None or self._last[0] != ref.source:
            self._last = ref.source, parse_skeletons(ref.source)
        frames = self._last[1]
        stop = ref.stop or len(frames)
        if stop > len(frames):
            why = f"the recording has {len(frames)} frames"
            raise InputError(f"{ref.source}: the label names frames {ref.start + 1} to {stop}", why=why)
        bodies = frames[ref.start : stop].transpose(1, 0, 2, 3)
        return checked(bodies if bodies[1].any() else bodies[:1], ref.source, NTU, ref.start)

    def _sorted(self, root: Path) -> _Files:
        found = _Files()
        protocols = {name: protocol for protocol, name in self.lists.items()}
        for source in recording_files(root, self.suffix):
            if source.name.lower() in protocols:
                _put(found.lists, protocols[source.name.lower()], source)
            elif self.pattern.fullmatch(source.stem):
                _put(found.labels if _holds_labels(source, root) else found.skeletons, source.stem, source)
            elif not _OTHERS.fullmatch(source.name):
                reason = f"{source} is not a name like {self.example}"
                found.strange.append(Rejected(source.stem, reason))
        if bool(found.skeletons) != bool(found.labels):
            there, lacks = ("skeletons", "labels") if found.skeletons else ("labels", "skeletons")
            raise InputError(
                f"{root} holds {there} of {len(found.skeletons or found.labels)} recordings, but no {lacks}",
                why="PKU-MMD publishes skeletons, labels and lists of recordings separately",
                mend=f"put the folder or zip of the {lacks} below {root} too",
            )
        return found

    def _clips(self, name: str, found: _Files, parts: Parts) -> Iterator[ClipRef | Rejected]:
        """The clips of a recording, and the lines and files that are none."""
        fields = self._fields(name)
        who = None, fields.get("subject", -1), fields["view"]
        if name not in found.skeletons or name not in found.labels:
            there, lacks = (found.labels, "skeletons") if name in found.labels else (found.skeletons, "labels")
            yield Rejected(name, f"{there[name]} comes without {lacks} of the same name", *who)
            return
        try:
            numbered = list(enumerate(found.labels[name].read_text().splitlines(), start=1))
        except InputError as error:
            yield Rejected(name, f"{error.what}: {error.why}", *who)
            return
        lines = [(number, line) for number, line in numbered if line.strip()]
        if not lines:
            yield Rejected(name, f"{found.labels[name]} holds no label", *who)
        for running, (number, line) in enumerate(lines, start=1):
            try:
                label = parse_label(line)
            except InputError as error:
                reason = f"{found.labels[name]}, line {number}: {error.what}: {error.why}"
                yield Rejected(f"{self.clip.format(**fields)}L{running:03}", reason, *who)
                continue
            clip = f"{self.clip.format(**fields)}C{label.label + 1:03}L{running:03}"
            yield ClipRef(clip, label.label, *who[1:], found.skeletons[name], label.start, label.stop, parts)

    def _fields(self, name: str) -> dict[str, int]:
        match = self.pattern.fullmatch(name)
        fields = match.groupdict() if match else {}
        return {key: _VIEWS[text] if key == "view" else int(text) for key, text in fields.items()}


class PkuMmd2Reader(PkuMmdReader):
    """Part II: recordings ``AaaNnn-V``; the subject is aa, clips are called ``AaaaNnnnVvvvCcccLlll``."""

    example = "A01N01-L.txt"
    lists: ClassVar[Mapping[str, str]] = {"xsub": "cross_subject_v2.txt", "xview": "cross_view_v2.txt"}
    pattern: ClassVar[re.Pattern[str]] = re.compile(r"A(?P<subject>\d\d)N(?P<number>\d\d)-(?P<view>[LMR])")
    clip: ClassVar[str] = "A{subject:03}N{number:03}V{view:03}"


def _put(table: dict[str, Source], key: str, source: Source) -> None:
    if key in table:
        raise InputError(
            f"{source.name} lies twice below the root",
            why=f"{table[key]} and {source}",
            mend="delete one of them, or name a narrower folder by --root",
        )
    table[key] = source


def _holds_labels(source: Source, root: Path) -> bool:
    """Told by the nearest folder or zip that is called after labels or skeletons, else by the first line."""
    place = source.relative_to(root if root.is_dir() else root.parent).lower()
    labels, skeletons = place.rfind("label"), place.rfind("skelet")
    if labels != skeletons:
        return labels > skeletons
    try:
        with source.open() as stream:
            return b"," in stream.read(_HEAD)
    except (InputError, OSError):
        return False  # read as skeletons it is met again, and named


def _differences(lists: Iterable[RecordingList], present: Sequence[str]) -> Iterator[str]:
    """What the lists name and nobody has, and what is there and no list names."""
    for listed in lists:
        if missing := sorted((listed.training | listed.test).difference(present)):
            yield f"{listed.source.name} names {len(missing)} recordings that are not here: {some_of(missing, 5)}"
        if unlisted := sorted(set(present).difference(listed.training, listed.test)):
            told = f"{len(unlisted)} recordings, which count as test: {some_of(unlisted, 5)}"
            yield f"{listed.source.name} does not name {told}"
