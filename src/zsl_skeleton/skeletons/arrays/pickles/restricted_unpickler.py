"""Reads pickles without unpickling: an interpreter of those few opcodes that build plain containers and plain arrays.

Python's own unpickler calls what a pickle asks it to call. This one calls nothing: names outside a short list end it,
names on the list are only words (:mod:`.values`). The content of arrays stays in the file, so that memory is bounded
by the number of opcodes, not by what the pickle promises.
"""

from __future__ import annotations

import mmap
import pickletools
import re
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.arrays.pickles.machine import LENGTHS, MAX_DEPTH, Machine, Opcode
from zsl_skeleton.skeletons.arrays.pickles.values import Admitted, PickledArray, PickledType, admitted, call
from zsl_skeleton.skeletons.arrays.raw_bytes import check_file

MAX_OPCODES = 20_000_000
"""NTU-120's annotations take about seven million. An opcode costs less than 100 bytes of memory."""

_ERRORS = (ValueError, IndexError, KeyError, TypeError, struct.error, OverflowError, EOFError, RecursionError)
_BEGINS = re.compile(rb"\x80[\x00-\x05]|[(\]})]|c[\w.]+\n")
"""A protocol, or in the oldest ones a container or a name; only what cannot be read is held against it."""
_SHOWN = 16
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS = {"INT", "BININT", "BININT1", "BININT2", "LONG", "FLOAT", "BINFLOAT", "UNICODE"}


def _read_name(stream: Any) -> str:
    """A module and a name in it, a line each."""
    return ".".join(stream.readline()[:-1].decode() for _ in range(2))


def _opcode(info: pickletools.OpcodeInfo) -> Opcode:
    if info.name in ("GLOBAL", "INST"):
        return Opcode(info.name, 2, _read_name)
    if info.arg is None:
        return Opcode(info.name, 0, None)
    return Opcode(info.name, int(info.arg.n == pickletools.UP_TO_NEWLINE), info.arg.reader)


_OPCODES = {info.code.encode("latin-1"): _opcode(info) for info in pickletools.opcodes}


def read_pickle(path: Path) -> Any:
    """The content of a pickle: numbers, text, lists, tuples, dicts and :class:`PickledArray`.

    Raises:
        InputError: it cannot be read, is damaged or absurdly large, or asks for anything else, which is named.
    """
    check_file(path, "name the pickle: zsl-data convert FILE.pkl --out FILE.npz")
    if not path.stat().st_size:
        raise InputError(f"{path} cannot be read", why="it is empty", mend="fetch it again")
    try:
        with path.open("rb") as stream:
            machine = Machine(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read", why=getattr(error, "strerror", None) or str(error)) from error
    try:
        return _run(machine)
    except (InputError, *_ERRORS) as error:
        raise _explained(error, machine, path) from error


def _explained(error: Exception, machine: Machine, path: Path) -> InputError:
    """What is wrong with a file that could not be read to its end."""
    first = bytes(machine.content[:_SHOWN])
    place = f"byte {machine.content.tell()}: {str(error)[:200] or type(error).__name__}"
    if not _BEGINS.match(first):
        # That nothing stands on the stack yet tells no more than the first bytes do.
        detail = "" if isinstance(error, IndexError) else f" ({getattr(error, 'what', place)})"
        why = f"its first bytes, {first!r}, are none that a pickle begins with{detail}"
        return InputError(f"{path} is no sound pickle", why=why, mend=f"zsl-data inspect {quote(str(path))}")
    if isinstance(error, InputError):
        return InputError(f"{path}: {error.what}", why=error.why, mend=error.mend)
    return InputError(f"{path} is no sound pickle", why=place, mend="fetch it again")


def _run(machine: Machine) -> Any:
    for _ in range(MAX_OPCODES):
        code = machine.content.read(1)
        opcode = _OPCODES.get(code)
        if opcode is None:
            raise ValueError("there is no such opcode" if code else "it ends early")
        if opcode.name == "STOP":
            return machine.pop()
        _step(machine, opcode)
    raise InputError(f"the pickle is absurdly large: more than {MAX_OPCODES} opcodes")


def _step(machine: Machine, opcode: Opcode) -> None:
    name = opcode.name
    if name in LENGTHS:
        machine.stack.append(machine.sized(name))
    elif name in _CONSTANTS:
        machine.stack.append(_CONSTANTS[name])
    elif name in _LITERALS:
        machine.stack.append(machine.argument(opcode))
    elif name in _STEPS:
        _STEPS[name](machine, machine.argument(opcode) if opcode.read else None)
    else:
        if name == "INST":
            admitted(machine.argument(opcode))
        raise InputError(
            f"the pickle uses {name}", why="that makes objects, asks for something outside the pickle, or is Python 2"
        )


def _mark(machine: Machine, _: Any) -> None:
    if len(machine.marks) >= MAX_DEPTH:
        raise InputError(f"the pickle is nested more than {MAX_DEPTH} deep")
    machine.marks.append(len(machine.stack))


def _dict(machine: Machine, _: Any) -> None:
    items = machine.pop_mark()
    machine.stack.append({})
    machine.update(items)


def _tuple(machine: Machine, size: int) -> None:
    items = [machine.pop() for _ in range(size)]
    machine.stack.append(tuple(reversed(items)))


def _append(machine: Machine, _: Any) -> None:
    value = machine.pop()
    machine.extend([value])


def _set_item(machine: Machine, _: Any) -> None:
    value = machine.pop()
    machine.update([machine.pop(), value])


def _remember(machine: Machine, index: Any) -> None:
    machine.memo[len(machine.memo) if index is None else int(index)] = machine.stack[-1]


def _global(machine: Machine, name: Any) -> None:
    if name is None:
        attribute, module = machine.pop(), machine.pop()
        if not isinstance(module, str) or not isinstance(attribute, str):
            raise ValueError("a name is no text")
        name = f"{module}.{attribute}"
    machine.stack.append(admitted(name))


def _reduce(machine: Machine, _: Any) -> None:
    arguments, function = machine.pop(), machine.pop()
    if not isinstance(arguments, tuple) or not isinstance(function, Admitted):
        raise ValueError(f"a {type(function).__name__} is called")
    machine.stack.append(call(function, arguments))


def _build(machine: Machine, _: Any) -> None:
    state, target = machine.pop(), machine.stack[-1]
    if not isinstance(target, PickledArray | PickledType):
        raise ValueError(f"a {type(target).__name__} is given a state")
    target.set_state(state)


_STEPS: Mapping[str, Callable[[Machine, Any], Any]] = {
    "PROTO": lambda machine, argument: None,
    "FRAME": lambda machine, argument: None,
    "MARK": _mark,
    "POP": lambda machine, _: machine.pop(),
    "POP_MARK": lambda machine, _: machine.pop_mark(),
    "DUP": lambda machine, _: machine.stack.append(machine.stack[-1]),
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "EMPTY_DICT": lambda machine, _: machine.stack.append({}),
    "EMPTY_TUPLE": lambda machine, _: machine.stack.append(()),
    "LIST": lambda machine, _: machine.stack.append(machine.pop_mark()),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.pop_mark())),
    "TUPLE1": lambda machine, _: _tuple(machine, 1),
    "TUPLE2": lambda machine, _: _tuple(machine, 2),
    "TUPLE3": lambda machine, _: _tuple(machine, 3),
    "DICT": _dict,
    "APPEND": _append,
    "APPENDS": lambda machine, _: machine.extend(machine.pop_mark()),
    "SETITEM": _set_item,
    "SETITEMS": lambda machine, _: machine.update(machine.pop_mark()),
    "PUT": _remember,
    "BINPUT": _remember,
    "LONG_BINPUT": _remember,
    "MEMOIZE": _remember,
    "GET": lambda machine, index: machine.stack.append(machine.memo[int(index)]),
    "BINGET": lambda machine, index: machine.stack.append(machine.memo[index]),
    "LONG_BINGET": lambda machine, index: machine.stack.append(machine.memo[index]),
    "GLOBAL": _global,
    "STACK_GLOBAL": _global,
    "REDUCE": _reduce,
    "BUILD": _build,
}
