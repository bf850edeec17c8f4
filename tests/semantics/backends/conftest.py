"""A server that is told what to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scripted_server import ScriptedServer
from zsl_skeleton.semantics.backends import openai_chat

from .asking import well


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """A server without faults until a test says otherwise; nothing is known of it."""
    monkeypatch.setattr(openai_chat, "_DIALECTS", {})
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with ScriptedServer(well) as running:
        yield running
