"""What a pickle may stand for: numbers, text, lists, tuples, dicts, and numpy's plain arrays. Nothing is called."""

from __future__ import annotations

import math
import mmap
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError

CONVERTIBLE = (
    "a pickle that can be converted is a dict of 'split' (xsub_train and the like: lists of clip names) "
    "and 'annotations' (a list of dicts with frame_dir, label, total_frames and keypoint [persons, frames, 25, 3])"
)
"""For messages."""
_PLAIN = re.compile(r"[biuf][1248]")


@dataclass(frozen=True)
class Admitted:
    """One of the few names that a pickle may ask for; a word, not the thing."""

    name: str


@dataclass(frozen=True)
class Blob:
    """Many bytes that stay in the file until they are needed.

    ``recoded``: they are the UTF-8 text whose Latin-1 bytes are meant, as pickles of protocol 2 write bytes.
    """

    content: mmap.mmap
    start: int
    length: int
    recoded: bool = False

    def read(self) -> bytes:
        """The bytes.

        Raises:
            InputError: the text is no such text.
        """
        raw = self.content[self.start : self.start + self.length]
        try:
            return raw.decode().encode("latin-1") if self.recoded else raw
        except UnicodeError as error:
            raise InputError(f"the bytes at {self.start} of the pickle are damaged", why=str(error)) from error


@dataclass
class PickledType:
    """A plain number type; its byte order comes later in the pickle."""

    code: str
    order: str = "="

    def set_state(self, state: Any) -> None:
        """Take the byte order out of numpy's state of a type: ``(version, order, subtype, names, fields, ...)``.

        Raises:
            InputError: the type is no plain number.
        """
        if not isinstance(state, tuple) or len(state) < 5 or state[1] not in ("<", ">", "|", "="):
            raise InputError("the pickle describes a number type wrongly")
        if any(part is not None for part in state[2:5]):
            raise InputError("the pickle holds a structured array", why="only arrays of plain numbers are admitted")
        self.order = state[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type."""
        return np.dtype(self.order + self.code if self.order != "=" else self.code)


@dataclass
class PickledArray:
    """A numpy array whose numbers are still in the file."""

    shape: tuple[int, ...] = ()
    type: PickledType | None = None
    column_major: bool = False
    raw: Blob | bytes = b""

    def set_state(self, state: Any) -> None:
        """Take numpy's state of an array: ``(version, shape, type, column-major, bytes)``.

        Raises:
            InputError: it is something else; an array of Python objects, say.
        """
        if not isinstance(state, tuple) or len(state) != 5:
            raise InputError("the pickle describes an array wrongly")
        _, shape, kind, column_major, raw = state
        self.fill(shape, kind, bool(column_major), raw)

    def fill(self, shape: Any, kind: Any, column_major: bool, raw: Any) -> None:
        """Set all there is to know.

        Raises:
            InputError: a shape, type or content that no plain array has.
        """
        if not isinstance(kind, PickledType) or not isinstance(raw, Blob | bytes):
            raise InputError("the pickle holds an array of Python objects", why="only plain numbers are admitted")
        if not isinstance(shape, tuple) or any(type(size) is not int or size < 0 for size in shape) or len(shape) > 32:
            raise InputError("the pickle describes the shape of an array wrongly")
        known = None if isinstance(raw, Blob) and raw.recoded else len(raw) if isinstance(raw, bytes) else raw.length
        promised = math.prod(shape) * kind.dtype.itemsize
        if (known is not None and promised != known) or (isinstance(raw, Blob) and promised > raw.length):
            raise InputError(f"an array of shape {list(shape)} in the pickle does not have as many numbers")
        self.shape, self.type, self.column_major, self.raw = shape, kind, column_major, raw

    def read(self) -> NDArray[Any]:
        """The array.

        Raises:
            InputError: it was never filled, or is damaged.
        """
        if self.type is None:
            raise InputError("the pickle holds an array without content")
        raw = self.raw if isinstance(self.raw, bytes) else self.raw.read()
        if len(raw) != math.prod(self.shape) * self.type.dtype.itemsize:
            raise InputError(f"an array of shape {list(self.shape)} in the pickle does not have as many numbers")
        return np.frombuffer(raw, self.type.dtype).reshape(self.shape, order="F" if self.column_major else "C")


def admitted(name: str) -> Admitted:
    """The name, if it may be asked for.

    Raises:
        InputError: it may not; nothing but the name was looked at.
    """
    plain = name.replace("numpy._core.", "numpy.core.", 1).replace("__builtin__.", "builtins.", 1)
    if plain not in (*CALLS, "numpy.ndarray"):
        raise InputError(
            f"the pickle asks for {name[:200]}",
            why="only plain containers and numpy's plain arrays are admitted; a pickle can ask for any program",
            mend=f"{CONVERTIBLE}; save yours like that, then: zsl-data convert FILE.pkl --out FILE.npz",
        )
    return Admitted(plain)


def call(function: Any, arguments: Any) -> Any:
    """What one of the admitted names makes of its arguments, which are checked first.

    Raises:
        InputError: the name is none of those that are called, or the arguments are not the usual ones.
    """
    if not isinstance(function, Admitted) or function.name not in CALLS:
        raise InputError("the pickle calls something that is not callable here", why=type(function).__name__)
    try:
        return CALLS[function.name](*arguments)
    except TypeError as error:
        raise InputError(f"the pickle calls {function.name} in an unusual way") from error


def _encode(text: Any, encoding: Any = "") -> Blob | bytes:
    if encoding not in ("latin1", "latin-1", "iso-8859-1"):
        raise InputError("the pickle encodes text in an unusual way")
    if isinstance(text, Blob):
        return Blob(text.content, text.start, text.length, recoded=True)
    if not isinstance(text, str):
        raise InputError("the pickle encodes something that is no text")
    return text.encode("latin-1")


def _no_bytes() -> bytes:
    return b""  # how protocols that know no bytes write the content of an empty array


def _type(code: Any, *_: Any) -> PickledType:
    if not isinstance(code, str) or not _PLAIN.fullmatch(code):
        shown = code if isinstance(code, str) else type(code).__name__
        raise InputError(f"the pickle holds numbers of type {shown[:40]}", why="only plain numbers are admitted")
    return PickledType(code)


def _array(kind: Any, *_: Any) -> PickledArray:
    if kind != Admitted("numpy.ndarray"):
        raise InputError("the pickle makes an array of an unusual class")
    return PickledArray()


def _from_buffer(raw: Any, kind: Any, shape: Any, order: Any) -> PickledArray:
    made = PickledArray()
    made.fill(shape, kind, order == "F", raw)
    return made


def _scalar(kind: Any, raw: Any = b"") -> int | float | bool:
    made = PickledArray()
    made.fill((), kind, False, raw)
    number: int | float | bool = made.read().item()
    return number


CALLS: Mapping[str, Callable[..., Any]] = {
    "_codecs.encode": _encode,
    "builtins.bytes": _no_bytes,
    "numpy.core.multiarray._reconstruct": _array,
    "numpy.core.multiarray.scalar": _scalar,
    "numpy.core.numeric._frombuffer": _from_buffer,
    "numpy.dtype": _type,
}
"""Name in a pickle -> our own stand-in for what it means."""
