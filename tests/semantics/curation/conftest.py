"""A bank with families of one, six and thirty texts per class, and its curated copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.semantics.curation import Curator, copy_for_curation
from zsl_skeleton.semantics.generate import GenerateConfig, generate

FAMILIES = ("label", "motion", "body-parts", "spatial")


@pytest.fixture
def made(store: Store, pair: Dataset, semantics: Path) -> Artifact:
    """The generated bank."""
    return generate(store, pair, GenerateConfig(semantics=semantics, families=FAMILIES))


@pytest.fixture
def folder(store: Store, made: Artifact) -> Path:
    """The folder of its curated copy."""
    return copy_for_curation(store, made)


@pytest.fixture
def ada() -> Curator:
    """Who is at work."""
    return Curator("Ada")
