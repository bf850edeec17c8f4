"""Where the files of a model lie, and which version of them it is. Weights are safetensors; pickles are not read."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zsl_skeleton.errors import InputError
from zsl_skeleton.files import canonical_json, sha256_file, sha256_text
from zsl_skeleton.progress import say

WEIGHTS = "*.safetensors"
_CONTENT = ("*.json", "*.txt", "*.model", WEIGHTS)
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
_TOKENIZERS = ("tokenizer.json", "vocab.json", "vocab.txt", "*.model")
_OTHER_RUNTIMES = ("onnx", "openvino")
_CONVERTER = "SFconvertbot"  # the hub's own account that offers safetensors to repositories of pickles


@dataclass(frozen=True)
class ModelFiles:
    """A model on this machine.

    Args:
        folder: holds its files.
        revision: commit on the hub; of a user's folder, SHA-256 over its configuration and weights.
    """

    folder: Path
    revision: str


def public_name(model: str) -> str:
    """How cards name a model: the id on the hub without a revision, or the folder's own name without its path."""
    folder = _folder(model)
    return folder.resolve().name if folder else model.partition("@")[0]


def find_files(model: str, kind: str) -> ModelFiles:
    """The files of a model; those of the hub are downloaded into its cache when they are not there.

    Args:
        model: a folder, ``ORG/NAME``, or ``ORG/NAME@REVISION`` (branch, commit or ``refs/pr/N``).
        kind: of encoder that takes such a model, e.g. ``clip``; for messages.

    Raises:
        InputError: there is no such model, the hub cannot be reached, or it has no safetensors.
    """
    folder, encoder = _folder(model), f"{kind}:{public_name(model)}"
    if folder:
        if not any(folder.rglob(WEIGHTS)):
            raise _unreadable(folder, encoder)
        content = {path.relative_to(folder).as_posix(): sha256_file(path) for path in _content(folder)}
        return ModelFiles(folder, sha256_text(canonical_json(content)))
    name, _, revision = model.partition("@")
    pinned = f"{name} --revision {revision}" if revision else name
    mend = f"hf download {pinned} (where the hub can be reached), or --encoder {kind}:FOLDER"
    found = download(name, revision or None, encoder, mend)
    if not revision and not any(found.rglob(WEIGHTS)):
        converted = _converted(name, found)
        if converted:
            say(f"{name} holds no safetensors; taking those that the hub's bot made of it ({converted})")
            found = download(name, converted, encoder, mend)
    if not any(found.rglob(WEIGHTS)):
        raise _unreadable(found, encoder)
    return ModelFiles(found, found.name)


def download(name: str, revision: str | None, encoder: str, mend: str) -> Path:
    """Folder of a model in the hub's cache, named by its commit; asks the hub whether it is complete and current.

    Args:
        name: ``ORG/NAME``.
        revision: branch, commit or reference; None: the main branch.
        encoder, mend: for the message when it cannot be had.

    Raises:
        InputError: there is no such model, or the hub is needed and cannot be reached.
    """
    import huggingface_hub
    from huggingface_hub.utils.tqdm import disable_progress_bars

    if not sys.stderr.isatty():
        disable_progress_bars()
    ignored = [f"{folder}/*" for folder in _OTHER_RUNTIMES]
    try:
        return Path(
            huggingface_hub.snapshot_download(
                name, revision=revision, allow_patterns=list(_CONTENT), ignore_patterns=ignored
            )
        )
    except (OSError, ValueError) as error:
        why = textwrap.shorten(f"the hub says: {error}", 200, placeholder=" ...")
        raise InputError(f"the encoder {encoder} has no weights here", why=why, mend=mend) from error


def require_safetensors(folder: Path, encoder: str) -> None:
    """Make sure that the weights in ``folder`` can be read without unpickling anything.

    Raises:
        InputError: they cannot.
    """
    if not any(folder.glob(WEIGHTS)):
        raise _unreadable(folder, encoder)


def require_tokenizer(folder: Path, encoder: str) -> None:
    """Make sure that a tokenizer was saved in ``folder``; in its place the library would make an empty one.

    Raises:
        InputError: none was.
    """
    if not any(path for pattern in _TOKENIZERS for path in folder.glob(pattern)):
        why, mend = f"it has no {', no '.join(_TOKENIZERS)}", f"tokenizer.save_pretrained({str(folder)!r})"
        raise InputError(f"the model of {encoder} in {folder} has no tokenizer", why=why, mend=mend)


def _unreadable(folder: Path, encoder: str) -> InputError:
    pickles = sorted(path.name for pattern in _PICKLES for path in folder.rglob(pattern))
    why = f"{', '.join(pickles)} may run code when it is read, and is not" if pickles else f"it has no {WEIGHTS}"
    mend = "model.save_pretrained(FOLDER) where you trust it, or name a revision with safetensors: MODEL@refs/pr/N"
    return InputError(f"the model of {encoder} in {folder} has no weights that can be read", why=why, mend=mend)


def _folder(model: str) -> Path | None:
    path = Path(model).expanduser()
    return path if path.is_dir() else None


def _content(folder: Path) -> Iterator[Path]:
    for path in sorted({path for pattern in _CONTENT for path in folder.rglob(pattern)}):
        parts = path.relative_to(folder).parts
        if path.is_file() and parts[0] not in _OTHER_RUNTIMES and not any(part.startswith(".") for part in parts):
            yield path


def _converted(name: str, snapshot: Path) -> str | None:
    """The revision with safetensors that the hub's bot offers the owners of a repository; one fetched before first."""
    cache = snapshot.parents[1]
    for reference in sorted((cache / "refs" / "refs" / "pr").glob("*")):
        commit = reference.read_text(encoding="utf-8").strip()
        if any((cache / "snapshots" / commit).glob(WEIGHTS)):
            return f"refs/pr/{reference.name}"
    from huggingface_hub import get_repo_discussions

    try:
        offers = get_repo_discussions(name, author=_CONVERTER, discussion_type="pull_request", discussion_status="open")
        return next((str(offer.git_reference) for offer in offers if "safetensors" in offer.title.lower()), None)
    except Exception:  # whatever its HTTP library raises: without the offer there are no weights, which is said then
        return None
