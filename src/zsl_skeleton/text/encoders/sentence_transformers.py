"""``sentence-transformers:MODEL``: any model of that library whose first module is a transformer.

Its pooling, its longest text, its further layers and its default prompt (the words it wants before every text) are the
model's own. Code that comes with a model is not run.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zsl_skeleton.errors import InputError
from zsl_skeleton.files import read_json
from zsl_skeleton.text.encoders.model_files import (
    ModelFiles,
    find_files,
    public_name,
    require_safetensors,
    require_tokenizer,
)
from zsl_skeleton.text.encoders.neural import NeuralEncoder, Tower, quiet_and_offline

if TYPE_CHECKING:
    import torch

_LIBRARY = "sentence_transformers."
_UNLIMITED = 1_000_000  # tokens; tokenizers without a limit state an absurd one


class SentenceTransformers(NeuralEncoder):
    """A model of the library sentence-transformers.

    Args:
        model: a folder that it saved, ``ORG/NAME`` on the hub (``NAME`` alone: ``sentence-transformers/NAME``), or
            ``ORG/NAME@REVISION``.
        device, dtype: as of ``NeuralEncoder``.
    """

    def __init__(self, model: str, device: str = "auto", dtype: str = "float32") -> None:
        super().__init__(device, dtype)
        named = Path(model).expanduser().is_dir() or "/" in model.partition("@")[0]
        self._model = model if named else f"sentence-transformers/{model}"

    @property
    def name(self) -> str:
        """``sentence-transformers:`` and the model's id or folder name."""
        return f"sentence-transformers:{public_name(self._model)}"

    @property
    def weights(self) -> str:
        """Commit on the hub, or SHA-256 over the folder's configuration and weights."""
        return self._files.revision

    @functools.cached_property
    def pooling(self) -> str:
        """Of the model's own pooling layer, e.g. ``mean``; several are joined by ``+``."""
        return _pooling(self._files.folder, self.name)

    @functools.cached_property
    def _files(self) -> ModelFiles:
        return find_files(self._model, "sentence-transformers")

    def _load(self, device: torch.device) -> Tower:
        return load_tower(self._files.folder, device, self.name)


def load_tower(folder: Path, device: torch.device, encoder: str) -> Tower:
    """Load a model that sentence-transformers saved, in float32.

    Raises:
        InputError: it is no such model, or one that cannot be read.
    """
    _check(folder, encoder)
    with quiet_and_offline():
        from safetensors import SafetensorError
        from sentence_transformers import SentenceTransformer

        options: dict[str, Any] = {
            "local_files_only": True,
            "trust_remote_code": False,
            "model_kwargs": {"use_safetensors": True},
        }
        try:
            model: Any = SentenceTransformer(str(folder), device="cpu", **options)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError) as error:
            lines = str(error).strip().splitlines()
            why = lines[0] if lines else type(error).__name__
            raise InputError(f"the model of {encoder} in {folder} cannot be loaded", why=why, mend=_MEND) from error
    if "message" in getattr(model[0], "modality_config", ()):
        raise _unusable(folder, encoder, "it reads chat messages, not texts")
    # Some models are stored in half precision, and some versions of the library would compute in it.
    model = model.float().to(device).eval()
    limit = model.max_seq_length
    prompt = (model.prompts or {}).get(model.default_prompt_name) or ""
    limit = None if limit is None or limit > _UNLIMITED else int(limit)
    return Tower(model.tokenizer, lambda tokens: model(tokens)["sentence_embedding"], limit, prompt)


_MEND = "download or save the model anew; it must load with SentenceTransformer(FOLDER)"


def _check(folder: Path, encoder: str) -> None:
    modules = _modules(folder, encoder)
    foreign = next((kind for kind, _ in modules if not kind.startswith(_LIBRARY)), None)
    if foreign:
        raise _unusable(folder, encoder, f"its module {foreign} is code of its own, which is not run")
    if not modules[0][0].endswith(".Transformer"):
        raise _unusable(folder, encoder, f"its first module is {modules[0][0]}, not a Transformer")
    if (modules[0][1] / "adapter_config.json").is_file():
        raise _unusable(folder, encoder, "it is an adapter to another model")
    require_safetensors(modules[0][1], encoder)
    require_tokenizer(modules[0][1], encoder)
    for _, place in modules[1:]:
        if any(place.glob("*.bin")):
            require_safetensors(place, encoder)


def _modules(folder: Path, encoder: str) -> list[tuple[str, Path]]:
    """Class and folder of every module, in order."""
    if not (folder / "modules.json").is_file():
        raise _unusable(folder, encoder, "it has no modules.json, which every model of sentence-transformers has")
    try:
        found = [(str(module["type"]), folder / module["path"]) for module in read_json(folder / "modules.json")]
    except (KeyError, TypeError) as error:
        raise _unusable(folder, encoder, f"its modules.json is not valid ({error})") from error
    if not found:
        raise _unusable(folder, encoder, "its modules.json is empty")
    return found


def _pooling(folder: Path, encoder: str) -> str:
    for kind, place in _modules(folder, encoder):
        if kind.endswith(".Pooling"):
            config = read_json(place / "config.json")
            mode = config.get("pooling_mode")
            if mode is None:  # written before version 6 of the library
                mode = [key.removeprefix("pooling_mode_") for key, on in config.items() if on is True]
            modes = [mode] if isinstance(mode, str) else mode
            return "+".join(str(name).removesuffix("_tokens").removesuffix("_token") for name in modes)
    return "none"


def _unusable(folder: Path, encoder: str, why: str) -> InputError:
    mend = "name a model of sentence-transformers, or write clip:MODEL for the text tower of a CLIP model"
    return InputError(f"{folder} is not a model that {encoder} can use", why=why, mend=mend)
