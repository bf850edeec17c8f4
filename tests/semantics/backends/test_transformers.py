"""The local model: answers that fit the schema whatever the model knows, batches that change nothing, honest errors."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

from tiny_llama import SAMPLE, save_tiny_llama
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import BackendError, InputError, UsageError, ZslError
from zsl_skeleton.semantics.backends import (
    Message,
    Options,
    Request,
    Setting,
    UnusableAnswerError,
    answers,
    constrained,
)
from zsl_skeleton.semantics.backends.chat import Call, Reply
from zsl_skeleton.semantics.backends.constrained import bounded
from zsl_skeleton.semantics.backends.local_model import LocalModel
from zsl_skeleton.semantics.backends.transformers import TransformersBackend, TransformersChat, _words
from zsl_skeleton.semantics.prompts import AnswerField, Turn

pytest.importorskip("llguidance", reason="not installed: pip install 'zsl-skeleton[local]'")

PARTS = ("head", "torso", "left_arm", "right_arm", "left_leg", "right_leg")
SENTENCE = re.compile(r"[A-Z][ -~]*\.")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_tiny_llama(folder)
    return folder


def _field(key: str, texts: int, words: tuple[int, int]) -> AnswerField:
    return AnswerField(slot=f"made-up.{key.replace('_', '-')}", key=key, texts=texts, words=words)


def _request(pair: Dataset, *fields: AnswerField, question: str = "How does the body move?") -> Request:
    turn = Turn(name="only", template="only.j2", answers=fields)
    messages = (Message("system", "You describe movements."), Message("user", question))
    counts = {field.slot: field.texts for field in fields}
    return Request("made-up@v1", turn, pair.classes[1], messages, counts, dict.fromkeys(counts, ()))


def _setting(pair: Dataset, cache: Path | None = None, **options: Any) -> Setting:
    return Setting(pair, Path("nowhere"), Options(**{"device": "cpu"} | options), cache)


def _chat(pair: Dataset, model: Path, **options: Any) -> TransformersChat:
    chat = TransformersBackend.open(_setting(pair, model=str(model), **options))._chat
    assert isinstance(chat, TransformersChat)
    return chat


async def _complete(chat: TransformersChat, request: Request, **changes: Any) -> Reply:
    _words.set({field.key: field.words for field in request.fields})
    return await chat.complete(replace(Call(request.messages, request.schema, request.sample), **changes))


def _ask(chat: TransformersChat, requests: Sequence[Request]) -> list[Reply]:
    async def together() -> list[Reply]:
        found = await asyncio.gather(*[asyncio.create_task(_complete(chat, request)) for request in requests])
        return list(found)

    return asyncio.run(together())


def _requests(pair: Dataset) -> list[Request]:
    fields = [
        [_field("motion", 1, (5, 9))],
        [_field("descriptions", 10, (3, 5))],
        [_field(part, 1, (3, 6)) for part in PARTS],
        [_field("descriptions", 3, (4, 4))],
    ]
    return [_request(pair, *items, question="Say how. " * n) for n, items in enumerate(fields)]


def test_a_model_that_knows_nothing_answers_by_the_schema(pair: Dataset, tiny: Path) -> None:
    requests = _requests(pair)
    for request, reply in zip(requests, _ask(_chat(pair, tiny), requests), strict=True):
        answer = json.loads(reply.text)
        assert list(answer) == [field.key for field in request.fields]
        for field in request.fields:
            texts = [answer[field.key]] if field.texts == 1 else answer[field.key]
            assert len(texts) == field.texts
            for text in texts:
                assert field.words[0] <= len(text.split()) <= field.words[1]
                assert text == " ".join(text.split()) and SENTENCE.fullmatch(text)
        assert reply.finish == "stop"
        assert (reply.completion_tokens or 0) > 10 and (reply.prompt_tokens or 0) > 10


@pytest.mark.parametrize("options", [{}, {"temperature": 0.8, "top_p": 0.95, "seed": 3}], ids=["greedy", "sampled"])
def test_a_batch_answers_like_one_by_one(pair: Dataset, tiny: Path, options: dict[str, Any]) -> None:
    requests = _requests(pair)
    together = _ask(_chat(pair, tiny, max_concurrency=4, **options), requests)
    chat = _chat(pair, tiny, max_concurrency=1, **options)
    assert [_ask(chat, [request])[0] for request in reversed(requests)] == together[::-1]


def test_seed_temperature_and_sample_decide_what_is_drawn(pair: Dataset, tiny: Path) -> None:
    request = _request(pair, _field("motion", 1, (5, 9)))
    drawn = [
        _ask(_chat(pair, tiny, **options), [replace(request, sample=sample)])[0].text
        for options in ({"temperature": 1.0, "seed": 1}, {"temperature": 1.0, "seed": 2}, {"temperature": 0.1})
        for sample in (0, 1)
    ]
    assert len(set(drawn[:4])) == 4
    greedy = _ask(_chat(pair, tiny), [request])[0].text
    assert _ask(_chat(pair, tiny, temperature=0.0, seed=5), [request])[0].text == greedy
    assert _ask(_chat(pair, tiny, temperature=5.0, top_p=1e-9), [request])[0].text == greedy
    assert greedy not in drawn[:4]


def test_calls_are_answered_in_batches_of_the_size_asked_for(
    pair: Dataset, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    answer = LocalModel.answer

    def counted(model: LocalModel, jobs: Any, stop: Any) -> Any:
        sizes.append(len(jobs))
        return answer(model, jobs, stop)

    monkeypatch.setattr(LocalModel, "answer", counted)
    chat = _chat(pair, tiny, max_concurrency=2)

    async def dialogue(name: str) -> None:
        for turn in range(3):  # each turn waits for the one before; the batches stay full all the same
            await _complete(chat, _request(pair, _field("motion", 1, (2, 3)), question=f"{name} {turn}"))

    async def both() -> None:
        await asyncio.gather(dialogue("a"), dialogue("b"))

    asyncio.run(both())
    assert sizes == [2, 2, 2]


def test_an_answer_that_is_cut_says_so(pair: Dataset, tiny: Path) -> None:
    reply = _ask(_chat(pair, tiny, max_tokens=9), [_request(pair, _field("motion", 1, (8, 9)))])[0]
    assert (reply.finish, reply.completion_tokens) == ("length", 9)


def test_a_prompt_beyond_the_context_fails_alone(pair: Dataset, tiny: Path) -> None:
    short, long = (_request(pair, _field("motion", 1, (2, 3)), question="move " * count) for count in (1, 9000))
    chat = _chat(pair, tiny)

    async def together() -> list[Any]:
        return list(await asyncio.gather(_complete(chat, short), _complete(chat, long), return_exceptions=True))

    reply, error = asyncio.run(together())
    assert isinstance(reply, Reply) and json.loads(reply.text)
    assert isinstance(error, UnusableAnswerError) and "8192" in error.what


def test_the_backend_checks_repairs_and_remembers(
    pair: Dataset, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[list[str]] = [["not good enough"]]
    monkeypatch.setattr(answers, "answer_problems", lambda *_: found.pop() if found else [])
    request = _request(pair, _field("motion", 1, (2, 5)))

    async def answered() -> tuple[Any, Any]:
        backend = TransformersBackend.open(_setting(pair, tmp_path / "cache", model=str(tiny)))
        try:
            return await backend.answer(request), backend.accounts["made-up@v1"]
        finally:
            await backend.close()

    first, account = asyncio.run(answered())
    assert (account.calls, account.repairs, account.cached) == (2, 1, 0)
    again, account = asyncio.run(answered())
    assert (account.calls, account.cached) == (0, 1)
    assert again == first and 2 <= len(again.texts["made-up.motion"][0].split()) <= 5


def test_what_the_answers_depend_on_is_in_the_fingerprint(pair: Dataset, tiny: Path, tmp_path: Path) -> None:
    moved = tmp_path / "tiny"
    shutil.copytree(tiny, moved)
    first = _chat(pair, tiny).fingerprint
    assert first["name"] == "transformers" and first["model"] == "tiny"
    assert _chat(pair, moved, max_concurrency=3, timeout=7).fingerprint == first
    assert json.loads(json.dumps(first)) == first and str(tiny) not in json.dumps(first)
    assert _chat(pair, tiny, temperature=0.5).fingerprint["parameters"] == {"temperature": 0.5}
    weights = load_file(moved / "model.safetensors")
    weights["model.norm.weight"] += 1
    save_file(weights, moved / "model.safetensors", metadata={"format": "pt"})
    assert _chat(pair, moved).fingerprint["revision"] != first["revision"]


def test_a_hub_that_does_not_answer_is_asked_once(pair: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def silent(url: str) -> None:
        asked.append(url)
        raise ConnectionError("no route to host")

    def waiting(*_: object, local_files_only: bool = False, **__: object) -> str:
        if local_files_only:
            raise FileNotFoundError("not in the cache")
        pytest.fail("the hub's client would wait and repeat its question")

    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", silent)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", waiting)
    with pytest.raises(InputError, match="no route to host"):
        TransformersBackend.open(_setting(pair, model="NO_SUCH", device="cpu"))
    assert len(asked) == 1


def test_a_model_of_the_hub_is_named_by_its_commit(
    pair: Dataset, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    commit, repository = "0123456789abcdef0123456789abcdef01234567", tmp_path / "models--some--tiny"
    shutil.copytree(tiny, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    chat = _chat(pair, Path("some/tiny"))
    assert (chat.fingerprint["model"], chat.fingerprint["revision"]) == ("some/tiny", commit)
    request = _request(pair, _field("motion", 1, (2, 5)))
    assert _ask(chat, [request])[0].text == _ask(_chat(pair, tiny), [request])[0].text


@pytest.mark.parametrize("template", [None, "no system"])
def test_tokenizers_without_a_template_or_without_a_system_role(
    pair: Dataset, tmp_path: Path, template: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_tiny_llama(tmp_path / "m", template=False)
    if template:
        source = (
            "{% for message in messages %}{% if message.role == 'system' %}"
            "{{ raise_exception('System role not supported') }}{% endif %}"
            "<{{ message.role }}>{{ message.content }}{% endfor %}<assistant>"
        )
        (tmp_path / "m" / "chat_template.jinja").write_text(source)
    chat = _chat(pair, tmp_path / "m")
    prompts: list[str] = []
    generate = LocalModel._generate

    def spied(model: LocalModel, rows: Any, *rest: Any) -> None:
        prompts.extend(model._tokenizer.decode(row) for row in rows)
        generate(model, rows, *rest)

    monkeypatch.setattr(LocalModel, "_generate", spied)
    assert json.loads(_ask(chat, [_request(pair, _field("motion", 1, (2, 5)), question="How?")])[0].text)
    expected = {
        None: "System: You describe movements.\n\nUser: How?\n\nAssistant: ",
        "no system": "<user>You describe movements.\n\nHow?<assistant>",
    }
    assert prompts == [expected[template]]


def test_memory_that_does_not_suffice_halves_the_batch(
    pair: Dataset, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate = LocalModel._generate

    def scarce(model: LocalModel, rows: Any, *rest: Any) -> None:
        if len(rows) > 1:
            raise torch.OutOfMemoryError("out of memory. Tried to allocate")
        generate(model, rows, *rest)

    requests = _requests(pair)
    whole = _ask(_chat(pair, tiny), requests)
    monkeypatch.setattr(LocalModel, "_generate", scarce)
    assert _ask(_chat(pair, tiny), requests) == whole


def test_a_model_that_does_not_work_fails_every_call(
    pair: Dataset, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny, tmp_path / "m")
    weights = {name: weight * float("nan") for name, weight in load_file(tiny / "model.safetensors").items()}
    save_file(weights, tmp_path / "m" / "model.safetensors", metadata={"format": "pt"})
    chat = _chat(pair, tmp_path / "m")

    async def together() -> list[Any]:
        calls = [_complete(chat, request) for request in _requests(pair)]
        return list(await asyncio.gather(*calls, return_exceptions=True))

    errors = asyncio.run(together())
    assert all(isinstance(error, BackendError) for error in errors)
    assert len(set(map(id, errors))) == 4


def test_giving_up_ends_the_writing(pair: Dataset, tiny: Path) -> None:
    chat = _chat(pair, tiny)
    _ask(chat, [_request(pair, _field("motion", 1, (2, 3)))])
    endless = _request(pair, _field("descriptions", 100, (59, 60)))

    async def given_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_complete(chat, endless), 0.3)
        await chat.close()

    started = time.monotonic()
    asyncio.run(given_up())  # waits for the thread
    assert time.monotonic() - started < 3


def test_what_is_missing_is_said_with_what_mends_it(
    pair: Dataset, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="needs the name of a model"):
        TransformersBackend.open(_setting(pair))
    with pytest.raises(UsageError, match="there is no device"):
        TransformersBackend.open(_setting(pair, model=str(tiny), device="cuda:99"))
    for name in ("some/absent-model", str(tmp_path / "absent"), "./absent"):
        with pytest.raises(InputError, match="there is no model") as caught:
            TransformersBackend.open(_setting(pair, model=name))
        assert f"hf download {name}" in caught.value.mend
    pickled = tmp_path / "pickled"
    shutil.copytree(tiny, pickled)
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(InputError, match="is not a model that can be loaded") as caught:
        TransformersBackend.open(_setting(pair, model=str(pickled)))
    assert "no *.safetensors" in caught.value.why and "pickles" in caught.value.why
    monkeypatch.setattr(constrained.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match="llguidance") as caught:
        TransformersBackend.open(_setting(pair, model=str(tiny)))
    assert caught.value.mend == "pip install 'zsl-skeleton[local]'"


@pytest.mark.parametrize("damage", ["weights", "config", "tokenizer"])
def test_a_damaged_model_is_an_input_error(pair: Dataset, tiny: Path, tmp_path: Path, damage: str) -> None:
    shutil.copytree(tiny, tmp_path / "m")
    file = {"weights": "model.safetensors", "config": "config.json", "tokenizer": "tokenizer.json"}[damage]
    (tmp_path / "m" / file).write_bytes((tiny / file).read_bytes()[:200])
    with pytest.raises(ZslError) as caught:
        _ask(_chat(pair, tmp_path / "m"), [_request(pair, _field("motion", 1, (2, 3)))])
    assert isinstance(caught.value, InputError) and "cannot be loaded" in caught.value.what


def test_the_bounds_leave_ordinary_sentences_alone() -> None:
    schema = {"properties": {"motion": {"type": "string", "minLength": 1}}}
    pattern = re.compile(bounded(schema, {"motion": (5, 30)})["properties"]["motion"]["pattern"])
    for text in (
        SAMPLE,
        "A person's right hand (palm down) swings about 90 degrees, side-to-side, at shoulder height; both legs rest.",
        "The trunk leans left. Then the left/right knees bend counterclockwise.",
    ):
        assert pattern.fullmatch(text)
    for text in ("the hand rises up now.", "The hand  rises up now.", "The hand rises up", 'The "hand" rises up now.'):
        assert not pattern.fullmatch(text)
