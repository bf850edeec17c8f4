"""Any OpenAI-compatible server: hosted, vLLM, Ollama, llama.cpp, ``transformers serve``."""

from __future__ import annotations

import os
from typing import Self

from zsl_skeleton.cache import open_text_cache
from zsl_skeleton.errors import BackendError, UsageError
from zsl_skeleton.semantics.backends.base import Setting
from zsl_skeleton.semantics.backends.connection import HOSTED, server_address
from zsl_skeleton.semantics.backends.faults import KEY
from zsl_skeleton.semantics.backends.language_model import LanguageModel
from zsl_skeleton.semantics.backends.openai_chat import OpenAIChat
from zsl_skeleton.semantics.typed import typed_command


class OpenAIBackend(LanguageModel):
    """A model behind an OpenAI-compatible server; the key comes from ``OPENAI_API_KEY`` and from nowhere else."""

    @classmethod
    def open(cls, setting: Setting) -> Self:
        """Get ready; nothing is sent yet.

        Raises:
            UsageError: no model is named, or the address of the server is not one.
            BackendError: a key is needed and there is none, or it cannot be a key.
            InputError: the response cache or the price table cannot be used.
        """
        options = setting.options
        if not options.model:
            raise UsageError(
                "the openai backend needs the name of a model",
                mend=typed_command(
                    f"zsl-semantics generate --dataset {setting.dataset.name} --backend openai --model NAME",
                    more="--model NAME",
                ),
            )
        key = os.environ.get(KEY, "").strip() or None
        if setting.asks and key is None and server_address(options) == HOSTED:
            raise BackendError(
                f"{KEY} is not set",
                why=f"{HOSTED} answers nobody without a key",
                mend=f"export {KEY}=..., or name a server that needs none: --base-url http://localhost:8000/v1",
            )
        cache = None if setting.cache is None else open_text_cache(setting.cache, "response cache")
        return cls(OpenAIChat(options.model, options, key), cache, options)
