"""The folder of a curated bank: made once from a generated bank, changed ever after, one writer at a time."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from zsl_skeleton.artifacts import Artifact, Card, Made, Store
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.files import write_bytes, write_json
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.bank_lines import CARD

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def copy_for_curation(store: Store, bank: Artifact, name: str | None = None) -> Path:
    """Folder of the curated copy of a bank in the store; a generated bank never changes itself.

    A bank that is curated already is its own copy unless another name is given. A copy that was made from the same
    bank before is used again, with all that was done to it.

    Args:
        store: where the copy goes, below ``banks``.
        bank: what to copy.
        name: folder of the copy; None: ``<dataset>-curated``.

    Raises:
        UsageError: the name is not that of a folder.
        InputError: it is no bank, or the name is taken by something else.
    """
    words = SemanticBank.open(bank)
    if bank.card.config.get("curated") and (
        name is None or (store.root / "banks" / name).resolve() == bank.path.resolve()
    ):
        return bank.path
    name = f"{words.dataset}-curated" if name is None else name
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be the name of a bank", mend="use letters, digits, dots and hyphens")
    target = store.root / "banks" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with locked(target.parent):
        if not target.exists():
            _copy(bank, target)
        elif not _stems_from(target, bank):
            raise InputError(
                f"{target} exists and is not a curated copy of {bank.path}",
                mend="name another copy with --name NAME, or curate that one: --bank " + shlex.quote(os.fspath(target)),
            )
    return target


def _copy(bank: Artifact, target: Path) -> None:
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # what a killed copy left
    for family in bank.card.config["families"]:
        write_bytes(partial / f"{family}.jsonl", (bank.path / f"{family}.jsonl").read_bytes())
    stays = {key: bank.card.summary[key] for key in ("classes", "account") if key in bank.card.summary}
    made = Made(
        at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        seconds=0.0,
        command=shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
    )
    card = bank.card.model_copy(
        update={
            "name": target.name,
            "id": "",  # computed from the rows whenever the bank is opened
            "what": f"{bank.card.what}, curated",
            "config": bank.card.config | {"curated": True},
            "inputs": {"bank": bank.ref},
            "files": {},
            "summary": stays,
            "made": made,
        }
    )
    write_json(partial / CARD, card.model_dump())
    partial.rename(target)


def _stems_from(folder: Path, bank: Artifact) -> bool:
    if not (folder / CARD).is_file():
        return False
    card = Artifact.open(folder).card
    origin = card.inputs.get("bank")
    return bool(card.config.get("curated")) and origin is not None and origin.id == bank.id


def open_curated(folder: Path) -> tuple[Card, SemanticBank]:
    """Card and texts of a curated bank.

    Raises:
        InputError: the folder holds no bank, or one that must not change.
    """
    card, bank = open_any(folder)
    if not card.config.get("curated"):
        raise InputError(
            f"the bank {folder} is not a curated one",
            why="what was generated stays as it is, so that results can be traced to it",
            mend="curate a copy: zsl-semantics edit, approve or reject make one of the bank they are given",
        )
    return card, bank


def open_any(folder: Path) -> tuple[Card, SemanticBank]:
    """Card and texts of a bank, curated or not, for looking at it.

    Raises:
        InputError: the folder holds no bank.
    """
    artifact = Artifact.open(folder)
    return artifact.card, SemanticBank.open(artifact)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other writers out of a folder; waits for the one that is in it."""
    # The folder itself is locked: a lock file would lie about in folders that people commit.
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
