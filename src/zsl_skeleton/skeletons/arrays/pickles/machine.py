"""What an interpreter of pickles works on: the bytes of the file, a stack with marks, and what was remembered."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.arrays.pickles.values import Blob

MAX_TEXT = 1 << 28
"""Bytes of short texts and numbers in all."""
MAX_DEPTH = 100
_SHORT = 4096
_NUMBER = 16
_LINE = 1 << 16

LENGTHS = {
    "SHORT_BINBYTES": "<B", "BINBYTES": "<I", "BINBYTES8": "<Q", "BYTEARRAY8": "<Q",
    "SHORT_BINUNICODE": "<B", "BINUNICODE": "<I", "BINUNICODE8": "<Q",
    "LONG1": "<B", "LONG4": "<I",
}  # fmt: skip
"""Opcode -> how the length of its content is written."""


@dataclass(frozen=True)
class Opcode:
    """One byte of a pickle that asks for something.

    Args:
        name: what Python calls it.
        lines: of its argument; 0 = its size is fixed, or written before it.
        read: takes the argument from a stream; None if there is none.
    """

    name: str
    lines: int
    read: Callable[[Any], Any] | None


class Machine:
    """A stack, the places of its marks, and what was remembered."""

    def __init__(self, content: mmap.mmap) -> None:
        self.content = content
        self.size = len(content)
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.text = 0

    def argument(self, opcode: Opcode) -> Any:
        """The argument behind an opcode, of those whose size is small or that end with the line.

        Raises:
            ValueError: it is cut off, absurdly long, or no such argument.
            InputError: there is too much text in all.
        """
        if opcode.read is None:
            raise ValueError(f"{opcode.name} has no argument")
        start = self.content.tell()
        self._check_lines(opcode.lines)
        found = opcode.read(self.content)
        self.count(self.content.tell() - start)
        return found

    def sized(self, name: str) -> Any:
        """Bytes, text or a number with its length before it; long ones stay in the file.

        Raises:
            ValueError: it is cut off, or no text.
            InputError: there is too much text in all.
        """
        form = struct.Struct(LENGTHS[name])
        (length,) = form.unpack(self.content.read(form.size))
        start = self.content.tell()
        if length > self.size - start:
            raise ValueError(f"{name} promises {length} bytes, {self.size - start} are left")
        if name.startswith("LONG") and length > _NUMBER:
            raise ValueError(f"a number has {length} bytes")
        if length > _SHORT:
            self.content.seek(length, 1)
            return Blob(self.content, start, length)
        self.count(length)
        raw = self.content.read(length)
        if name.startswith("LONG"):
            return int.from_bytes(raw, "little", signed=True)
        return raw.decode() if "UNICODE" in name else raw

    def count(self, length: int) -> None:
        """Add to the bytes of text.

        Raises:
            InputError: they are too many in all.
        """
        self.text += length
        if self.text > MAX_TEXT:
            raise InputError(f"the pickle is absurdly large: more than {MAX_TEXT} bytes of text")

    def pop(self) -> Any:
        """Take the last value from the stack, not beyond its last mark.

        Raises:
            ValueError: there is none.
        """
        if self.marks and len(self.stack) <= self.marks[-1]:
            raise ValueError("the stack is empty")
        return self.stack.pop()

    def pop_mark(self) -> list[Any]:
        """Take the values behind the last mark from the stack, and the mark.

        Raises:
            IndexError: there is no mark.
        """
        start = self.marks.pop()
        found = self.stack[start:]
        del self.stack[start:]
        return found

    def top(self, kind: type) -> Any:
        """The container that is being filled.

        Raises:
            ValueError: the last value is no such container.
        """
        if not isinstance(self.stack[-1], kind):
            raise ValueError(f"a {type(self.stack[-1]).__name__} stands where a {kind.__name__} should be filled")
        return self.stack[-1]

    def extend(self, items: list[Any]) -> None:
        """Append to the list on top of the stack."""
        self.top(list).extend(items)

    def update(self, items: list[Any]) -> None:
        """Put keys and values, by turns, into the dict on top of the stack.

        Raises:
            ValueError: a key is neither text nor a number.
        """
        found = self.top(dict)
        if len(items) % 2:
            raise ValueError("a key has no value")
        for key, value in zip(items[::2], items[1::2], strict=True):
            # Other keys would have to be hashed, however deep they are.
            if not isinstance(key, str | int | float | bytes):
                raise ValueError(f"a {type(key).__name__} is a key")
            found[key] = value

    def _check_lines(self, lines: int) -> None:
        place = self.content.tell()
        for _ in range(lines):
            place = self.content.find(b"\n", place, place + _LINE) + 1
            if not place:
                raise ValueError("a line is cut off or absurdly long")
