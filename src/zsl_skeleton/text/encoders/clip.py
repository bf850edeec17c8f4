"""CLIP's text towers (Radford et al., ICML 2021) through transformers: the projected vector of the end-of-text token.

Texts are encoded as they are, without a template. CLIP reads 77 tokens; what is cut off is reported.
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

_KINDS = ("clip", "clip_text_model")


class Clip(NeuralEncoder):
    """The text tower of a CLIP model.

    Args:
        model: a folder with a CLIP model or its text tower alone, ``ORG/NAME`` on the hub, or ``ORG/NAME@REVISION``.
        device, dtype: as of ``NeuralEncoder``.
        name: how cards name it; default: ``clip:`` and the model's id or folder name.
    """

    pooling = "end-of-text, projected"

    def __init__(self, model: str, device: str = "auto", dtype: str = "float32", name: str | None = None) -> None:
        super().__init__(device, dtype)
        self._model = model
        self._name = name

    @property
    def name(self) -> str:
        """How cards name it."""
        return self._name or f"clip:{public_name(self._model)}"

    @property
    def weights(self) -> str:
        """Commit on the hub, or SHA-256 over the folder's configuration and weights."""
        return self._files.revision

    @functools.cached_property
    def _files(self) -> ModelFiles:
        return find_files(self._model, "clip")

    def _load(self, device: torch.device) -> Tower:
        tokenizer, model = _load_clip(self._files.folder, self.name)
        model = model.float().to(device).eval()

        def embed(tokens: dict[str, torch.Tensor]) -> Any:
            return model(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]).text_embeds

        return Tower(tokenizer, embed, int(model.config.max_position_embeddings))


VIT_B_32 = functools.partial(Clip, "openai/clip-vit-base-patch32", name="clip-vit-b-32")
VIT_B_16 = functools.partial(Clip, "openai/clip-vit-base-patch16", name="clip-vit-b-16")
VIT_L_14_336 = functools.partial(Clip, "openai/clip-vit-large-patch14-336", name="clip-vit-l-14-336")


def _load_clip(folder: Path, encoder: str) -> tuple[Any, Any]:
    kind = read_json(folder / "config.json").get("model_type")
    if kind not in _KINDS:
        why = f"its config.json says it is {kind!r}"
        mend = f"write sentence-transformers:{folder} if it is a sentence encoder"
        raise InputError(f"{folder} is not a CLIP model", why=why, mend=mend)
    require_safetensors(folder, encoder)
    require_tokenizer(folder, encoder)
    with quiet_and_offline():
        from safetensors import SafetensorError
        from transformers import AutoConfig, AutoTokenizer, CLIPTextModelWithProjection

        text_model: Any = CLIPTextModelWithProjection
        local = {"local_files_only": True, "trust_remote_code": False}
        try:
            config = AutoConfig.from_pretrained(folder, **local)
            text = getattr(config, "text_config", config)
            text.projection_dim = config.projection_dim
            tokenizer: Any = AutoTokenizer.from_pretrained(folder, **local)
            model, report = text_model.from_pretrained(
                folder, config=text, use_safetensors=True, local_files_only=True, output_loading_info=True
            )
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError) as error:
            lines = str(error).strip().splitlines()
            raise _broken(folder, encoder, lines[0] if lines else type(error).__name__) from error
    if report["missing_keys"]:
        # They would be filled with random numbers.
        raise _broken(folder, encoder, f"its weights lack {min(report['missing_keys'])}")
    return tokenizer, model


def _broken(folder: Path, encoder: str, why: str) -> InputError:
    mend = "download or save the model anew, with its tokenizer"
    return InputError(f"the model of {encoder} in {folder} cannot be loaded", why=why, mend=mend)
