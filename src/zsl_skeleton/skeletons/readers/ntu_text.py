"""The text of NTU's ``.skeleton`` files: strict about its structure, and only what is needed is turned into numbers.

A line with the number of frames; per frame a line with the number of bodies; per body a line of ten fields (its id
first), one with the number of joints, and a line of twelve numbers per joint, x y z first.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.bodies import Tracked
from zsl_skeleton.skeletons.layouts import JOINTS, NTU
from zsl_skeleton.skeletons.readers.base import MAX_FRAMES, MAX_METRES, MAX_PERSONS, no_place
from zsl_skeleton.skeletons.readers.decimals import NotANumberError, parse_decimals
from zsl_skeleton.skeletons.sources import Source

_NAMES = JOINTS[NTU]
_JOINTS = len(_NAMES)
_COUNT, _BODY, _JOINT = 1, 10, 12  # fields of a line
_ID_DIGITS = 20
_TAB, _NEWLINE, _RETURN, _SPACE, _LAST = _BYTES = tuple(b"\t\n\r ~")
_BLANKS = _BYTES[:4]


class _BrokenError(Exception):
    """The structure ends at a line (counted from 0)."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


@dataclass
class _Text:
    """The fields of a text and of its lines.

    Args:
        content: the bytes.
        start: position of each field.
        end: one past its last byte.
        first: number of the first field of each line.
        count: fields of each line.
        opening: where that first field lies; anywhere for an empty line.
    """

    content: bytes
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    first: NDArray[np.int64]
    count: list[int]
    opening: tuple[list[int], list[int]]

    @classmethod
    def of(cls, content: bytes) -> _Text:
        content = content if content.endswith(b"\n") else content + b"\n"
        text = np.frombuffer(content, np.uint8)
        blank = np.flatnonzero(text <= _SPACE)
        kind = text[blank]
        newline = kind == _NEWLINE
        if text.max() > _LAST or not (newline | (kind == _SPACE) | (kind == _TAB) | (kind == _RETURN)).all():
            at = next(at for at, byte in enumerate(content) if byte > _LAST or (byte < _SPACE and byte not in _BLANKS))
            raise _BrokenError(content.count(b"\n", 0, at), f"byte {content[at]:#04x} is no text")
        start = np.empty_like(blank)
        start[0], start[1:] = 0, blank[:-1] + 1
        apart = blank > start
        doubled = np.flatnonzero(~apart)  # a blank behind another ends no field
        line_end = np.flatnonzero(newline)
        fields = line_end + 1 - np.searchsorted(doubled, line_end, side="right")
        end = blank
        if len(doubled):
            start, end = start[apart], end[apart]
        first = np.concatenate([[0], fields[:-1]])
        return cls(content, start, end, first, (fields - first).tolist(), _openings(start, end, first))

    def word(self, line: int) -> bytes:
        """The first field of a line that has one."""
        return self.content[self.opening[0][line] : self.opening[1][line]]

    def whole(self, line: int, most: int, what: str) -> int:
        """The only field of a line, a whole number from 0 to ``most``."""
        if line >= len(self.count):
            raise _BrokenError(line, f"the file ends where {what} should follow")
        if self.count[line] != _COUNT:
            raise _BrokenError(line, f"expected {what}, found {self.count[line]} fields")
        word = self.word(line)
        if not word.isdigit() or len(word) > len(str(most)) or int(word) > most:
            raise _BrokenError(line, f"expected {what} (0 to {most}), found {word[:40].decode()!r}")
        return int(word)


def _openings(
    start: NDArray[np.int64], end: NDArray[np.int64], first: NDArray[np.int64]
) -> tuple[list[int], list[int]]:
    if not len(start):
        return [0] * len(first), [0] * len(first)
    number = np.minimum(first, len(start) - 1)
    return start[number].tolist(), end[number].tolist()


@dataclass
class _Bodies:
    """Frame and line of every body."""

    frames: int = 0
    frame: list[int] = field(default_factory=list)
    line: list[int] = field(default_factory=list)


def parse_bodies(content: bytes, source: Source) -> Tracked:
    """All bodies of a file.

    The nine fields of a joint that are not positions are counted, not read: published files hold anything there.

    Args:
        content: the file.
        source: for messages.

    Raises:
        InputError: the structure is broken, a position is not a finite number, or no frame shows a body; the message
            names the line.
    """
    try:
        text = _Text.of(content)
        bodies, broken = _bodies(text)
        _check_fields(text, bodies)
        if broken is not None:
            raise broken
        if not bodies.line:
            raise InputError(f"{source}: none of its {bodies.frames} frames shows a body")
        ids = tuple(_id(text, line) for line in bodies.line)
        return Tracked(bodies.frames, np.array(bodies.frame), ids, _positions(text, bodies))
    except _BrokenError as error:
        raise InputError(f"{source}, line {error.line + 1}: {error}") from error


def _bodies(text: _Text) -> tuple[_Bodies, _BrokenError | None]:
    """Walk from count to count; what was found before a break is looked at first, since the break may start there."""
    bodies = _Bodies()
    try:
        bodies.frames = text.whole(0, MAX_FRAMES, "the number of frames")
        line = 1
        for frame in range(bodies.frames):
            for _ in range(text.whole(line, MAX_PERSONS, f"the number of bodies in frame {frame}")):
                joints = text.whole(line + 2, MAX_FRAMES, f"the number of joints in frame {frame}")
                if joints != _JOINTS:
                    raise _BrokenError(line + 2, f"expected {_JOINTS} joints, found {joints}")
                bodies.frame.append(frame)
                bodies.line.append(line + 1)
                line += 2 + _JOINTS
            line += 1
        rest = next((number for number in range(line, len(text.count)) if text.count[number]), None)
        if rest is not None:
            raise _BrokenError(rest, f"the file goes on behind its {bodies.frames} frames")
    except _BrokenError as error:
        return bodies, error
    return bodies, None


def _check_fields(text: _Text, bodies: _Bodies) -> None:
    lines = np.array(bodies.line, dtype=np.int64)[:, None] + np.arange(2 + _JOINTS)
    expected = np.array([_BODY, _COUNT, *[_JOINT] * _JOINTS])
    count = np.array(text.count)
    ended = lines >= len(count)
    wrong = np.argwhere(ended | (count[np.minimum(lines, len(count) - 1)] != expected))
    if len(wrong):
        body, row = wrong[0]
        line = int(lines[body, row])
        if ended[body, row]:
            raise _BrokenError(line, f"the file ends inside frame {bodies.frame[body]} of {bodies.frames}")
        raise _BrokenError(line, f"expected {expected[row]} fields, found {text.count[line]}")


def _id(text: _Text, line: int) -> str:
    word = text.word(line)
    if not word.isdigit() or len(word) > _ID_DIGITS:
        raise _BrokenError(line, f"{word[:40].decode()!r} is not the id of a body")
    return word.decode()


def _positions(text: _Text, bodies: _Bodies) -> NDArray[np.float64]:
    """Joints [B, 25, 3]."""
    lines = (np.array(bodies.line)[:, None] + np.arange(2, 2 + _JOINTS)).ravel()
    numbers = (text.first[lines][:, None] + np.arange(3)).ravel()
    try:
        values = parse_decimals(np.frombuffer(text.content, np.uint8), text.start[numbers], text.end[numbers])
    except NotANumberError as error:
        raise _BrokenError(int(lines[error.index // 3]), str(error)) from error
    wrong = np.flatnonzero(~(np.abs(values) <= MAX_METRES))
    if len(wrong):
        row, axis = divmod(int(wrong[0]), 3)
        body, joint = divmod(row, _JOINTS)
        where = f"frame {bodies.frame[body]}, joint {joint} ({_NAMES[joint]})"
        raise _BrokenError(int(lines[row]), f"{where}: {'xyz'[axis]} {no_place(values[wrong[0]])}")
    return values.reshape(-1, _JOINTS, 3)
