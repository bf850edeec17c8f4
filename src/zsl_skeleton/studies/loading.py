"""Reads a study's file; whatever is wrong in it is said with the field and the line."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from zsl_skeleton.errors import InputError, ZslError
from zsl_skeleton.files import read_text, read_yaml
from zsl_skeleton.studies.model import Study

EXAMPLE = Path(__file__).with_name("examples") / "benchmark.yaml"
_COMMON, _RUNS = "common", "runs"
Place = tuple[Hashable, ...]


@dataclass(frozen=True)
class StudyFile:
    """A study and where it stands.

    Args:
        path: the file.
        study: what it says.
        lines: place (keys and indices from the root) -> line, from 1.
    """

    path: Path
    study: Study
    lines: Mapping[Place, int]

    @contextmanager
    def at(self, *place: Hashable) -> Iterator[None]:
        """Errors inside are about ``place``, e.g. ``"runs", 0, "datasets"``: they are told so."""
        try:
            yield
        except ZslError as error:
            where = _where(self.path, self.lines, place)
            raise type(error)(f"{where}: {error.what}", why=error.why, mend=error.mend) from error


def load_study(path: Path) -> StudyFile:
    """Read a study. Options under ``common`` hold in every block that does not say otherwise.

    Raises:
        InputError: the file cannot be read, is not YAML, says something twice, or is not a study.
    """
    raw = read_yaml(path)
    if not isinstance(raw, dict):
        raise InputError(
            f"{path} is not a study", why="it is no mapping", mend="zsl-train study --example > study.yaml"
        )
    lines = dict(_lines(path))
    try:
        study = Study.model_validate({"name": path.stem, **_merged(path, raw)})
    except ValidationError as error:
        problem = error.errors()[0]
        why = f"got {problem['input']!r}" if not isinstance(problem["input"], dict | list) else ""
        message = problem["msg"].removeprefix("Value error, ")
        mend = "zsl-train study --example shows a whole study"
        raise InputError(f"{_where(path, lines, problem['loc'])}: {message}", why=why, mend=mend) from error
    return StudyFile(path, study, lines)


def _merged(path: Path, raw: dict[str, Any]) -> dict[str, Any]:
    """The blocks completed by what is common to them."""
    rest = {key: value for key, value in raw.items() if key != _COMMON}
    common, blocks = raw.get(_COMMON) or {}, raw.get(_RUNS)
    if not isinstance(common, dict):
        raise InputError(f"{path}, {_COMMON}: is no mapping of options")
    if isinstance(blocks, dict):
        blocks = [blocks]
    if isinstance(blocks, list):
        rest[_RUNS] = [{**common, **block} if isinstance(block, dict) else block for block in blocks]
    return rest


def _where(path: Path, lines: Mapping[Place, int], place: Place) -> str:
    """``study.yaml, line 7, runs[0].seeds``; a common option stands elsewhere than in its block."""
    common = (_COMMON, *place[2:]) if place[:1] == (_RUNS,) and len(place) > 2 else ()
    length = max(len(place), 1)
    line = next((lines[p] for n in range(length, 0, -1) for p in (place[:n], common[: n - 1]) if p in lines), None)
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
    return ", ".join([str(path), *([f"line {line}"] if line else []), *([name] if name else [])])


def _lines(path: Path) -> Iterator[tuple[Place, int]]:
    """The line of everything in the file.

    Raises:
        InputError: a key stands twice in a mapping, where YAML would keep the last one in silence.
    """
    root = yaml.compose(read_text(path), yaml.SafeLoader)
    pending: list[tuple[Place, yaml.Node]] = [((), root)] if root else []
    while pending:
        place, node = pending.pop()
        yield place, node.start_mark.line + 1
        if isinstance(node, yaml.SequenceNode):
            pending += [((*place, index), item) for index, item in enumerate(node.value)]
        elif isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                if key.value in seen:
                    raise InputError(f"{path}, line {key.start_mark.line + 1}: {key.value!r} stands there twice")
                seen.add(key.value)
                pending.append(((*place, key.value), value))
                yield (*place, key.value), key.start_mark.line + 1
