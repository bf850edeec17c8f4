"""Who answers a prompt: one line per backend in a literal table."""

from __future__ import annotations

from zsl_skeleton.semantics.backends.base import Answer, Backend, Message, Request, Setting, UnusableAnswerError

BACKENDS: dict[str, str] = {
    "compose": "zsl_skeleton.semantics.backends.compose:ComposeBackend",
}

__all__ = ["BACKENDS", "Answer", "Backend", "Message", "Request", "Setting", "UnusableAnswerError"]
