"""Generation: determinism, reuse, failures that are recorded, and being killed."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import BackendError, InputError, QualityError, UsageError
from zsl_skeleton.semantics import backends
from zsl_skeleton.semantics.backends import Answer, Request, Setting
from zsl_skeleton.semantics.backends.compose import ComposeBackend
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.generate import GenerateConfig, generate


def _files(artifact: Artifact) -> dict[str, bytes]:
    files = {path.name: path.read_bytes() for path in artifact.path.iterdir() if path.name != "card.json"}
    return files | {"card": artifact.card.model_dump_json(exclude={"made"}).encode()}


def test_twice_the_same_bytes(tmp_path: Path, pair: Dataset, semantics: Path) -> None:
    config = GenerateConfig(semantics=semantics)
    first, second = (generate(Store(tmp_path / name), pair, config) for name in ("a", "b"))
    assert _files(first) == _files(second)
    assert first.card.synthetic and first.card.summary["slots"]["codebook"] == 100
    assert "codebook.jsonl" in _files(first)


def test_finished_bank_is_reused(store: Store, pair: Dataset, semantics: Path) -> None:
    config = GenerateConfig(semantics=semantics, families=("motion",))
    first = generate(store, pair, config)
    made = (first.path / "motion.jsonl").stat().st_mtime_ns
    assert generate(store, pair, config).id == first.id
    assert (first.path / "motion.jsonl").stat().st_mtime_ns == made


def test_other_wording_facts_or_families_are_another_bank(
    store: Store, pair: Dataset, semantics: Path, repository: Path, tmp_path: Path
) -> None:
    prompts = tmp_path / "prompts"
    shutil.copytree(repository / "prompts", prompts)
    ids = [generate(store, pair, GenerateConfig(semantics=semantics, prompts=prompts)).id]
    ids.append(generate(store, pair, GenerateConfig(semantics=semantics, prompts=prompts, families=("motion",))).id)
    with (prompts / "motion" / "v1" / "motion.j2").open("a") as stream:
        stream.write("Think twice.\n")
    ids.append(generate(store, pair, GenerateConfig(semantics=semantics, prompts=prompts)).id)
    facts = semantics / "pair" / "facts.yaml"
    facts.write_text(facts.read_text().replace("tempo: slowly", "tempo: quickly"))
    ids.append(generate(store, pair, GenerateConfig(semantics=semantics, prompts=prompts)).id)
    assert len(set(ids)) == 4


def test_unknown_names_and_missing_folders(store: Store, pair: Dataset, semantics: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'codebook'"):
        generate(store, pair, GenerateConfig(semantics=semantics, families=("codebok",)))
    with pytest.raises(UsageError, match=r"unknown backend 'compse'\. Did you mean 'compose'"):
        generate(store, pair, GenerateConfig(semantics=semantics, backend="compse"))
    with pytest.raises(InputError, match="does not exist"):
        generate(store, pair, GenerateConfig(prompts=tmp_path / "nowhere"))


class Scripted:
    """A backend that answers like ``compose`` until told otherwise, and keeps the requests."""

    name = "scripted"
    model: str | None = "tiny"
    concurrency = 4
    accounts: ClassVar[dict[str, Any]] = {}
    asked: ClassVar[list[Request]] = []
    wrong: ClassVar[dict[tuple[str, str], Any]] = {}

    def __init__(self, inner: ComposeBackend) -> None:
        self._inner = inner

    @classmethod
    def open(cls, setting: Setting) -> Self:
        return cls(ComposeBackend.open(setting))

    @property
    def fingerprint(self) -> dict[str, Any]:
        return {"name": self.name, "model": self.model}

    async def close(self) -> None:
        pass

    async def answer(self, request: Request) -> Answer:
        self.asked.append(request)
        await asyncio.sleep(0.001 * (2 - request.action.index))
        right = await self._inner.answer(request)
        change = self.wrong.get((request.turn.name, request.action.name))
        if isinstance(change, Exception):
            raise change
        return Answer({slot: tuple(change(list(texts))) for slot, texts in right.texts.items()}) if change else right


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> type[Scripted]:
    module = type(sys)("scripted_backend")
    module.Scripted = Scripted  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "scripted_backend", module)
    monkeypatch.setitem(backends.BACKENDS, "scripted", "scripted_backend:Scripted")
    monkeypatch.setattr(Scripted, "asked", [])
    monkeypatch.setattr(Scripted, "wrong", {})
    return Scripted


def test_each_turn_sees_the_turns_before(
    store: Store, pair: Dataset, semantics: Path, scripted: type[Scripted]
) -> None:
    config = GenerateConfig(semantics=semantics, backend="scripted", families=("spatial", "codebook", "label"))
    bank = SemanticBank.open(generate(store, pair, config))
    fine = next(r for r in scripted.asked if r.turn.name == "fine" and r.action.index == 1)
    assert [m.role for m in fine.messages] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert json.loads(fine.messages[2].content) == {"descriptions": bank.texts("spatial.coarse")[1]}
    last = [r for r in scripted.asked if r.turn.name == "codebook" and r.action.index == 0][-1]
    assert last.sample == 4 and len(last.given["codebook"]) == 80
    assert all(f"- {text}" in last.messages[-1].content for text in last.given["codebook"])
    assert [m.role for m in last.messages] == ["system", "user"]
    assert not any(r.turn.literal for r in scripted.asked), "a literal turn asks nobody"
    assert bank.descriptions[0].provenance.model == "tiny"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda texts: texts[1:], "9 texts instead of 10"),
        (lambda texts: [texts[1], *texts[1:]], "said twice"),
        (lambda texts: ["", *texts[1:]], "a text is empty"),
        (lambda texts: ["Up.", *texts[1:]], "1 words instead of"),
        (lambda texts: ["The right knee stays low and does not bend here.", *texts[1:]], "gives the class name away"),
        (lambda texts: ["the trunk sinks and then it rises again", *texts[1:]], "not a sentence"),
        (lambda texts: ["The trunk sinks “slowly” between both feet.", *texts[1:]], "not plain one-line ASCII"),
        (lambda texts: ["The trunk sinks\nslowly between both feet.", *texts[1:]], "not plain one-line ASCII"),
    ],
)
def test_wrong_answers_are_recorded_and_only_they_are_asked_again(
    store: Store, pair: Dataset, semantics: Path, scripted: type[Scripted], change: Any, reason: str
) -> None:
    config = GenerateConfig(semantics=semantics, backend="scripted", families=("motion", "spatial"))
    scripted.wrong["coarse", "knee bend"] = change
    with pytest.raises(QualityError) as caught:
        generate(store, pair, config)
    assert caught.value.exit_code == 5
    assert reason in caught.value.why and "knee bend, spatial.coarse" in caught.value.why
    assert caught.value.mend.startswith("zsl-semantics generate --dataset pair --backend scripted --family motion")
    assert store.all("banks") == []
    partial = next((store.root / "banks").glob(".pair-scripted-*.partial"))
    assert str(partial) in caught.value.what
    rows = [json.loads(line) for line in (partial / "spatial.jsonl").read_text().splitlines()]
    states = [(row["slot"], row["state"]) for row in rows if "state" in row]
    assert states == [(f"spatial.{level}", "failed") for level in ("coarse", "medium", "fine")]
    assert sum(row["class"] == 0 for row in rows) == 30

    scripted.wrong.clear()
    scripted.asked.clear()
    bank = generate(store, pair, config)
    assert {(r.family, r.action.name) for r in scripted.asked} == {("spatial@v1", "knee bend")}
    assert _files(bank) == _files(generate(Store(store.root.parent / "other"), pair, config))


def test_dead_backend_stops_at_once_and_keeps_what_was_answered(
    store: Store, pair: Dataset, semantics: Path, scripted: type[Scripted]
) -> None:
    config = GenerateConfig(semantics=semantics, backend="scripted", families=("motion",))
    scripted.wrong["motion", "right hand greeting"] = BackendError("the server is gone")
    with pytest.raises(BackendError, match="the server is gone"):
        generate(store, pair, config)
    scripted.wrong.clear()
    scripted.asked.clear()
    generate(store, pair, config)
    assert [r.action.name for r in scripted.asked] == ["right hand greeting"]


def test_works_inside_a_running_event_loop(store: Store, pair: Dataset, semantics: Path) -> None:
    async def notebook() -> Artifact:
        return generate(store, pair, GenerateConfig(semantics=semantics, families=("motion",)))

    assert asyncio.run(notebook()).card.summary["texts"] == 2


_PROGRAM = """
import sys, time
from pathlib import Path
from zsl_skeleton.artifacts import Store
from zsl_skeleton.catalog import load_dataset
from zsl_skeleton.semantics import generate as module

write_lines, pause = module.write_lines, float(sys.argv[2])
def write_then_pause(*arguments):
    write_lines(*arguments)
    time.sleep(pause)

module.write_lines = write_then_pause
module.generate(Store(Path(sys.argv[1])), load_dataset("msr-action3d"))
"""


def _start(folder: Path, pause: float = 0) -> subprocess.Popen[bytes]:
    """Generate a bank in a process of its own that waits ``pause`` seconds after each family."""
    return subprocess.Popen([sys.executable, "-c", _PROGRAM, str(folder), str(pause)])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """The bank of a process that nobody killed."""
    folder = tmp_path_factory.mktemp("whole")
    assert _start(folder).wait() == 0
    return Store(folder).all("banks")[0]


@pytest.mark.parametrize("moment", ["action.jsonl", "codebook.jsonl", "temporal.jsonl"])
def test_killed_and_started_again_gives_the_same_bytes(tmp_path: Path, whole: Artifact, moment: str) -> None:
    process = _start(tmp_path, pause=0.5)
    deadline = time.monotonic() + 60
    while process.poll() is None and not list(tmp_path.glob(f"banks/.*.partial/{moment}")):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was finished before it could be killed"
    assert Store(tmp_path).all("banks") == []
    (next(tmp_path.glob("banks/.*.partial")) / ".temporal.jsonl.1.tmp").write_text("cut off by the ki")
    assert _start(tmp_path).wait() == 0
    assert _files(Store(tmp_path).all("banks")[0]) == _files(whole)


def test_lint_knows_the_slots_of_own_prompts(
    store: Store, pair: Dataset, semantics: Path, repository: Path, tmp_path: Path
) -> None:
    own = tmp_path / "prompts" / "gait" / "v1"
    shutil.copytree(repository / "prompts" / "motion" / "v1", own)
    card = own / "card.yaml"
    card.write_text(card.read_text().replace("family: motion", "family: gait").replace("slot: motion", "slot: gait"))
    config = GenerateConfig(semantics=semantics, prompts=own.parents[1], backend="echo")
    assert "unknown-slot" not in generate(store, pair, config).card.summary["lint"]
