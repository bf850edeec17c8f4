"""Who answers a prompt: one line per backend in a literal table."""

from __future__ import annotations

from zsl_skeleton.semantics.backends.base import (
    Account,
    Answer,
    Backend,
    Message,
    Request,
    Setting,
    UnusableAnswerError,
    Writer,
)
from zsl_skeleton.semantics.options import Options

BACKENDS: dict[str, str] = {
    "compose": "zsl_skeleton.semantics.backends.compose:ComposeBackend",
    "openai": "zsl_skeleton.semantics.backends.openai:OpenAIBackend",
    "transformers": "zsl_skeleton.semantics.backends.transformers:TransformersBackend",
    "replay": "zsl_skeleton.semantics.backends.replay:ReplayBackend",
    "echo": "zsl_skeleton.semantics.backends.echo:EchoBackend",
}

__all__ = [
    "BACKENDS",
    "Account",
    "Answer",
    "Backend",
    "Message",
    "Options",
    "Request",
    "Setting",
    "UnusableAnswerError",
    "Writer",
]
