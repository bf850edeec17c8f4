"""Every layout gives back what it was given, and what does not fit the data set is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.curation import Curator, Selection, copy_for_curation, reject
from zsl_skeleton.semantics.exchange import LAYOUTS
from zsl_skeleton.semantics.exchange.texts import TextImport, export_bank, find_layout, import_bank
from zsl_skeleton.semantics.generate import GenerateConfig, generate

TABLE = "class,name,slot,text\n0,right hand greeting,motion,An arm rises.\n1,knee bend,motion,The hips sink.\n"
PATHS = {"csv": "t.csv", "json": "t.json", "smie": "t.txt", "msf": "msf", "neuron": "neuron"}


@pytest.fixture
def made(store: Store, pair: Dataset, semantics: Path) -> Artifact:
    return generate(store, pair, GenerateConfig(semantics=semantics))


@pytest.fixture
def bank(made: Artifact) -> SemanticBank:
    return SemanticBank.open(made)


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_round_trip(store: Store, pair: Dataset, bank: SemanticBank, tmp_path: Path, layout: str) -> None:
    path = tmp_path / PATHS[layout]
    files = export_bank(bank, path, layout)
    assert find_layout(path) == layout
    imported = SemanticBank.open(import_bank(store, pair, path))
    kept = {"smie": ["action"], "msf": ["label", "action", "motion"]}
    expected = kept.get(layout) or [slot for slot in bank.slots if layout != "neuron" or slot[:2] in ("sp", "te")]
    assert sorted(imported.slots) == sorted(expected)
    assert all(imported.texts(slot) == bank.texts(slot) for slot in expected)
    # Written once more, it is the same to the last byte.
    again = export_bank(imported, tmp_path / "again" / PATHS[layout], layout)
    if layout not in ("csv", "json"):  # whose rows follow the order of the bank's families
        assert [file.read_bytes() for file in again] == [file.read_bytes() for file in files]


def test_the_layouts_of_others_are_what_they_are(bank: SemanticBank, tmp_path: Path) -> None:
    names = {
        layout: sorted(f.relative_to(tmp_path).as_posix() for f in export_bank(bank, tmp_path / path, layout))
        for layout, path in PATHS.items()
    }
    assert names["msf"] == ["msf/ad_2.csv", "msf/lb_2.csv", "msf/md_2.csv"]
    assert names["neuron"] == [
        *(f"neuron/spatial/spatial_{part}.json" for part in ("cg", "fg", "mg")),
        *(f"neuron/temporal/temporal_{part}.json" for part in ("fp", "sp", "tp")),
    ]
    assert (tmp_path / "msf" / "lb_2.csv").read_text() == "idx,label\n1,right hand greeting\n2,knee bend\n"
    assert (tmp_path / "msf" / "md_2.csv").read_text().startswith("idx,dcp\n1,")
    assert (tmp_path / "t.txt").read_text().split("\n") == [texts[0] for texts in bank.texts("action")] + [""]
    turn = json.loads((tmp_path / "neuron" / "temporal" / "temporal_sp.json").read_text())
    assert turn == dict(zip(bank.class_names, bank.texts("temporal.main"), strict=True))


def test_provenance_names_the_file(store: Store, pair: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(TABLE)
    first = import_bank(store, pair, path)
    (row, _) = SemanticBank.open(first).descriptions
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (row.provenance.backend, row.provenance.state, row.provenance.family) == (
        "import",
        "generated",
        "motion@import",
    )
    assert row.provenance.parameters == {"layout": "csv", "sha256": {"mine.csv": digest}}
    assert import_bank(store, pair, path).path == first.path
    path.write_text(TABLE.replace("sink", "fall"))
    assert import_bank(store, pair, path).path != first.path


def test_other_slots_may_be_chosen(store: Store, pair: Dataset, bank: SemanticBank, tmp_path: Path) -> None:
    export_bank(bank, tmp_path / "t.txt", "smie", ["motion"])
    imported = SemanticBank.open(import_bank(store, pair, tmp_path / "t.txt", TextImport(slots=("Texts=motion",))))
    assert imported.slots == ("motion",) and imported.texts("motion") == bank.texts("motion")
    for wrong in ("ad=posture:1", "xx=motion", "motion", "ad=motion"):
        with pytest.raises(UsageError):
            export_bank(bank, tmp_path / "msf", "msf", [wrong])
    with pytest.raises(UsageError, match="names its slots itself"):
        export_bank(bank, tmp_path / "t.csv", "csv", ["motion"])


def test_exports_that_cannot_be(bank: SemanticBank, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one text per class"):
        export_bank(bank, tmp_path / "t.txt", "smie", ["spatial.fine"])
    with pytest.raises(InputError, match="wants the slot 'posture'"):
        export_bank(bank, tmp_path / "t.txt", "smie", ["posture"])
    with pytest.raises(UsageError, match="unknown layout"):
        export_bank(bank, tmp_path / "t.txt", "star")
    with pytest.raises(UsageError, match="is a folder"):
        export_bank(bank, tmp_path, "csv")


def test_an_export_destroys_nothing(bank: SemanticBank, tmp_path: Path) -> None:
    path = tmp_path / "neuron"
    (last,) = [file for file in export_bank(bank, path, "neuron") if file.name == "temporal_tp.json"]
    last.write_text("my edits")
    (path / "spatial" / "spatial_cg.json").unlink()
    with pytest.raises(InputError, match="exists"):
        export_bank(bank, path, "neuron")
    assert last.read_text() == "my edits" and not (path / "spatial" / "spatial_cg.json").exists()
    export_bank(bank, path, "neuron", overwrite=True)
    assert last.read_text() != "my edits"


@pytest.mark.parametrize("layout", ["csv", "json"])
def test_a_curated_bank_with_gaps_comes_back(
    store: Store, pair: Dataset, made: Artifact, tmp_path: Path, layout: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy_for_curation(store, made)
    reject(folder, Selection("1", "spatial.fine", 3), "wrong side", Curator("Ada"))
    bank = SemanticBank.open(folder)
    export_bank(bank, tmp_path / PATHS[layout], layout)
    imported = SemanticBank.open(import_bank(store, pair, tmp_path / PATHS[layout]))
    assert all(imported.texts(slot) == bank.texts(slot) for slot in bank.slots)
    assert len(imported.texts("spatial.fine")[1]) == 9
    assert "spatial.fine: classes have 9 to 10 texts" in capsys.readouterr().err


def _neuron(**content: Any) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / "spatial_cg.json"
        path.write_text(json.dumps(content or {"Knee-bend": ["B."], "right hand  greeting": ["A."]}))
        return path

    return write


def test_names_bind_rows_in_any_order(
    store: Store, pair: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported = SemanticBank.open(import_bank(store, pair, _neuron()(tmp_path)))
    assert imported.texts("spatial.coarse") == [["A."], ["B."]]
    assert "2 rows stand in another order" in capsys.readouterr().err


def test_other_names_need_trust_in_the_order(store: Store, pair: Dataset, tmp_path: Path) -> None:
    path = _neuron(greeting=["A."], **{"knee bend": ["B."]})(tmp_path)
    with pytest.raises(InputError, match="names 1 classes differently") as caught:
        import_bank(store, pair, path)
    assert (
        "row 0: 'greeting' against 'right hand greeting'" in caught.value.why and "--trust-order" in caught.value.mend
    )
    artifact = import_bank(store, pair, path, TextImport(trust_order=True))
    assert SemanticBank.open(artifact).texts("spatial.coarse") == [["A."], ["B."]]
    assert "bound by order" in artifact.card.summary["remarks"][0]


def test_trust_does_not_reach_against_the_names(store: Store, pair: Dataset, tmp_path: Path) -> None:
    path = _neuron(**{"knee bend": ["B."], "greeting": ["A."]})(tmp_path)
    with pytest.raises(InputError, match="differently") as caught:
        import_bank(store, pair, path, TextImport(trust_order=True))
    assert "'knee bend' is class 1" in caught.value.why and "trust" not in caught.value.mend


def test_a_layout_may_be_named_and_a_missing_file_is_told(store: Store, pair: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist") as caught:
        import_bank(store, pair, tmp_path / "none.csv", TextImport(layout="smie"))
    assert "zsl-semantics export --dataset pair" in caught.value.mend
    (tmp_path / "lines.dat").write_text("\ufeffA.\nB  b.\n")
    artifact = import_bank(store, pair, tmp_path / "lines.dat", TextImport(layout="SMIE", name="theirs"))
    assert artifact.card.name == "theirs"
    assert SemanticBank.open(artifact).texts("action") == [["A."], ["B b."]]
