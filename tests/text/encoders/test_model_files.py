"""Where models are found: folders, the hub (played by a function), its cache."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from zsl_skeleton.errors import InputError
from zsl_skeleton.text.encoders.model_files import find_files

MAIN, OFFER = "a" * 40, "b" * 40


class Hub:
    """A cache as the hub's client lays it out; ``main`` holds pickles, ``refs/pr/8`` safetensors."""

    def __init__(self, root: Path) -> None:
        self.cache = root / "models--who--what"
        self.asked: list[str | None] = []
        for commit, weights in ((MAIN, "pytorch_model.bin"), (OFFER, "model.safetensors")):
            (self.cache / "snapshots" / commit).mkdir(parents=True)
            (self.cache / "snapshots" / commit / weights).write_bytes(b"0")

    def snapshot_download(self, name: str, *, revision: str | None, **patterns: Any) -> str:
        self.asked.append(revision)
        assert name == "who/what"
        assert not any("bin" in pattern for pattern in patterns["allow_patterns"])
        if revision == "refs/pr/8":
            reference = self.cache / "refs" / "refs" / "pr" / "8"
            reference.parent.mkdir(parents=True, exist_ok=True)
            reference.write_text(OFFER)
            return str(self.cache / "snapshots" / OFFER)
        return str(self.cache / "snapshots" / MAIN)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    found = Hub(tmp_path)
    monkeypatch.setattr("huggingface_hub.snapshot_download", found.snapshot_download)
    return found


def offers(*titles: str) -> Any:
    def discussions(name: str, *, author: str, **_: str) -> list[SimpleNamespace]:
        assert (name, author) == ("who/what", "SFconvertbot")
        return [SimpleNamespace(title=title, git_reference=f"refs/pr/{n}") for n, title in enumerate(titles, start=7)]

    return discussions


def test_the_commit_is_the_revision(hub: Hub) -> None:
    (hub.cache / "snapshots" / MAIN / "model.safetensors").write_bytes(b"0")
    assert find_files("who/what", "clip").revision == MAIN
    assert hub.asked == [None]


def test_a_revision_can_be_named(hub: Hub) -> None:
    assert find_files("who/what@refs/pr/8", "clip").revision == OFFER
    assert hub.asked == ["refs/pr/8"]


def test_safetensors_that_the_hub_s_bot_offers_are_taken_and_found_again_offline(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("huggingface_hub.get_repo_discussions", offers("Fix typo", "Adding `safetensors` variant"))
    assert find_files("who/what", "clip").revision == OFFER
    assert "holds no safetensors; taking those" in capsys.readouterr().err

    def offline(*_: object, **__: object) -> None:
        raise AssertionError("asked the hub")

    monkeypatch.setattr("huggingface_hub.get_repo_discussions", offline)
    assert find_files("who/what", "clip").revision == OFFER


def test_nobody_offers_safetensors(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.get_repo_discussions", offers("Fix typo"))
    with pytest.raises(InputError, match="has no weights that can be read") as caught:
        find_files("who/what", "clip")
    assert "MODEL@refs/pr/N" in caught.value.mend


def test_a_model_that_is_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    for model in ("who/what", "./no/such/folder"):
        with pytest.raises(InputError, match=f"the encoder clip:{model} has no weights here") as caught:
            find_files(model, "clip")
        assert caught.value.exit_code == 3
        assert caught.value.why.startswith("the hub says: ")
        assert caught.value.mend == f"hf download {model} (where the hub can be reached), or --encoder clip:FOLDER"


def test_a_folder_is_known_by_its_content_wherever_it_lies(tmp_path: Path) -> None:
    revisions = []
    for name, extra in (("one", "README.md"), ("two", "onnx/config.json"), ("three", "config.json")):
        (tmp_path / name / "onnx").mkdir(parents=True)
        (tmp_path / name / "model.safetensors").write_bytes(b"weights")
        (tmp_path / name / extra).write_text("{}")
        revisions.append(find_files(str(tmp_path / name), "clip").revision)
    assert revisions[0] == revisions[1] != revisions[2]
