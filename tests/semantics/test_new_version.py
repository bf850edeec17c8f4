"""A new version of a prompt family: a copy that names itself, made in a folder that may be changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from zsl_skeleton import resources
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.semantics import new_version as module
from zsl_skeleton.semantics.new_version import new_version
from zsl_skeleton.semantics.prompts import load_families


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    """A folder of one's own with all families."""
    return Path(shutil.copytree(resources.data_folder("prompts"), tmp_path / "prompts"))


def _files(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_only_the_version_line_and_a_reminder_differ(prompts: Path) -> None:
    card = prompts / "motion" / "v1" / "card.yaml"
    card.write_text("# a remark\n" + card.read_text().replace("version: v1", 'version: "v1"  # another'))
    before = _files(prompts)
    assert new_version(prompts, "Motion") == prompts / "motion" / "v2"
    old, new = (_files(prompts / "motion" / version) for version in ("v1", "v2"))
    assert {name: text for name, text in new.items() if name != "card.yaml"} == {
        name: text for name, text in old.items() if name != "card.yaml"
    }
    added = set(new["card.yaml"].split("\n")) - set(old["card.yaml"].split("\n"))
    assert added == {
        "version: v2",
        "# Copied from v1: say in the notes what v2 asks differently and why, then delete this line.",
    }
    assert {name: text for name, text in _files(prompts).items() if "/v2/" not in name} == before
    families = load_families(prompts)
    assert (
        families["motion"].id == "motion@v2"
        and families["motion"].hash != load_families(prompts, ["motion@v1"])["motion"].hash
    )


def test_the_newest_version_is_copied_and_its_reminder_not(prompts: Path) -> None:
    for number in range(2, 11):
        (new_version(prompts, "label") / "label.j2").write_text(f"{number} {{{{ action.name }}}}\n")
    newest = new_version(prompts, "label")
    assert newest.name == "v11" and (newest / "label.j2").read_text() == "10 {{ action.name }}\n"
    assert (newest / "card.yaml").read_text().count("# Copied from") == 1


def test_nothing_is_overwritten(prompts: Path) -> None:
    (prompts / "label" / "v2").mkdir()
    (prompts / "label" / "v2" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        new_version(prompts, "label")
    assert _files(prompts / "label" / "v2") == {"notes.txt": "mine"}


def test_installed_prompts_are_copied_to_a_folder_of_ones_own(
    prompts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_installed", lambda folder: folder == prompts)
    own = tmp_path / "mine" / "prompts"
    before = _files(prompts)
    with pytest.raises(UsageError, match="cannot be changed") as caught:
        new_version(prompts, "spatial")
    assert "--to DIR" in caught.value.mend
    made = new_version(prompts, "spatial", own)
    assert made == own / "spatial" / "v2"
    assert _files(own / "spatial" / "v1") == _files(prompts / "spatial" / "v1")
    assert list(load_families(own)) == ["spatial"]
    # The next one follows on the user's own, not on the package's.
    assert new_version(prompts, "spatial", own).name == "v3"
    assert _files(prompts) == before


def test_a_killed_copy_is_no_version(prompts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            new_version(prompts, "label")
    assert load_families(prompts)["label"].id == "label@v1"
    assert new_version(prompts, "label").name == "v2"
    assert sorted(path.name for path in (prompts / "label").iterdir()) == ["v1", "v2"]


def test_unknown_families_and_cards_without_a_version_line(prompts: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'motion'"):
        new_version(prompts, "motoin")
    card = prompts / "motion" / "v1" / "card.yaml"
    card.write_text(card.read_text().replace("version: v1", "version: &v v1"))
    with pytest.raises(InputError, match="no line 'version: v1'"):
        new_version(prompts, "motion")
    assert not (prompts / "motion" / "v2").exists()
