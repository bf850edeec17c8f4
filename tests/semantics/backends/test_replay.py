"""Recording and replay: the same bank with the same id, nobody asked, and a word for every gap."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.cache import open_text_cache
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError, QualityError, UsageError
from zsl_skeleton.semantics import backends
from zsl_skeleton.semantics.backends import Message, Options, Request, Setting, UnusableAnswerError
from zsl_skeleton.semantics.backends.chat import Call, Reply
from zsl_skeleton.semantics.backends.echo import EchoBackend
from zsl_skeleton.semantics.backends.language_model import LanguageModel
from zsl_skeleton.semantics.backends.replay import (
    Entry,
    ReplayBackend,
    read_recording,
    record,
    record_bank,
    write_recording,
)
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.generate import GenerateConfig, generate
from zsl_skeleton.semantics.prompts import AnswerField, Turn

KEY = "0123456789abcdef" * 4


class _Parrot:
    """A chat that says what it is told to, and counts."""

    name = "openai"
    model = "parrot"
    concurrency = 4
    fingerprint = {"name": "openai", "model": "parrot", "parameters": {"temperature": 1.0}}  # noqa: RUF012

    def __init__(self) -> None:
        self.says = ""

    async def complete(self, call: Call) -> Reply:
        return Reply(self.says, prompt_tokens=100, completion_tokens=7, finish="stop", model="parrot-2")

    async def close(self) -> None:
        return


class _Model(LanguageModel):
    """A model that answers what echo answers."""

    @classmethod
    def open(cls, setting: Setting) -> _Model:
        assert setting.cache
        return cls(_Parrot(), open_text_cache(setting.cache, "response cache"), setting.options)

    async def answer(self, request: Request) -> Any:
        texts = (await EchoBackend().answer(request)).texts
        assert isinstance(self._chat, _Parrot)
        self._chat.says = json.dumps(
            {f.key: texts[f.slot][0] if f.texts == 1 else texts[f.slot] for f in request.fields}
        )
        return await super().answer(request)


@pytest.fixture
def bank(pair: Dataset, store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Artifact]:
    """A bank written by the model; only ``replay`` and ``echo`` are known afterwards."""
    monkeypatch.setitem(backends.BACKENDS, "model", f"{__name__}:_Model")
    monkeypatch.setattr("zsl_skeleton.semantics.generate.resolve", _resolve)
    yield generate(store, pair, GenerateConfig(families=("label", "motion", "spatial", "codebook"), backend="model"))


def _resolve(kind: str, name: str, table: dict[str, str]) -> Any:
    return {"model": _Model, "replay": ReplayBackend}[name]


def _cache(store: Store) -> Any:
    return closing(open_text_cache(store.root / ".cache" / "responses", "response cache"))


def _replay(store: Store, pair: Dataset, path: Path, families: tuple[str, ...] | None = None) -> Artifact:
    families = families or ("label", "motion", "spatial", "codebook")
    return generate(store, pair, GenerateConfig(families=families, backend="replay", options=Options(recording=path)))


def test_a_replayed_bank_is_the_bank(bank: Artifact, store: Store, pair: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "recording.jsonl"
    with _cache(store) as cache:
        assert record_bank(bank, cache, path) == 2 * (1 + 3 + 5)
        content = path.read_bytes()
        record_bank(bank, cache, path)
    assert path.read_bytes() == content
    again = _replay(Store(tmp_path / "elsewhere"), pair, path)
    assert again.id == bank.id and again.path.name == bank.path.name
    assert again.card.config == bank.card.config
    for name in ("label", "motion", "spatial", "codebook"):
        assert (again.path / f"{name}.jsonl").read_bytes() == (bank.path / f"{name}.jsonl").read_bytes()
    account = again.card.summary["account"]["codebook@v1"]
    assert (account["requests"], account["cached"], account["calls"]) == (10, 10, 0)
    assert (account["prompt_tokens"], account["completion_tokens"]) == (1000, 70)
    assert not (tmp_path / "elsewhere" / ".cache" / "responses").exists()


def test_what_is_not_recorded_is_recorded_as_failed(
    bank: Artifact, store: Store, pair: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "recording.jsonl"
    with _cache(store) as cache:
        record_bank(bank, cache, path)
    lines = path.read_text().splitlines(keepends=True)
    lost = next(line for line in lines if "codebook" in line)
    path.write_text("".join(line for line in lines if line != lost))
    with pytest.raises(QualityError, match="1 answers failed") as caught:
        _replay(Store(tmp_path / "b"), pair, path, ("codebook",))
    assert "holds no answer for class 0 (right hand greeting), codebook@v1, turn codebook" in caught.value.why
    with pytest.raises(QualityError, match="answers failed"):
        _replay(Store(tmp_path / "c"), pair, path, ("temporal",))


def test_answers_that_were_replaced_or_deleted_are_not_passed_off(bank: Artifact, store: Store, tmp_path: Path) -> None:
    row = next(row for row in SemanticBank.open(bank).descriptions if row.slot == "motion")
    with _cache(store) as cache:
        key = next(key for key in cache.keys() if key.startswith(row.provenance.request))  # noqa: SIM118
        cache.set(key, json.dumps({"answer": {"motion": ["The person lowers both hands to the hips."]}}))
        with pytest.raises(InputError, match="has other texts") as caught:
            record_bank(bank, cache, tmp_path / "r.jsonl")
        assert row.text in caught.value.why
        cache.delete(key)
        with pytest.raises(InputError, match="lacks 1 of 18 answers") as caught:
            record_bank(bank, cache, tmp_path / "r.jsonl")
        assert row.provenance.request in caught.value.why
    assert not (tmp_path / "r.jsonl").exists()


def test_a_composed_bank_needs_no_recording(store: Store, pair: Dataset, semantics: Path, tmp_path: Path) -> None:
    made = generate(store, pair, GenerateConfig(families=("label",), semantics=semantics))
    with _cache(store) as cache, pytest.raises(InputError, match="nothing to record") as caught:
        record_bank(made, cache, tmp_path / "r.jsonl")
    assert "compose" in caught.value.why


def test_entries_are_found_by_the_beginning_of_their_key(tmp_path: Path) -> None:
    with closing(open_text_cache(tmp_path, "response cache")) as cache:
        for digit in "abc":
            cache.set(digit + KEY[1:], json.dumps({"answer": {"motion": [f"Text {digit}."]}, "calls": 2}))
        cache.set("d" * 64, "no json")
        cache.set("e" * 64, '{"answer": {"motion": "no list"}}')
        found = record(cache, ["c" + KEY[1:16], "a" + KEY[1:9], "c" + KEY[1:16]])
        assert [entry.key[0] for entry in found] == ["c", "a"]
        for digit in "de":
            with pytest.raises(InputError, match=f"holds no answer under {digit * 64}"):
                record(cache, [digit * 16])


def test_a_recording_is_read_as_it_was_written(tmp_path: Path) -> None:
    fingerprint = {"name": "openai", "model": "m", "parameters": {"temperature": 0.7}}
    entries = [Entry(key=KEY, answer={"motion": ("One.", "Two\u2028.")}, prompt_tokens=3, at="2026-01-01")]
    write_recording(tmp_path / "r.jsonl", fingerprint, entries)
    assert read_recording(tmp_path / "r.jsonl") == (fingerprint, entries)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "line 1"),
        ('{"schema_version": 2, "fingerprint": {"name": "x"}}', "line 1: schema_version"),
        ('{"schema_version": 1, "fingerprint": {"model": "x"}}', "does not name the backend"),
        ('{"schema_version": 1, "fingerprint": {"name": "x"}}\n\n{"key": "short", "answer": {}}', "line 3: key"),
        ('{"schema_version": 1, "fingerprint": {"name": "x"}}\n{"key": "' + KEY + '", "ans', "line 2"),
    ],
)
def test_a_file_that_is_no_recording(pair: Dataset, tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(content)
    with pytest.raises(InputError, match="is not a recording") as caught:
        ReplayBackend.open(Setting(pair, tmp_path, Options(recording=path)))
    assert why in caught.value.why


def test_no_recording(pair: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs a recording"):
        ReplayBackend.open(Setting(pair, tmp_path))
    with pytest.raises(InputError, match="no such file"):
        ReplayBackend.open(Setting(pair, tmp_path, Options(recording=tmp_path / "absent")))


def test_the_gap_names_class_turn_and_call(pair: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    write_recording(path, {"name": "openai"}, [])
    backend = ReplayBackend.open(Setting(pair, tmp_path, Options(recording=path)))
    turn = Turn(name="fine", template="x", answers=(AnswerField(slot="s", key="k", texts=4, per_call=2, words=(1, 9)),))
    request = Request("f@v1", turn, pair.classes[1], (Message("user", "?"),), {"s": 2}, {"s": ("a", "b")}, sample=1)
    with pytest.raises(UnusableAnswerError, match=r"class 1 \(knee bend\), f@v1, turn fine, call 2"):
        asyncio.run(backend.answer(request))
    assert backend.accounts == {}
