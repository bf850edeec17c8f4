"""Where a Hugging Face model comes from: found, named by its content, loaded."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zsl_skeleton.errors import InputError
from zsl_skeleton.files import canonical_json, sha256_file, sha256_text

if TYPE_CHECKING:
    import torch

_NEEDED = ("config.json", "tokenizer.json", "*.safetensors")
_BUSY = (408, 429, 500, 502, 503, 504)  # the answers that the hub's client would wait for in vain
_CONTENT = ("*.json", "*.jinja", "*.safetensors")


@dataclass(frozen=True)
class ModelSource:
    """Where a model lies and which one it is.

    Args:
        name: id on the hub, or name of its folder.
        place: what ``from_pretrained`` is given.
        revision: commit on the hub, or a hash of the folder's content.
        commit: the commit to load; None for a folder.
    """

    name: str
    place: str
    revision: str
    commit: str | None = None


def find_model(model: str) -> ModelSource:
    """Find a model by the path of its folder or its id on the hub; of the latter only the configuration is fetched.

    Raises:
        InputError: there is none, or the folder lacks files.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        missing = [pattern for pattern in _NEEDED if not any(folder.glob(pattern))]
        if missing:
            raise InputError(
                f"the folder {folder} is not a model that can be loaded",
                why=f"it has no {', no '.join(missing)} (weights in other formats are pickles and are not read)",
                mend="model.save_pretrained(FOLDER) and tokenizer.save_pretrained(FOLDER) write what is needed",
            )
        files = sorted({path for pattern in _CONTENT for path in folder.glob(pattern)})
        content = canonical_json({path.name: sha256_file(path) for path in files})
        return ModelSource(folder.resolve().name, str(folder), sha256_text(content))
    from huggingface_hub import hf_hub_download

    silence = _hub_silence(model)
    try:
        commit = Path(hf_hub_download(model, "config.json", local_files_only=bool(silence))).parent.name
    except (OSError, ValueError) as error:
        lines = [silence] if silence else str(error).strip().splitlines()
        raise InputError(
            f"there is no model {model!r}: neither a folder of this name, nor found on the hub or in its cache",
            why=lines[0] if lines else type(error).__name__,
            mend=f"hf download {model}, or name a folder with --model",
        ) from error
    return ModelSource(model, model, commit, commit)


def _hub_silence(model: str) -> str:
    """Why the hub cannot be asked about a model; empty where it answers, be it that there is none.

    One question, asked once: ``hf_hub_download`` would repeat its own for half a minute, with a warning for each.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    try:
        get_hf_file_metadata(hf_hub_url(model, "config.json"))
    except HfHubHTTPError as error:
        busy = error.response is not None and error.response.status_code in _BUSY
        return f"the hub says: {error.response.status_code}" if busy else ""
    except Exception as error:  # whatever its HTTP library raises, which differs from version to version
        return f"the hub cannot be reached: {str(error) or type(error).__name__}".splitlines()[0]
    return ""


def load_model(source: ModelSource, device: torch.device, precision: str) -> tuple[Any, Any]:
    """Tokenizer and model, ready to answer. Only safetensors are read, and no code that comes with a model is run.

    Raises:
        InputError: it cannot be loaded.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    if not sys.stderr.isatty():
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    options = {"revision": source.commit or "main", "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(source.place, **options)
        model: Any = AutoModelForCausalLM.from_pretrained(
            source.place, use_safetensors=True, dtype=getattr(torch, precision), **options
        )
        return tokenizer, model.to(device).eval()
    except (OSError, ValueError, ImportError, RuntimeError, SafetensorError) as error:
        lines = str(error).strip().splitlines()
        raise InputError(
            f"the model {source.name} cannot be loaded on {device}",
            why=lines[0] if lines else type(error).__name__,
            mend=f"hf download {source.place}" if source.commit else "name another model, or save this one anew",
        ) from error
