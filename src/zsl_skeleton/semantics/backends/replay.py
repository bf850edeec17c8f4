"""The backend that asks nobody: it answers from a recording, so that a published bank comes out once more.

A recording is a JSON-lines file. Line 1: ``{"schema_version": 1, "fingerprint": {...}}``, the fingerprint of the
backend that was recorded. Every other line: ``{"key": <hash of the request>, "answer": {slot: [texts]}, ...}``, what
the response cache keeps of one answer.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from zsl_skeleton.artifacts import Artifact
from zsl_skeleton.cache import TextCache
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.files import read_text, write_text
from zsl_skeleton.semantics.backends.base import Account, Answer, Request, Setting, UnusableAnswerError
from zsl_skeleton.semantics.backends.language_model import Recorded
from zsl_skeleton.semantics.bank import Description, SemanticBank

_SCHEMA_VERSION = 1
_REQUEST_DIGITS = 16  # of a request's hash that a bank keeps


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1]
    fingerprint: dict[str, Any]

    @field_validator("fingerprint")
    @classmethod
    def _named(cls, value: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(value.get("name"), str) or not isinstance(value.get("model"), str | None):
            raise ValueError("does not name the backend")
        return value


class Entry(Recorded):
    """One recorded answer: the hash of its request, and what the response cache keeps."""

    key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ReplayBackend:
    """Answers as the recorded backend did, and passes for it: same name, same fingerprint, so the same bank.

    Args:
        path: the recording, for messages.
        fingerprint: that of the recorded backend.
        entries: its answers.
    """

    concurrency = 1

    def __init__(self, path: Path, fingerprint: Mapping[str, Any], entries: Iterable[Entry]) -> None:
        self.name = str(fingerprint["name"])
        self.model: str | None = fingerprint.get("model")
        self._path = path
        self._fingerprint = fingerprint
        self._entries = {entry.key: entry for entry in entries}
        self._accounts: dict[str, Account] = {}

    @classmethod
    def open(cls, setting: Setting) -> Self:
        """Read the recording.

        Raises:
            UsageError: none is named.
            InputError: it cannot be read.
        """
        path = setting.options.recording
        make = f"zsl-semantics record --dataset {setting.dataset.name} --bank BANK --out FILE"
        if path is None:
            raise UsageError("replay needs a recording", mend=f"add --recording FILE; {make} makes one")
        if not path.is_file():
            why = "it is a folder" if path.is_dir() else "there is no such file"
            raise InputError(f"{path} is not a recording", why=why, mend=f"make one: {make}")
        fingerprint, entries = read_recording(path)
        return cls(path, fingerprint, entries)

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """That of the recorded backend."""
        return self._fingerprint

    @property
    def accounts(self) -> Mapping[str, Account]:
        """Family -> requests and the tokens they once took; nothing was sent."""
        return self._accounts

    async def answer(self, request: Request) -> Answer:
        """Answer from the recording.

        Raises:
            UnusableAnswerError: this request is not in it.
        """
        entry = self._entries.get(request.hash(self._fingerprint))
        if entry is None:
            call = f", call {request.sample + 1}" if request.sample else ""
            raise UnusableAnswerError(
                f"{self._path} holds no answer for class {request.action.index} ({request.action.name}), "
                f"{request.family}, turn {request.turn.name}{call}"
            )
        account = self._accounts.get(request.family, Account())
        self._accounts[request.family] = replace(
            account,
            requests=account.requests + 1,
            cached=account.cached + 1,
            prompt_tokens=_sum(account.prompt_tokens, entry.prompt_tokens),
            completion_tokens=_sum(account.completion_tokens, entry.completion_tokens),
        )
        return Answer(entry.answer)

    async def close(self) -> None:
        """Nothing is open."""


def record_bank(bank: Artifact, cache: TextCache, path: Path) -> int:
    """Write the answers that a bank was made of from the response cache into a recording.

    Returns:
        How many answers were written.

    Raises:
        InputError: it is not a bank, its texts were not asked for (composed texts need no recording), or the cache
            does not hold its answers, or holds newer ones.
    """
    rows = [row for row in SemanticBank.open(bank).descriptions if row.provenance.request]
    fingerprint = bank.card.config.get("backend") or {"name": "an import"}
    if not rows or "model" not in fingerprint:
        why = f"its texts come from {fingerprint['name']}; no model was asked"
        raise InputError(f"{bank.path} has nothing to record", why=why, mend="name a bank that a model wrote")
    entries = record(cache, (row.provenance.request or "" for row in rows), made_by=bank.card.made.command)
    _check_same(rows, entries, bank)
    write_recording(path, fingerprint, entries)
    return len(entries)


def _check_same(rows: Iterable[Description], entries: Iterable[Entry], bank: Artifact) -> None:
    """With ``--refresh``, a request is answered anew; the recording must not give other texts than the bank."""
    held = {
        (e.key[:_REQUEST_DIGITS], slot, text) for e in entries for slot, texts in e.answer.items() for text in texts
    }
    for row in rows:
        place = (row.provenance.request, row.slot, row.text)
        if row.provenance.state == "generated" and place not in held:
            raise InputError(
                f"the response cache has other texts than {bank.path}",
                why=f"{row.class_name}, {row.slot} {row.index}: {row.text!r} was replaced by a later answer",
                mend=_another(bank.card.made.command),
            )


def record(cache: TextCache, prefixes: Iterable[str], made_by: str = "") -> list[Entry]:
    """Answers in the response cache whose keys begin with ``prefixes`` (banks keep 16 digits), in that order.

    Args:
        cache: the response cache.
        prefixes: beginnings of keys.
        made_by: the command that fills the cache again, for the error.

    Raises:
        InputError: an answer is missing or is not one.
    """
    keys: dict[str, list[str]] = {prefix: [] for prefix in prefixes}
    lengths = sorted(set(map(len, keys)))
    for key in iter(cache.keys()):
        for prefix in (key[:length] for length in lengths):
            if prefix in keys:
                keys[prefix].append(key)
    missing = [prefix for prefix, found in keys.items() if not found]
    if missing:
        raise InputError(
            f"the response cache lacks {len(missing)} of {len(keys)} answers",
            why=f"no key begins with {missing[0]}; it was filled on another machine, or deleted",
            mend=_another(made_by),
        )
    return [_entry(cache, key) for found in keys.values() for key in found]


def _another(made_by: str) -> str:
    """How to get at answers that the cache does not hold: a finished bank never changes, and asks nobody again."""
    if "--recording" in made_by:
        return f"the bank was replayed: copy the recording it was made from ({made_by})"
    if not made_by:
        return "generate the bank in another folder with --artifacts DIR, and record that one"
    return f"ask once more in another folder, and record that bank: {made_by} --artifacts another"


def _entry(cache: TextCache, key: str) -> Entry:
    try:
        return Entry.model_validate({"key": key} | json.loads(cache.get(key) or "null"))
    except (ValueError, TypeError) as error:
        why = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise InputError(f"the response cache holds no answer under {key}", why=why) from error


def write_recording(path: Path, fingerprint: Mapping[str, Any], entries: Iterable[Entry]) -> None:
    """Atomically write a recording: the fingerprint of the backend that was asked, and its answers."""
    lines = [json.dumps({"schema_version": _SCHEMA_VERSION, "fingerprint": dict(fingerprint)}, ensure_ascii=False)]
    lines += [json.dumps(entry.model_dump(exclude_defaults=True), ensure_ascii=False) for entry in entries]
    write_text(path, "".join(line + "\n" for line in lines))


def read_recording(path: Path) -> tuple[dict[str, Any], list[Entry]]:
    """Read what :func:`write_recording` wrote.

    Returns:
        The fingerprint and the answers.

    Raises:
        InputError: the file is missing, or a line is not valid; the message names it.
    """
    where, lines = "line 1", read_text(path).split("\n")
    try:
        header = _Header.model_validate_json(lines[0])
        entries = []
        for number, line in enumerate(lines[1:], start=2):
            where = f"line {number}"
            entries += [Entry.model_validate_json(line)] if line else []
    except ValidationError as error:
        first = error.errors()[0]
        why = " ".join(filter(None, [f"{where}:", ".".join(map(str, first["loc"])), first["msg"]]))
        mend = "make it again: zsl-semantics record --dataset DATASET --bank BANK --out " + shlex.quote(str(path))
        raise InputError(f"{path} is not a recording", why=why, mend=mend) from error
    return header.fingerprint, entries


def _sum(total: int | None, part: int | None) -> int | None:
    return None if total is None or part is None else total + part
