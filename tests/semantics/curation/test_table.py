"""The round trip through a spreadsheet: changed cells are applied, wrong rows are refused with their lines."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from zsl_skeleton.errors import InputError
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.curation import Curator, apply_table
from zsl_skeleton.semantics.exchange.texts import export_bank

Table = list[dict[str, str]]
NEW = "The hips sink between both feet and come up again, with the trunk upright all along."


@pytest.fixture
def path(folder: Path, tmp_path: Path) -> Path:
    """The exported table."""
    (written,) = export_bank(SemanticBank.open(folder), tmp_path / "texts.csv", "csv")
    return written


def _read(path: Path) -> Table:
    return list(csv.DictReader(path.read_text().splitlines()))


def _write(path: Path, rows: Table, delimiter: str = ",", mark: str = "") -> None:
    with path.open("w", newline="") as stream:
        stream.write(mark)
        writer = csv.DictWriter(stream, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def _find(rows: Table, slot: str, index: int = 0) -> dict[str, str]:
    return next(row for row in rows if (row["class"], row["slot"], row["index"]) == ("1", slot, str(index)))


def test_an_unchanged_table_changes_nothing(folder: Path, path: Path, ada: Curator) -> None:
    before = {file: file.read_bytes() for file in folder.iterdir()}
    assert apply_table(folder, path, ada).rows == ()
    assert {file: file.read_bytes() for file in folder.iterdir()} == before


@pytest.mark.parametrize(("delimiter", "mark"), [(",", ""), (";", "\ufeff")])
def test_changed_cells_are_applied_and_no_others(
    folder: Path, path: Path, ada: Curator, delimiter: str, mark: str
) -> None:
    before = {row.place: row for row in SemanticBank.open(folder).descriptions}
    rows = _read(path)
    _find(rows, "motion")["text"] = NEW
    _find(rows, "spatial.fine", 3)["state"] = "approved"
    _find(rows, "spatial.fine", 4).update(state="rejected", reason="wrong side")
    _find(rows, "spatial.coarse", 1).update(state="approved", text="The hips sink slowly and rise.")
    del rows[0]  # a row that is left out stays as it is
    _write(path, rows[::-1], delimiter, mark)
    apply_table(folder, path, ada)
    after = {row.place: row for row in SemanticBank.open(folder).descriptions}
    changed = {place: (row.text, row.provenance.state) for place, row in after.items() if row != before[place]}
    assert changed == {
        (1, "motion", 0): (NEW, "edited"),
        (1, "spatial.fine", 3): (before[1, "spatial.fine", 3].text, "approved"),
        (1, "spatial.fine", 4): (before[1, "spatial.fine", 4].text, "rejected"),
        (1, "spatial.coarse", 1): ("The hips sink slowly and rise.", "approved"),
    }
    history = after[1, "spatial.coarse", 1].provenance.history
    assert [(e.what, e.reason) for e in history] == [("import", "from texts.csv"), ("approve", "")]
    # The second time there is nothing left to do.
    assert apply_table(folder, path, ada).rows == ()


def _other_name(rows: Table) -> None:
    rows[3]["name"] = "elbow bend"


def _other_class(rows: Table) -> None:
    rows[3]["class"] = "9"


def _no_number(rows: Table) -> None:
    rows[3]["index"] = "first"


def _no_such_text(rows: Table) -> None:
    rows[3]["slot"] = "posture"


def _twice(rows: Table) -> None:
    rows[3] = dict(rows[0])


def _strange_state(rows: Table) -> None:
    rows[3]["state"] = "perfect"


def _no_reason(rows: Table) -> None:
    rows[3]["state"] = "rejected"


def _two_lines(rows: Table) -> None:
    rows[3]["text"] = "The head turns\nto the left."


def _empty(rows: Table) -> None:
    rows[3]["text"] = ""


@pytest.mark.parametrize(
    "spoil",
    [_other_name, _other_class, _no_number, _no_such_text, _twice, _strange_state, _no_reason, _two_lines, _empty],
)
def test_wrong_rows_are_refused_with_their_line_and_nothing_is_applied(
    folder: Path, path: Path, ada: Curator, spoil: Callable[[Table], None]
) -> None:
    before = {file: file.read_bytes() for file in folder.iterdir()}
    rows = _read(path)
    _find(rows, "motion")["text"] = NEW
    spoil(rows)
    _write(path, rows)
    with pytest.raises(InputError) as caught:
        apply_table(folder, path, ada)
    assert ("line 6" if spoil is _two_lines else "line 5") in caught.value.why
    assert {file: file.read_bytes() for file in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("", "lacks class"),
        ("class,name,slot,text\n", "lacks index"),
        ("class,name,slot,index,text,mood\n", "'mood' is not one"),
        ("class,name,slot,index,text\n1,knee bend,motion,0\n", "line 2 has 4 cells"),
        ('class,name,slot,index,text\n1,knee bend,motion,0,"open\n', "not a row"),
    ],
)
def test_broken_tables(folder: Path, path: Path, ada: Curator, table: str, problem: str) -> None:
    path.write_text(table)
    with pytest.raises(InputError) as caught:
        apply_table(folder, path, ada)
    assert problem in str(caught.value)
