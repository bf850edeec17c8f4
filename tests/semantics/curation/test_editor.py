"""The round trip through an editor: what a person changed is applied, what cannot be is not lost."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.curation import Curator, Selection, apply_file, approve, edit_in_editor

COARSE = Selection("knee bend", "spatial.coarse")
NEW = "Both hips go straight down and up."


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the text files go."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def _editor(tmp_path: Path, body: str) -> str:
    script = tmp_path / "editor of mine.py"
    script.write_text(f"import re, sys\npath = sys.argv[1]\ns = open(path).read()\n{body}\nopen(path, 'w').write(s)\n")
    return f"{shlex.quote(sys.executable)} {shlex.quote(str(script))}"


def _texts(folder: Path) -> list[str]:
    return SemanticBank.open(folder).texts("spatial.coarse")[1]


def _replace_text(number: int, new: str) -> str:
    return f"s = re.sub(r'(?m)(^#: .* spatial.coarse \\| {number}\\n#.*\\n).*\\n', {new!r}.join([r'\\1', '\\n']), s)"


def test_what_was_changed_is_applied(folder: Path, tmp_path: Path, ada: Curator, scratch: Path) -> None:
    before = _texts(folder)
    editor = _editor(tmp_path, _replace_text(2, NEW.replace(" and ", "\n   and ")))
    outcome = edit_in_editor(folder, COARSE, ada, editor)
    assert [(row.index, row.text) for row in outcome.rows] == [(2, NEW)]
    assert _texts(folder) == [NEW if n == 2 else text for n, text in enumerate(before)]
    assert list(scratch.iterdir()) == []


def test_the_file_names_every_text_and_its_limits(folder: Path, tmp_path: Path, ada: Curator) -> None:
    seen = tmp_path / "seen"
    editor = _editor(tmp_path, f"open({str(seen)!r}, 'w').write(s)")
    assert edit_in_editor(folder, COARSE, ada, editor).rows == ()
    headings = re.findall(r"(?m)^#: (\d+) \| (.*) \| (\S+) \| (\d+)\n# (.*)\n(.*)$", seen.read_text())
    assert [heading[:4] for heading in headings] == [("1", "knee bend", "spatial.coarse", str(n)) for n in range(10)]
    assert headings[0][4] == "generated, 5 to 20 words"
    assert [heading[5] for heading in headings] == _texts(folder)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (_replace_text(2, ""), "the text is empty"),
        (_replace_text(2, "Die Hüften gehen gerade hinab."), "ASCII"),
        ("s = s.replace('spatial.coarse | 2', 'spatial.coarse | 77')", "names no text"),
        ("s = s.replace('| knee bend | spatial.coarse | 2', '| elbow | spatial.coarse | 2')", "names no text"),
        ("s = s.replace('spatial.coarse | 2', 'spatial.coarse | 3')", "a second time"),
        ("s = 'Hello.\\n' + s", "belongs to no text"),
        ("s = s + '\\n#: nonsense\\n'", "names no text"),
    ],
)
def test_a_file_that_is_not_understood_is_kept(
    folder: Path, tmp_path: Path, ada: Curator, scratch: Path, body: str, problem: str
) -> None:
    before = _texts(folder)
    with pytest.raises(InputError) as caught:
        edit_in_editor(folder, COARSE, ada, _editor(tmp_path, body))
    (kept,) = scratch.iterdir()
    assert problem in str(caught.value) and str(kept) in caught.value.what and str(kept) in caught.value.mend
    assert _texts(folder) == before
    # The user mends the file and applies it.
    kept.write_text(f"#: 1 | knee bend | spatial.coarse | 2\n{NEW}\n")
    assert [row.text for row in apply_file(folder, kept, ada).rows] == [NEW]


def test_a_text_that_somebody_else_changed_meanwhile_is_not_overwritten(
    folder: Path, tmp_path: Path, ada: Curator, scratch: Path
) -> None:
    meanwhile = (
        "from pathlib import Path\nfrom zsl_skeleton.semantics.curation import *\n"
        f"where = Path({str(folder)!r}), Selection('1', 'spatial.coarse', 2)\n"
        "edit(*where, 'The trunk stays upright all along.', Curator('Bo'))\n"
    )
    with pytest.raises(InputError, match="changed meanwhile"):
        edit_in_editor(folder, COARSE, ada, _editor(tmp_path, meanwhile + _replace_text(2, NEW)))
    assert _texts(folder)[2] == "The trunk stays upright all along."
    assert len(list(scratch.iterdir())) == 1


def test_an_approval_meanwhile_is_no_obstacle_to_other_texts(folder: Path, tmp_path: Path, ada: Curator) -> None:
    approve(folder, COARSE, Curator("Bo"))
    edit_in_editor(folder, COARSE, ada, _editor(tmp_path, _replace_text(2, NEW)))
    rows = [row for row in SemanticBank.open(folder).descriptions if row.slot == "spatial.coarse"]
    assert [row.provenance.state for row in rows if row.class_index == 1][1:4] == ["approved", "edited", "approved"]


def test_an_editor_that_fails_changes_nothing(folder: Path, tmp_path: Path, ada: Curator, scratch: Path) -> None:
    before = _texts(folder)
    with pytest.raises(UsageError, match="cannot be started"):
        edit_in_editor(folder, COARSE, ada, "no-such-editor --wait")
    with pytest.raises(InputError, match="exit code 3"):
        edit_in_editor(folder, COARSE, ada, _editor(tmp_path, "sys.exit(3)"))
    assert list(scratch.iterdir()) == [], "an untouched file is not worth keeping"
    with pytest.raises(InputError, match="kept in"):
        edit_in_editor(folder, COARSE, ada, _editor(tmp_path, "open(path, 'a').write('x'); sys.exit(3)"))
    assert _texts(folder) == before


def test_the_environment_names_the_editor(
    folder: Path, tmp_path: Path, ada: Curator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "false")
    monkeypatch.setenv("VISUAL", _editor(tmp_path, _replace_text(0, NEW)))
    assert [row.index for row in edit_in_editor(folder, COARSE, ada).rows] == [0]


def test_texts_that_look_like_remarks_survive(folder: Path, tmp_path: Path, ada: Curator) -> None:
    label = Selection("1", "label")
    editor = _editor(tmp_path, "s = s.replace('\\nknee bend\\n', '\\n\\\\#1 exercise\\n')")
    assert edit_in_editor(folder, label, ada, editor).rows[0].text == "#1 exercise"
    assert edit_in_editor(folder, label, ada, _editor(tmp_path, "")).rows == ()
