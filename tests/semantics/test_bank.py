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
from zsl_skeleton.semantics.bank import (
    Description,
    Edit,
    Provenance,
    SemanticBank,
    check_rows,
    open_bank_artifact,
    read_lines,
    write_lines,
)
from zsl_skeleton.semantics.curation import Curator, Selection, approve, copy_for_curation, edit, reject
from zsl_skeleton.semantics.generate import GenerateConfig, generate
from zsl_skeleton.semantics.show import class_texts
from zsl_skeleton.text.class_embeddings import ClassEmbeddings
from zsl_skeleton.text.encode import encode


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


COMMON = Provenance(family="motion@v2", template="ab", backend="openai", model="big", parameters={"temperature": 1.0})


def _row(index: int, text: str = "A.", **provenance: Any) -> Description:
    told = COMMON.model_copy(update=provenance)
    return Description(
        dataset="pair", class_index=0, class_name="a", slot="motion", index=index, text=text, provenance=told
    )


def test_a_row_says_what_differs_from_the_card_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "motion.jsonl"
    history = (
        Edit(at="2026-01-02T03:04:05+00:00", by="Ada", what="edit", old="B."),
        Edit(at="x", by="B", what="approve"),
    )
    rows = [
        _row(0),
        _row(1, model=None, parameters={}),  # a null is a difference, too
        _row(2, family="motion@v1", template="cd", backend="compose"),
        _row(3, state="approved", history=history),
        _row(4, text="One line\u2028for JSON, two for splitlines."),
    ]
    write_lines(path, rows, COMMON)
    assert read_lines(path, "pair", COMMON) == rows
    stored = [
        set(json.loads(line)) - {"class", "name", "slot", "index", "text"} for line in path.read_text().split("\n")[:-1]
    ]
    assert stored == [set(), {"model", "parameters"}, {"family", "template", "backend"}, {"state", "history"}, set()]


def test_rows_by_different_writers_are_not_stored_without_the_card(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="backend"):
        write_lines(tmp_path / "motion.jsonl", [_row(0), _row(1, backend="compose")])
    assert not (tmp_path / "motion.jsonl").exists()


@pytest.mark.parametrize("state", ["rejected", "failed"])
def test_a_generated_bank_may_not_lack_a_text(state: str) -> None:
    rows = [_row(0, state=state), _row(1)]
    with pytest.raises(InputError, match="not complete"):
        check_rows(rows, ["a"], "here")
    check_rows(rows, ["a"], "here", ragged=True)
    bank = SemanticBank("pair", ("a",), tuple(rows), "id")
    assert bank.texts("motion") == [["A."]]


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


def test_a_curated_bank_is_encoded_anew_when_its_texts_change(store: Store, pair: Dataset, semantics: Path) -> None:
    folder = copy_for_curation(store, generate(store, pair, GenerateConfig(semantics=semantics)))
    who, fine = Curator("Ada"), Selection("knee bend", "spatial.fine", 3)

    def embed() -> Artifact:
        found = store.get("banks", "pair-curated", mend="")
        assert [artifact.id for artifact in store.all("banks") if artifact.path == folder] == [found.id]
        return encode(store, found, "hashing")

    first = embed()
    approve(folder, fine, who)
    assert embed().path == first.path, "an approval changes no vector"
    edit(folder, fine, "Both legs fold low below the upright trunk, pause for a moment, and straighten again.", who)
    second = embed()
    assert second.path != first.path
    reject(folder, fine, "says nothing new", who)
    third = embed()
    assert third.path not in {first.path, second.path}
    assert ClassEmbeddings.open(second).masks["spatial.fine"].sum(axis=1).tolist() == [10, 10]
    assert ClassEmbeddings.open(third).masks["spatial.fine"].sum(axis=1).tolist() == [10, 9]
    assert len(SemanticBank.open(folder).texts("spatial.fine")[1]) == 9


def test_a_broken_row_of_a_curated_bank_is_named(store: Store, pair: Dataset, semantics: Path) -> None:
    folder = copy_for_curation(store, generate(store, pair, GenerateConfig(semantics=semantics)))
    with (folder / "motion.jsonl").open("a") as stream:
        stream.write("oops\n")
    with pytest.raises(InputError, match=r"motion\.jsonl, line 3"):
        Artifact.open(folder)


def test_a_bank_is_found_by_path_name_and_among_the_committed_ones(
    store: Store, pair: Dataset, semantics: Path
) -> None:
    made = generate(store, pair, GenerateConfig(semantics=semantics))
    curated = copy_for_curation(store, made, "by-hand")
    committed = semantics / "pair" / "banks" / "reviewed"
    committed.parent.mkdir(parents=True)
    curated.rename(committed)
    for reference, path in {
        str(made.path): made.path,
        made.path.name: made.path,
        "pair-compose": made.path,
        "reviewed": committed,
    }.items():
        found = open_bank_artifact(store, pair, reference, semantics)
        assert found.path == path
        assert SemanticBank.open(found).class_names == pair.class_names
    with pytest.raises(InputError, match="no bank 'by-hand'") as caught:
        open_bank_artifact(store, pair, "by-hand", semantics)
    assert made.path.name in caught.value.why and "reviewed" in caught.value.why
