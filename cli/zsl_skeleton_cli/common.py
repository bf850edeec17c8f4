"""What the three commands share: options, the rendering of errors, JSON output."""

from __future__ import annotations

import errno
import json
import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zsl_skeleton import interruption
from zsl_skeleton.errors import InputError, ZslError

if TYPE_CHECKING:
    from zsl_skeleton.artifacts import Artifact, Store
    from zsl_skeleton.setting import Setting

SCHEMA_VERSION = 1

ArtifactsOption = Annotated[
    Path, typer.Option("--artifacts", envvar="ZSL_ARTIFACTS", help="Folder that all artifacts go to.")
]
CatalogOption = Annotated[
    Path | None, typer.Option("--catalog", envvar="ZSL_CATALOG", help="Folder with your own data sets' YAML files.")
]
DatasetOption = Annotated[str, typer.Option("--dataset", help="Data set, e.g. ntu60, utd-mhad, demo.")]
ProtocolOption = Annotated[str | None, typer.Option("--protocol", help="Train/test protocol, e.g. xsub.")]
RecipeOption = Annotated[str, typer.Option("--recipe", help="Preprocessing: aimclr-50, ctr-64 or hip-32.")]
SkeletonsOption = Annotated[
    str | None, typer.Option("--skeletons", help="Skeleton set: a path or a name (default: the newest that fits).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document to stdout.")]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
CheckpointOption = Annotated[
    float, typer.Option("--checkpoint-seconds", min=0, help="Shortest time between two checkpoints.")
]
BankOption = Annotated[str | None, typer.Option("--bank", help="Bank: a path or a name (default: the composed one).")]
FactsOption = Annotated[
    Path | None, typer.Option("--facts", envvar="ZSL_SEMANTICS", help="Folder of facts instead of the packaged one.")
]
FamilyOption = Annotated[
    list[str] | None,
    typer.Option("--family", help="Family, e.g. spatial or spatial@v1; repeatable. Default: all."),
]
KeepOption = Annotated[
    str | None, typer.Option("--keep", help="Bank whose edited and approved texts stay, and whose rejected ones go.")
]
PromptsOption = Annotated[
    Path | None, typer.Option("--prompts", envvar="ZSL_PROMPTS", help="Folder of prompts instead of the packaged one.")
]
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="Run: a path, a folder name, or a readable name (the newest).")
]
DEFAULT_ARTIFACTS = Path("artifacts")


def new_app(help_text: str) -> typer.Typer:
    """A Typer application with the house's settings."""
    return typer.Typer(help=help_text, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def run(app: typer.Typer) -> None:
    """Run an application; render errors without a traceback and exit with the documented code."""
    interruption.install()
    try:
        app()
    except ZslError as error:
        _fail(str(error), error.exit_code)
    except interruption.Interrupted as stop:
        _fail(f"stopped by {stop}; what is finished is kept, the same command continues", stop.exit_code)
    except OSError as error:
        mend = _OS_MENDS.get(error.errno or 0)
        if mend is None:
            raise
        _fail(f"{error.strerror}: {error.filename or 'while writing an artifact'}\n  mend: {mend}", 3)


_OS_MENDS = {
    errno.ENOSPC: "free disk space, then run the same command again: it continues where it stopped",
    errno.EFBIG: "allow larger files (ulimit -f), then run the same command again: it continues where it stopped",
    errno.EDQUOT: "free disk quota, then run the same command again: it continues where it stopped",
    errno.EACCES: "name a folder you may write to with --artifacts DIR",
    errno.EPERM: "name a folder you may write to with --artifacts DIR",
    errno.EROFS: "name a folder you may write to with --artifacts DIR",
    errno.ENOTDIR: "name a folder, not a file, with --artifacts DIR",
    errno.EEXIST: "name a folder, not a file, with --artifacts DIR",
}


@contextmanager
def writing(out: Path, option: str, store: Path | None = None) -> Iterator[None]:
    """Turn what the file system says against ``out`` into an error that names the option it came from.

    Args:
        out: the file or folder that the user named.
        option: how to name another one, e.g. ``--out FILE``.
        store: failures in there are not about ``out``, they pass.

    Raises:
        InputError: the file system refuses.
    """
    try:
        yield
    except OSError as error:
        if store is not None and error.filename and Path(os.fsdecode(error.filename)).is_relative_to(store):
            raise
        mend = "free disk space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else f"name another place: {option}"
        raise InputError(f"{out} cannot be written", why=error.strerror or str(error), mend=mend) from error


def _fail(message: str, code: int) -> None:
    sys.stderr.write(f"error: {message}\n")
    # A failed command must not look successful because the reader of stdout has gone.
    sys.stderr.flush()
    sys.exit(code)


def emit(document: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Print the result to stdout: one JSON document with ``schema_version``, or text for people."""
    if os.environ.get("RANK", "0") != "0" and "MASTER_ADDR" in os.environ:
        return  # one of several processes that torchrun started: the first one speaks for all
    if as_json:
        text = json.dumps({"schema_version": SCHEMA_VERSION, **document}, indent=2, ensure_ascii=False)
    if sys.stdout is None:
        raise InputError("the result cannot be printed", why="stdout is closed")
    try:
        sys.stdout.write(text.rstrip("\n") + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # the reader has seen enough
    except OSError as error:
        # What is left in the buffer must not be tried again at exit.
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
        raise InputError("the result cannot be printed", why=f"stdout: {error.strerror}") from error


def emit_tables(tables: Mapping[str, list[str]], *, as_json: bool) -> None:
    """Print named lists."""
    width = max(map(len, tables))
    lines = [f"{name:<{width}}  {', '.join(entries) or '-'}" for name, entries in tables.items()]
    emit(tables, "\n".join(lines), as_json=as_json)


def announce(artifact: Artifact, *, as_json: bool) -> None:
    """Print where an artifact lies and what it is."""
    card = artifact.card
    text = f"{os.fspath(artifact.path)}\n  {card.what}"
    emit({"path": os.fspath(artifact.path), "card": card.model_dump()}, text, as_json=as_json)


def announce_all(artifacts: Sequence[Artifact], *, as_json: bool) -> None:
    """Print where one or several artifacts lie."""
    if len(artifacts) == 1:
        announce(artifacts[0], as_json=as_json)
        return
    text = "\n".join(f"{os.fspath(item.path)}\n  {item.card.what}" for item in artifacts)
    documents = [{"path": os.fspath(item.path), "card": item.card.model_dump()} for item in artifacts]
    emit({"artifacts": documents}, text, as_json=as_json)


def typed_generate(dataset: str, catalog: Path | None) -> str:
    """The beginning of the command that generates a bank of a data set."""
    return shlex.join(["zsl-semantics", "generate", "--dataset", dataset, *catalog_words(catalog)])


def catalog_words(catalog: Path | None) -> list[str]:
    """``--catalog`` as words of a command line to be typed again."""
    return ["--catalog", str(catalog)] if catalog else []


def find_run(store: Store, name: str) -> Artifact:
    """The run that a user means by a path, a folder name or a readable name."""
    return store.get("runs", name, mend="zsl-train list")


def open_store(artifacts: Path) -> Store:
    """The store behind ``--artifacts`` (imported late: ``--help`` must not wait for numpy)."""
    from zsl_skeleton.artifacts import Store

    return Store(artifacts)


def open_named(artifacts: Path, catalog: Path | None, names: Mapping[str, str | None]) -> Setting:
    """The data set, split and protocol that a command names.

    A command calls it before it imports torch: so a mistyped name is told at once.
    """
    from zsl_skeleton.setting import open_setting

    return open_setting(open_store(artifacts), catalog, names)
