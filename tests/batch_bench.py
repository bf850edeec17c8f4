"""The three commands of a batch on a small data set, with a server that a test decides about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from batch_server import BatchApi, Line, output
from three_classes import write_catalog
from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.catalog import load_dataset
from zsl_skeleton.semantics.batch import (
    Collected,
    Submitted,
    collect,
    submit,
)
from zsl_skeleton.semantics.generate import GenerateConfig, generate
from zsl_skeleton.semantics.options import Options


@dataclass
class Bench:
    """The three commands on the data set ``three``, as a user gives them."""

    store: Store
    catalog: Path
    api: BatchApi
    families: tuple[str, ...] = ("motion",)
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> GenerateConfig:
        options = Options(**{"model": "tiny", "base_url": self.api.url, "timeout": 5.0} | self.options)
        return GenerateConfig(families=self.families, backend="openai", options=options)

    def submit(self) -> Submitted:
        return submit(self.store, load_dataset("three", self.catalog), self.config, catalog=self.catalog)

    def collect(self) -> Collected:
        return collect(self.store)

    def round(self, answering: Callable[[Line], Line | bytes | None] = output, status: str = "completed") -> Collected:
        """Hand in, let the server answer, collect."""
        self.submit()
        self.api.finish(answering, status)
        return self.collect()

    def bank(self) -> Artifact:
        return generate(self.store, load_dataset("three", self.catalog), self.config)


@contextmanager
def batch_bench(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A server, an empty store, and a key."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-key")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with BatchApi() as api:
        yield Bench(Store(folder / "artifacts"), write_catalog(folder / "catalog"), api)
