"""The three kinds of text that PKU-MMD comes in: skeletons, labels, and lists of recordings."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.readers.base import MAX_FRAMES, parse_numbers
from zsl_skeleton.skeletons.sources import Source

_JOINTS, _BODIES = 25, 2
_NUMBERS = _BODIES * _JOINTS * 3
CLASSES = 51
_WHOLE = re.compile(r"\s*(-?\d{1,9})\s*")


@dataclass(frozen=True)
class Label:
    """A labelled action: 0-based class index, first frame and one past the last, counted from 0."""

    label: int
    start: int
    stop: int


def parse_skeletons(source: Source) -> NDArray[np.float64]:
    """The joints [T, 2, 25, 3] of a recording: one line of 150 numbers per frame, an absent body is 75 zeros.

    Raises:
        InputError: the file is empty or unreadable, or a line is not 150 numbers; the message names the line.
    """
    lines = source.read_text().rstrip().split("\n")
    if lines == [""] or len(lines) > MAX_FRAMES:
        raise InputError(f"{source}: {0 if lines == [''] else len(lines)} frames", why="it is empty or absurdly large")
    try:
        frames = np.loadtxt(lines, dtype=np.float64, comments=None, ndmin=2)
    except ValueError as error:
        raise _wrong_line(lines, source) from error
    if frames.shape != (len(lines), _NUMBERS):  # loadtxt passes over empty lines
        raise _wrong_line(lines, source)
    return frames.reshape(-1, _BODIES, _JOINTS, 3)


def _wrong_line(lines: list[str], source: Source) -> InputError:
    for number, line in enumerate(lines, start=1):
        fields = line.split()
        if len(fields) != _NUMBERS:
            return InputError(f"{source}, line {number}: {len(fields)} numbers", why=f"a frame has {_NUMBERS}")
        try:
            parse_numbers([fields], source, first_line=number)
        except InputError as error:
            return error
    return InputError(f"{source} is not lines of {_NUMBERS} numbers", why="a number is not written as decimals")


def parse_label(line: str) -> Label:
    """One line of a label file: ``class, first frame, last frame, confidence``, all counted from 1, the last included.

    Raises:
        InputError: it is not four fields, its class is none of the 51, or its frames are none.
    """
    fields = line.split(",")
    whole = [_WHOLE.fullmatch(field) for field in fields[:3]]
    if len(fields) != 4 or not all(whole):
        why = "a label is four numbers with commas between: class, first frame, last frame, confidence"
        raise InputError(f"{line.strip()[:40]!r} is not a label", why=why)
    action, first, last = (int(match.group(1)) for match in whole if match)
    if not 1 <= action <= CLASSES:
        raise InputError(f"there is no class {action}", why=f"classes are 1 to {CLASSES}")
    if not 1 <= first <= last:
        raise InputError(f"frames {first} to {last} are none", why="frames count from 1, the last one is included")
    return Label(action - 1, first - 1, last)


@dataclass(frozen=True)
class RecordingList:
    """What a publisher's list says: the names of the training and of the test recordings."""

    source: Source
    training: frozenset[str]
    test: frozenset[str]


def parse_list(source: Source, name: re.Pattern[str]) -> RecordingList:
    """A heading, the training recordings, a heading, the test recordings; ``name`` matches a recording's name.

    Raises:
        InputError: there are not two such lines, a name is none, or a recording is in both.
    """
    lines = [(number, line) for number, line in enumerate(source.read_text().splitlines(), 1) if line.strip()]
    if len(lines) != 4:
        why = "expected a heading, the training recordings, a heading, the test recordings"
        raise InputError(f"{source}: {len(lines)} lines with content", why=why)
    training, test = (_names(source, number, line, name) for number, line in lines[1::2])
    if both := sorted(training & test):
        raise InputError(
            f"{source}: {both[0]} is a training and a test recording",
            why=f"the lists share {len(both)} recordings",
            mend=f"get {source.name} again from the publisher",
        )
    return RecordingList(source, training, test)


def _names(source: Source, number: int, line: str, name: re.Pattern[str]) -> frozenset[str]:
    names = [part.strip() for part in line.split(",") if part.strip()]
    if wrong := [entry for entry in names if not name.fullmatch(entry)]:
        raise InputError(f"{source}, line {number}: {wrong[0][:40]!r} is no name of a recording")
    return frozenset(names)
