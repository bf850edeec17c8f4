"""Edits, approvals and rejections: checked, remembered, written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.semantics.bank import Description, SemanticBank
from zsl_skeleton.semantics.curation import (
    Curator,
    Selection,
    approve,
    edit,
    kept_rows,
    person_name,
    reject,
    rejected_texts,
)

MOTION = "The person sinks on both legs until the thighs are level and rises to full height again."
KNEES = Selection("knee bend", "motion")


def _rows(folder: Path, slot: str, action: int = 1) -> list[Description]:
    return [r for r in SemanticBank.open(folder).descriptions if (r.slot, r.class_index) == (slot, action)]


def test_the_history_tells_who_did_what_and_the_old_text(folder: Path, ada: Curator) -> None:
    (original,) = _rows(folder, "motion")
    edit(folder, KNEES, f"  {MOTION}\n", Curator("Ada", reason="shorter"))
    approve(folder, KNEES, Curator("Bo"))
    reject(folder, KNEES, "arms are missing", ada)
    (row,) = _rows(folder, "motion")
    assert (row.text, row.provenance.state, row.provenance.reason) == (MOTION, "rejected", "arms are missing")
    told = [(e.by, e.what, e.old, e.reason) for e in row.provenance.history]
    assert told == [
        ("Ada", "edit", original.text, "shorter"),
        ("Bo", "approve", None, ""),
        ("Ada", "reject", None, "arms are missing"),
    ]
    assert abs((datetime.now(UTC) - datetime.fromisoformat(row.provenance.history[0].at)).total_seconds()) < 60
    assert row.provenance.model_copy(update={"state": "generated", "reason": "", "history": ()}) == original.provenance


def test_what_changes_nothing_leaves_the_files_as_they_are(folder: Path, ada: Curator) -> None:
    approve(folder, KNEES, ada)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    (row,) = _rows(folder, "motion")
    assert edit(folder, KNEES, row.text, ada).rows == ()
    assert approve(folder, KNEES, ada).render() == "nothing changed"
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("selection", "text", "problem"),
    [
        (KNEES, " \n ", "the text is empty"),
        (KNEES, MOTION.replace("sinks", "sinks “low”"), "ASCII"),
        (KNEES, MOTION.replace(" on both", "\x07 on both"), "ASCII"),
        (
            KNEES,
            "The person does a deep knee bend below an upright trunk and then rises up once again.",
            "gives the class name",
        ),
        (Selection("1", "spatial.coarse", 0), None, "says what spatial.coarse 1 says"),
    ],
)
def test_refused_texts_change_nothing(
    folder: Path, ada: Curator, selection: Selection, text: str | None, problem: str
) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    # A duplicate is one in other letters, too.
    text = _rows(folder, "spatial.coarse")[1].text.upper() if text is None else text
    with pytest.raises(InputError, match="refused") as caught:
        edit(folder, selection, text, ada)
    assert problem in caught.value.why
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_person_may_insist_on_what_a_family_forbids_but_not_on_what_no_text_may_be(folder: Path) -> None:
    stubborn = Curator("Ada", insist=True)
    outcome = edit(folder, KNEES, "A knee bend.", stubborn)
    assert any("gives the class name" in w for w in outcome.warnings) and any("3 words" in w for w in outcome.warnings)
    with pytest.raises(InputError, match="refused"):
        edit(folder, KNEES, "", stubborn)


def test_length_and_twins_in_other_classes_are_warnings(folder: Path, ada: Curator) -> None:
    well = edit(folder, KNEES, "The hips sink and rise with both feet flat on the floor, slowly.", ada)
    assert well.warnings == ()
    assert "words; the prompt asks for 12 to 55" in edit(folder, KNEES, "The hips sink.", ada).warnings[0]
    twin = edit(folder, KNEES, _rows(folder, "motion", 0)[0].text, ada)
    assert len(twin.rows) == 1
    assert any("says what 0 right hand greeting, motion 0 says" in warning for warning in twin.warnings)


def test_approve_all_leaves_rejected_texts_alone_until_they_are_named(folder: Path, ada: Curator) -> None:
    reject(folder, Selection("1", "spatial.fine", 4), "wrong side", ada)
    approve(folder, Selection("1", "spatial"), ada)
    states = [row.provenance.state for row in _rows(folder, "spatial.fine")]
    assert states == ["approved"] * 4 + ["rejected"] + ["approved"] * 5
    approve(folder, Selection("1", "spatial.fine", 4), ada)
    assert len(SemanticBank.open(folder).texts("spatial.fine")[1]) == 10


def test_a_rejected_text_is_not_revived_beside_its_twin(folder: Path, ada: Curator) -> None:
    text = _rows(folder, "spatial.fine")[4].text
    reject(folder, Selection("1", "spatial.fine", 4), "doubtful", ada)
    edit(folder, Selection("1", "spatial.fine", 5), text, ada)
    with pytest.raises(InputError, match="refused"):
        approve(folder, Selection("1", "spatial.fine", 4), ada)


def test_what_regeneration_is_told(folder: Path, ada: Curator) -> None:
    bank = SemanticBank.open(folder)
    assert kept_rows(bank) == {} and rejected_texts(bank) == {}
    fine = [row.text for row in _rows(folder, "spatial.fine")]
    edit(folder, KNEES, MOTION, ada)
    approve(folder, Selection("0", "label"), ada)
    for index in (7, 2):
        reject(folder, Selection("1", "spatial.fine", index), "no", ada)
    bank = SemanticBank.open(folder)
    kept = {place: row.text for place, row in kept_rows(bank).items()}
    assert kept == {(1, "motion", 0): MOTION, (0, "label", 0): "right hand greeting"}
    assert rejected_texts(bank) == {(1, "spatial.fine"): (fine[2], fine[7])}


@pytest.mark.parametrize(
    "selection",
    [Selection("2", "motion"), Selection("elbow", "motion"), Selection("1", "posture"), Selection("1", "motion", 5)],
)
def test_unknown_selections(folder: Path, ada: Curator, selection: Selection) -> None:
    with pytest.raises(UsageError):
        approve(folder, selection, ada)


def test_one_text_cannot_replace_many_and_a_rejection_needs_a_reason(folder: Path, ada: Curator) -> None:
    with pytest.raises(UsageError, match=r"20 texts are meant by: all classes, spatial\.fine"):
        edit(folder, Selection(None, "spatial.fine"), MOTION, ada)
    with pytest.raises(UsageError, match="reason"):
        reject(folder, KNEES, "  ", ada)


def test_a_kill_leaves_the_old_file(folder: Path, ada: Curator, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (folder / "motion.jsonl").read_bytes()

    def killed(*_: object) -> Iterator[Path]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            edit(folder, KNEES, MOTION, ada)
    assert (folder / "motion.jsonl").read_bytes() == before
    edit(folder, KNEES, MOTION, ada)
    assert _rows(folder, "motion")[0].text == MOTION


def test_two_people_do_not_undo_each_other(folder: Path) -> None:
    def work(index: int) -> None:
        approve(folder, Selection("1", "spatial.fine", index), Curator(f"person {index}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(10)))
    rows = _rows(folder, "spatial.fine")
    assert [row.provenance.history[0].by for row in rows] == [f"person {index}" for index in range(10)]


def test_rows_of_an_unknown_prompt_version_obey_the_basic_rules_only(
    folder: Path, ada: Curator, tmp_path: Path
) -> None:
    (tmp_path / "prompts").mkdir()
    elsewhere = Curator("Ada", prompts=tmp_path / "prompts")
    assert edit(folder, KNEES, "knee bend", elsewhere).warnings == ()
    with pytest.raises(InputError, match="refused"):
        edit(folder, KNEES, "Kniebeuge, schön langsam", elsewhere)


def test_the_name_of_a_person(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert person_name(" Ada ") == "Ada"
    (tmp_path / "gitconfig").write_text("[user]\n\tname = Grace\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.chdir(tmp_path)
    assert person_name() == "Grace"
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LOGNAME", "login")
    assert person_name() == "login"
