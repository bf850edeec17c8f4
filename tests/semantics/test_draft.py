"""Drafted facts: references to known classes, a language model's answers, repairs, failures, and what is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripted_server import Scripted, ScriptedServer, Seen, completion
from zsl_skeleton.artifacts import Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import BackendError, QualityError, UsageError
from zsl_skeleton.semantics.backends import Options, openai_chat
from zsl_skeleton.semantics.backends.base import Setting
from zsl_skeleton.semantics.backends.compose import ComposeBackend
from zsl_skeleton.semantics.draft import DraftConfig, draft_facts
from zsl_skeleton.semantics.facts import load_facts


@pytest.fixture
def own(pair: Dataset) -> Dataset:
    """A data set of one's own: a known class, a known synonym, two unknown classes."""
    names = ["Drink-Water", "pull a rope", "tap on shoulder", "kneel down"]
    classes = [
        {"index": index, "code": str(index), "name": name, "persons": 1 + (name == "tap on shoulder")}
        for index, name in enumerate(names)
    ]
    return Dataset.model_validate(pair.model_dump() | {"name": "own", "persons": 2, "classes": classes})


@pytest.fixture
def known(tmp_path: Path, content: dict[str, Any]) -> Path:
    """A semantics folder in which ``pair`` knows pulling a rope as a synonym of its greeting."""
    content["classes"][0]["synonyms"].append("pull a rope")
    folder = tmp_path / "semantics"
    (folder / "pair").mkdir(parents=True)
    (folder / "pair" / "facts.yaml").write_text(yaml.safe_dump(content))
    return folder


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """A server that answers well."""
    monkeypatch.setattr(openai_chat, "_DIALECTS", {})
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with ScriptedServer(_well) as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")


def _answer(content: dict[str, Any]) -> dict[str, Any]:
    """What a model would have to say for these facts; written as models do, with capitals and full stops."""
    said = {key: content[key] for key in ("action", "posture", "tempo", "repetition", "objects")}
    said["synonyms"] = [*content["synonyms"], "something else"][:3]
    said["moving"] = [part.replace("-", " ").title() for part, facts in content["parts"].items() if facts["moves"]]
    said["motion"] = [f"The person {text}." for text in [*content["motion"], _SIXTH]]
    for phase in ("start", "main", "end"):
        said[phase] = [f"{text[0].upper()}{text[1:]}." for text in content["phases"][phase]]
        if "second" in content:
            said[f"second_{phase}"] = content["second"][phase]
    for part, facts in content["parts"].items():
        said[part.replace("-", "_")] = [facts["coarse"], facts["medium"], facts["fine"]]
    return said


_SIXTH = "moves the right hand slowly up in front of the chest and down again"
_TWO = yaml.safe_load((Path(__file__).parent / "shoulder.yaml").read_text())
_ONE = {key: value for key, value in _TWO.items() if key != "second"}
_ALONE = json.loads(json.dumps(_ONE).replace("the second person", "the middle").replace("both collarbones", "the chin"))


def _good(seen: Seen) -> dict[str, Any]:
    return _answer(_TWO if "Action: tap on shoulder" in json.dumps(seen.body) else _ALONE)


def _well(seen: Seen) -> Scripted:
    return completion(json.dumps(_good(seen)))


def _config(server: ScriptedServer | None, known: Path, out: Path, **changed: Any) -> DraftConfig:
    options = Options(model="tiny", base_url=server.url, repairs=changed.pop("repairs", 2)) if server else Options()
    return DraftConfig(semantics=known, out=out, options=options, **changed)


def test_without_a_model_known_classes_are_referred_to(store: Store, own: Dataset, known: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine" / "own" / "facts.yaml"
    draft = draft_facts(store, own, _config(None, known, out))
    assert draft.known == {"Drink-Water": ("ntu120", "drink water"), "pull a rope": ("pair", "right hand greeting")}
    assert draft.missing == ("tap on shoulder", "kneel down") and draft.written == ()
    text = out.read_text()
    assert '# - name: "kneel down"  (to be written: no language model was asked)' in text
    assert [entry["name"] for entry in yaml.safe_load(text)["classes"]] == ["Drink-Water", "pull a rope"]


def test_a_drafted_file_is_complete_and_composes(
    store: Store, own: Dataset, known: Path, server: ScriptedServer
) -> None:
    draft = draft_facts(store, own, _config(server, known, known / "own" / "facts.yaml"))
    assert draft.written == ("tap on shoulder", "kneel down") and draft.missing == ()
    facts = load_facts(own, known)
    assert facts.classes[2].second is not None and facts.classes[2].motion[0] == _TWO["motion"][0]
    assert facts.classes[3].parts["right-arm"].moves and not facts.classes[3].parts["head"].moves
    assert "not yet checked by a person" in facts.source and "tiny" in facts.source
    assert '      - "steps up behind the second person and bends the right elbow"' in draft.path.read_text()
    ComposeBackend.open(Setting(own, known))


def test_the_model_is_not_told_of_other_classes(
    store: Store, own: Dataset, known: Path, server: ScriptedServer
) -> None:
    draft_facts(store, own, _config(server, known, known / "own" / "facts.yaml"))
    for seen in server.seen:
        chat = json.dumps(seen.body["messages"])
        assert sum(name in chat for name in own.class_names) == 1
        assert ("second_main" in chat) == ("tap on shoulder" in chat)


def test_what_is_wrong_is_quoted_and_mended(store: Store, own: Dataset, known: Path, server: ScriptedServer) -> None:
    def script(seen: Seen) -> Scripted:
        answer = _good(seen)
        if "cannot be used" not in seen.prompt:
            answer["motion"][1] = "taps a shoulder of the other with the right hand and a cup"
            answer["moving"] = ["tail"]
        return completion(json.dumps(answer))

    server.script = script
    draft = draft_facts(store, own, _config(server, known, known / "own" / "facts.yaml"))
    assert len(draft.written) == 2 and len(server.seen) == 4
    repairs = [seen.prompt for seen in server.seen if "cannot be used" in seen.prompt]
    assert all(
        "'tail' is none of the six parts" in prompt and "which a skeleton does not show" in prompt for prompt in repairs
    )
    assert sum("gives the class name away" in prompt for prompt in repairs) == 1


def test_failures_are_commented_and_only_they_are_asked_again(
    store: Store, own: Dataset, known: Path, server: ScriptedServer
) -> None:
    def script(seen: Seen) -> Scripted:
        return completion("no JSON today") if "kneel down" in json.dumps(seen.body) else _well(seen)

    server.script = script
    config = _config(server, known, known / "own" / "facts.yaml", repairs=1)
    with pytest.raises(QualityError, match="1 of 2 classes") as caught:
        draft_facts(store, own, config)
    assert "kneel down: there is no valid JSON object" in caught.value.why
    assert "zsl-semantics facts --dataset own" in caught.value.mend and "--force" in caught.value.mend
    assert '# - name: "kneel down"  (to be written: there is no valid JSON object' in config.out.read_text()  # type: ignore[union-attr]
    server.script, before = _well, len(server.seen)
    draft_facts(store, own, config.model_copy(update={"force": True}))
    assert ["kneel down" in json.dumps(seen.body) for seen in server.seen[before:]] == [True]
    assert len(load_facts(own, known).classes) == 4


def test_an_existing_file_is_not_overwritten(store: Store, own: Dataset, known: Path, tmp_path: Path) -> None:
    out = tmp_path / "facts.yaml"
    out.write_text("corrected by hand")
    with pytest.raises(UsageError, match="not overwritten") as caught:
        draft_facts(store, own, _config(None, known, out))
    assert "--force" in caught.value.mend and out.read_text() == "corrected by hand"
    draft_facts(store, own, _config(None, known, out, force=True))
    assert "classes:" in out.read_text()


def test_facts_that_are_there_are_not_drafted_unasked(
    store: Store, pair: Dataset, known: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    elsewhere = known.rename(tmp_path / "known")
    config = DraftConfig(semantics=elsewhere)
    with pytest.raises(UsageError, match="pair has facts already") as caught:
        draft_facts(store, pair, config)
    assert "zsl-semantics generate --dataset pair" in caught.value.mend
    assert not Path("semantics").exists()
    assert draft_facts(store, pair, config.model_copy(update={"out": tmp_path / "mine.yaml"})).path.is_file()


def test_a_dead_server_leaves_no_file(store: Store, own: Dataset, known: Path, tmp_path: Path) -> None:
    out = tmp_path / "facts.yaml"
    options = Options(model="tiny", base_url="http://127.0.0.1:9/v1", timeout=1.0)
    with pytest.raises(BackendError):
        draft_facts(store, own, DraftConfig(semantics=known, out=out, options=options))
    assert not out.exists()
