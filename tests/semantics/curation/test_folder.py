"""Generated banks never change; their curated copies stay what they are between two commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.curation import Curator, Selection, copy_for_curation, edit
from zsl_skeleton.semantics.generate import GenerateConfig, generate


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_copy_is_changed_and_the_source_is_not(made: Artifact, folder: Path, ada: Curator) -> None:
    before = _files(made.path)
    assert SemanticBank.open(folder).descriptions == SemanticBank.open(made).descriptions
    edit(folder, Selection("0", "label"), "raised hand", ada)
    assert _files(made.path) == before
    assert SemanticBank.open(folder).texts("label") == [["raised hand"], ["knee bend"]]


def test_a_generated_bank_cannot_be_edited(made: Artifact, ada: Curator) -> None:
    with pytest.raises(InputError, match="not a curated one"):
        edit(made.path, Selection("0", "label"), "raised hand", ada)


def test_a_copy_is_used_again_with_its_edits(store: Store, made: Artifact, folder: Path, ada: Curator) -> None:
    edit(folder, Selection("0", "label"), "raised hand", ada)
    before = _files(folder)
    assert copy_for_curation(store, made) == folder
    assert copy_for_curation(store, Artifact.open(folder)) == folder
    assert copy_for_curation(store, Artifact.open(folder), "pair-curated") == folder
    assert _files(folder) == before
    second = copy_for_curation(store, Artifact.open(folder), "second")
    assert SemanticBank.open(second).texts("label")[0] == ["raised hand"]


def test_a_name_that_something_else_has_is_refused(
    store: Store, pair: Dataset, semantics: Path, made: Artifact, folder: Path
) -> None:
    other = generate(store, pair, GenerateConfig(semantics=semantics, families=("label",)))
    for name in (None, made.path.name):
        with pytest.raises(InputError, match="not a curated copy"):
            copy_for_curation(store, other, name)
    for name in ("../outside", "", ".hidden"):
        with pytest.raises(UsageError, match="cannot be the name"):
            copy_for_curation(store, other, name)


def test_a_killed_copy_leaves_no_bank_and_no_obstacle(store: Store, made: Artifact) -> None:
    leftover = store.root / "banks" / ".pair-curated.partial"
    leftover.mkdir()
    (leftover / "label.jsonl").write_text("half")
    folder = copy_for_curation(store, made)
    assert not leftover.exists()
    assert SemanticBank.open(folder).texts("label") == SemanticBank.open(made).texts("label")
