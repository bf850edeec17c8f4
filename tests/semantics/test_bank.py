"""Banks: what is written is what is read, and rows stay bound to their classes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.catalog import Dataset, load_dataset
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.semantics.bank import Description, Provenance, SemanticBank, check_rows, read_lines, write_lines
from zsl_skeleton.semantics.generate import GenerateConfig, generate
from zsl_skeleton.semantics.show import class_texts


@pytest.fixture
def bank(store: Store, pair: Dataset, semantics: Path) -> SemanticBank:
    return SemanticBank.open(generate(store, pair, GenerateConfig(semantics=semantics)))


def test_lines_are_compact_and_come_back_whole(tmp_path: Path) -> None:
    common = Provenance(family="motion@v1", template="ab", backend="compose")
    plain = Description(
        dataset="pair", class_index=0, class_name="a", slot="motion", index=0, text="A.", provenance=common
    )
    edited = plain.model_copy(
        update={"index": 1, "provenance": common.model_copy(update={"state": "edited", "parent": "motion"})}
    )
    write_lines(tmp_path / "motion.jsonl", [plain, edited])
    first, second = (tmp_path / "motion.jsonl").read_text().splitlines()
    assert json.loads(first) == {"class": 0, "name": "a", "slot": "motion", "index": 0, "text": "A."}
    assert {"parent", "state"} < set(json.loads(second))
    assert read_lines(tmp_path / "motion.jsonl", "pair", common) == [plain, edited]


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"class": 0}', '{"class":0,"name":"a","slot":"s","index":0,"text":"","x":1}']
)
def test_broken_line_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "motion.jsonl").write_text(line + "\n")
    with pytest.raises(InputError, match=r"motion\.jsonl, line 1"):
        read_lines(tmp_path / "motion.jsonl", "pair", Provenance(family="f", template="t", backend="b"))


def _rename(rows: list[dict[str, Any]]) -> None:
    rows[0]["name"] = "something else"


def _swap(rows: list[dict[str, Any]]) -> None:
    rows[0]["class"], rows[1]["class"] = 1, 0


def _unknown(rows: list[dict[str, Any]]) -> None:
    rows[0]["class"] = 7


def _gap(rows: list[dict[str, Any]]) -> None:
    del rows[1]


def _twice(rows: list[dict[str, Any]]) -> None:
    rows.append(rows[0])


def _stranger(rows: list[dict[str, Any]]) -> None:
    rows[0]["slot"] = "posture"


@pytest.mark.parametrize("spoil", [_rename, _swap, _unknown, _gap, _twice, _stranger])
def test_rows_are_bound_to_class_ids_and_names(
    store: Store, pair: Dataset, semantics: Path, spoil: Callable[[list[dict[str, Any]]], None]
) -> None:
    artifact = generate(store, pair, GenerateConfig(semantics=semantics, families=("motion",)))
    path = artifact.path / "motion.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    spoil(rows)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError):
        SemanticBank.open(Artifact(artifact.path, artifact.card))


def test_texts_by_class_and_unknown_slot(bank: SemanticBank) -> None:
    assert bank.texts("label") == [["right hand greeting"], ["knee bend"]]
    assert [len(texts) for texts in bank.texts("spatial.fine")] == [10, 10]
    with pytest.raises(UsageError, match=r"Did you mean 'spatial\.fine'"):
        bank.texts("spatial.fin")


def test_provenance_names_prompt_and_parent(bank: SemanticBank) -> None:
    fine = next(row for row in bank.descriptions if row.slot == "spatial.fine")
    assert fine.provenance.family == "spatial@v1"
    assert fine.provenance.parent == "spatial.medium"
    assert fine.provenance.backend == "compose" and len(fine.provenance.template) == 64
    assert fine.provenance.request and fine.provenance.state == "generated"


def test_bank_of_other_classes_is_refused(bank: SemanticBank, pair: Dataset) -> None:
    bank.check_dataset(pair)
    with pytest.raises(InputError, match="does not fit the data set 'utd-mhad'"):
        bank.check_dataset(load_dataset("utd-mhad"))


def test_other_artifacts_are_not_banks(store: Store) -> None:
    other = store.make(Recipe(stage="runs", name="x", what="x", config={}), lambda folder: {})
    with pytest.raises(InputError, match="not a bank"):
        SemanticBank.open(other)
    with pytest.raises(InputError, match="not a finished artifact"):
        SemanticBank.open(store.root)


def test_check_rows_reports_the_class_without_texts() -> None:
    common = Provenance(family="f", template="t", backend="b")
    row = Description(dataset="d", class_index=0, class_name="a", slot="s", index=0, text="A.", provenance=common)
    with pytest.raises(InputError, match="slot 's' in here is not complete") as caught:
        check_rows([row], ["a", "b"], "here")
    assert "class 1 (b)" in caught.value.why


def test_show_a_class_by_name_or_index(bank: SemanticBank) -> None:
    by_name = class_texts(bank, "Knee-Bend", ["spatial", "label"])
    assert list(by_name) == ["spatial.coarse", "spatial.medium", "spatial.fine", "label"]
    assert by_name == class_texts(bank, "1", ["spatial", "label"])
    assert set(class_texts(bank, "1")) == set(bank.slots)
    for wrong in ("7", "knee bent over"):
        with pytest.raises(UsageError):
            class_texts(bank, wrong)
    with pytest.raises(UsageError, match="Did you mean 'temporal'"):
        class_texts(bank, "1", ["temporl"])
