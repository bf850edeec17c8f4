"""What is written down of every batch, under ``<store>/batches/``: without it, an answer could not be found again."""

from __future__ import annotations

import fcntl
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.catalog import load_dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import read_json, write_json
from zsl_skeleton.semantics.backends.chat import Reply
from zsl_skeleton.semantics.generate import GenerateConfig, Plan, generate_command, plan_bank

_FOLDER = "batches"
_SAID = ("stop", None)


class Origin(BaseModel):
    """What a batch is for: the bank that will be made of its answers.

    Args:
        dataset: name of the data set.
        config: as for ``generate``; the backend is always ``openai``.
        families: the prompt families with their versions, as they were when the batch was handed in.
        catalog: folder of the user's own data sets.
        keep: folder of the bank that people have decided on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    config: GenerateConfig
    families: tuple[str, ...]
    catalog: Path | None = None
    keep: Path | None = None

    def plan(self, store: Store) -> Plan:
        """The plan that the batch was made from, to compare its answers with. Nobody will be asked."""
        config = self.config.model_copy(update={"families": self.families})
        keep = Artifact.open(self.keep) if self.keep else None
        return plan_bank(store, load_dataset(self.dataset, self.catalog), config, keep, asks=False)

    def command(self, verb: Literal["generate", "batch submit"]) -> str:
        """The command line that does the next thing for this bank."""
        text = generate_command(load_dataset(self.dataset, self.catalog), self.config)
        if verb != "generate":
            text = text.replace("generate", verb, 1).replace(" --backend openai", "", 1)
        folders = {
            "--prompts": self.config.prompts,
            "--facts": self.config.semantics,
            "--keep": self.keep,
            "--catalog": self.catalog,
        }
        return " ".join([text, *(shlex.join([name, str(path)]) for name, path in folders.items() if path)])


class Try(BaseModel):
    """An answer that cannot be used: what the model said and why that is not enough.

    ``finish`` is as in :class:`~zsl_skeleton.semantics.backends.chat.Reply`; ``"refused"`` where the server did not
    even ask the model, ``"unreadable"`` where there was no message in its answer.
    """

    model_config = ConfigDict(frozen=True)

    reason: str
    text: str = ""
    prompt_tokens: int | None = 0
    completion_tokens: int | None = 0
    finish: str | None = None
    model: str | None = None

    @property
    def mendable(self) -> bool:
        """Whether the model can be told what was wrong; else the question is asked afresh."""
        return self.finish in _SAID

    def reply(self) -> Reply:
        """What the model said."""
        return Reply(self.text, self.prompt_tokens, self.completion_tokens, self.finish, self.model)


class BatchRecord(BaseModel):
    """One batch.

    Args:
        id: at the server; None while it is being handed in.
        mark: our own name for it, which the server keeps, too: by it a batch is found whose id we never heard.
        server: address.
        origin: what it is for.
        at: when it was handed in (UTC).
        requests: key of every request -> what it asks, for people.
        rung: how the form of the answer was asked for (:class:`~zsl_skeleton.semantics.backends.dialect.Rung`).
        new_limit: whether the limit of tokens was called ``max_completion_tokens``.
        state: the server's word for it, as last heard.
        collected: whether its answers were fetched.
        answered: how many answers were sound.
        tries: key -> an answer that was not.
        refused: what the server did not take: the form of the answer, or the name of the limit.
    """

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = 1
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] | None
    mark: str
    server: str
    origin: Origin
    at: str
    requests: dict[str, str]
    rung: int = 0
    new_limit: bool = False
    state: str = "submitted"
    collected: bool = False
    answered: int = 0
    tries: dict[str, Try] = {}
    refused: Literal["form", "limit"] | None = None


def record_path(store: Store, record: BatchRecord) -> Path:
    """Where a record lies: ``<store>/batches/<batch id>.json``."""
    return store.root / _FOLDER / f"{record.id or f'submitting-{record.mark}'}.json"


def write_record(store: Store, record: BatchRecord) -> None:
    """Write a record, whole or not at all."""
    write_json(record_path(store, record), record.model_dump(mode="json"))


def read_records(store: Store) -> list[BatchRecord]:
    """All records, oldest first.

    Raises:
        InputError: one of them cannot be read.
    """
    found = []
    for path in sorted((store.root / _FOLDER).glob("[!.]*.json")):
        try:
            found.append(BatchRecord.model_validate(read_json(path)))
        except ValidationError as error:
            first = error.errors()[0]
            why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            mend = f"move it away (its answers can then not be collected): mv {path} {path}.broken"
            raise InputError(f"{path} is not the record of a batch", why=why, mend=mend) from error
    return sorted(found, key=lambda record: (record.at, record.mark))


def former_tries(records: Sequence[BatchRecord], key: str) -> list[Try]:
    """The unusable answers to a request so far, oldest first."""
    return [record.tries[key] for record in records if key in record.tries]


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """One process at a time hands in or collects: two would hand in the same requests."""
    path = store.root / ".locks" / _FOLDER
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
