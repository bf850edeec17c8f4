"""A real server and a real model: ``transformers serve`` with a Llama that is trained on the spot.

It has learnt the answers of ``echo`` to the prompts of two classes, well but not perfectly: real wire, real mistakes.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tiny_llama import save_tiny_llama
from zsl_skeleton.artifacts import Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import QualityError
from zsl_skeleton.semantics.backends import Answer, Options, Request
from zsl_skeleton.semantics.backends.echo import EchoBackend
from zsl_skeleton.semantics.bank import Description, Provenance, SemanticBank, read_lines
from zsl_skeleton.semantics.dialogue import Dialogue
from zsl_skeleton.semantics.generate import GenerateConfig, generate
from zsl_skeleton.semantics.prompts import load_families

pytestmark = pytest.mark.slow
STEPS, ROWS, RATE = 100, 6, 4e-3  # about half a minute on one core; one answer in twenty is wrong


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """All families, asking for fewer texts."""
    folder = tmp_path_factory.mktemp("semantics") / "prompts"
    shutil.copytree(repository / "prompts", folder)
    for card in folder.glob("*/*/card.yaml"):
        text = re.sub(r"texts: 100, per_call: 20", "texts: 4, per_call: 2", card.read_text())
        card.write_text(re.sub(r"texts: 10\b", "texts: 2", text))
    return folder


@pytest.fixture(scope="module")
def classes() -> Dataset:
    """Two classes, one of them for two people."""
    return Dataset.model_validate(
        {
            "name": "two",
            "title": "Two classes",
            "synthetic": True,
            "layout": "ntu-25",
            "fps": 30,
            "persons": 2,
            "classes": [
                {"index": 0, "code": "A1", "name": "knee bend"},
                {"index": 1, "code": "A2", "name": "giving a high five", "persons": 2},
            ],
            "protocols": {"xsub": {"name": "xsub", "by": "subject", "train": [1]}},
            "default_protocol": "xsub",
        }
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, classes: Dataset, prompts: Path) -> Path:
    """The folder of the trained Llama."""
    lessons = asyncio.run(_lessons(classes, prompts))
    folder = tmp_path_factory.mktemp("models") / "pupil"
    chats = [[vars(message) for message in request.messages] for request, _ in lessons]
    answers = [json.dumps(answer) for _, answer in lessons]
    texts = [message["content"] for chat in chats for message in chat] + answers
    tokenizer, llama = save_tiny_llama(folder, texts, size=96, vocabulary=3000)
    pairs = [
        (tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False), answer + "<eos>")
        for chat, answer in zip(chats, answers, strict=True)
    ]
    _train(llama, [tuple(tokenizer(part)["input_ids"] for part in pair) for pair in pairs])
    llama.save_pretrained(folder)
    return folder


async def _lessons(dataset: Dataset, prompts: Path) -> list[tuple[Request, dict[str, Any]]]:
    """Every request of every family, and what echo answers."""
    lessons: list[tuple[Request, dict[str, Any]]] = []
    echo = EchoBackend()

    async def ask(request: Request) -> Answer:
        answer = await echo.answer(request)
        texts = answer.texts
        lessons.append(
            (request, {f.key: texts[f.slot][0] if f.texts == 1 else list(texts[f.slot]) for f in request.fields})
        )
        return answer

    for family in load_families(prompts).values():
        common = Provenance(family=family.id, template=family.hash, backend="echo")
        for action in dataset.classes:
            await Dialogue(ask, echo.fingerprint, family, dataset.name, action, common).run()
    return lessons


def _train(llama: Any, pairs: list[tuple[list[int], ...]]) -> None:
    """Teach the answers; the prompts are given."""
    import torch

    torch.manual_seed(0)
    optimiser = torch.optim.AdamW(llama.parameters(), lr=RATE, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=STEPS)
    llama.train()
    order: list[int] = []
    for _ in range(STEPS):
        order = order or torch.randperm(len(pairs)).tolist()
        batch, order = order[:ROWS], order[ROWS:]
        rows = [pairs[n][0] + pairs[n][1] for n in batch]
        width = max(map(len, rows))
        ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
        labels = torch.full_like(ids, -100)
        for number, n in enumerate(batch):
            labels[number, len(pairs[n][0]) : len(rows[number])] = ids[number, len(pairs[n][0]) : len(rows[number])]
        loss = llama(input_ids=ids, attention_mask=(labels != -100) | (ids != 0), labels=labels).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(llama.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    llama.eval()


@pytest.fixture(scope="module")
def address(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the server; skips where it cannot be started."""
    for package in ("fastapi", "uvicorn", "accelerate"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed: pip install 'transformers[serving]'")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("server")
    (folder / "hub").mkdir()
    code = "import sys; from transformers.cli.transformers import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "serve", str(model), "--host", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {"HF_HUB_CACHE": str(folder / "hub"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([*command, "--device", "cpu"], env=environment, stdout=log, stderr=log)
    try:
        if not _comes_up(server, f"http://127.0.0.1:{port}/health"):
            pytest.skip(f"transformers serve did not come up: {(folder / 'log').read_text()[-500:]}")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(timeout=20)


def _comes_up(server: subprocess.Popen[bytes], url: str) -> bool:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return True
        except OSError:
            if server.poll() is not None:
                return False
            time.sleep(0.2)
    return False


def _texts(store: Store, dataset: Dataset, config: GenerateConfig) -> tuple[list[Description], list[Description]]:
    """Sound and failed texts, of the finished bank or of what is kept of it."""
    try:
        rows = list(SemanticBank.open(generate(store, dataset, config)).descriptions)
    except QualityError:
        rows = []
        for path in sorted(store.root.glob("banks/.*/*.jsonl")):
            common = Provenance(family=path.stem, template="", backend=config.backend)
            rows += read_lines(path, dataset.name, common)
    failed = [row for row in rows if row.provenance.state == "failed"]
    return [row for row in rows if row not in failed], failed


def _check(sound: list[Description], failed: list[Description], prompts: Path) -> None:
    slots = {slot for family in load_families(prompts).values() for slot in family.slots}
    assert {row.slot for row in [*sound, *failed]} == slots
    # Two labels and 48 texts, if all answers are right.
    assert len(sound) >= 26
    for row in failed:
        sys.stderr.write(f"{row.class_name}, {row.slot}: {row.provenance.reason}\n")
        assert row.provenance.reason and row.text == ""
    sys.stderr.write(f"{len(sound)} sound texts, {len(failed)} failed slots\n")


def test_all_families_over_a_real_server(
    address: str, model: Path, store: Store, classes: Dataset, prompts: Path
) -> None:
    options = Options(base_url=address, model=str(model), max_tokens=400, max_concurrency=2, repairs=1)
    config = GenerateConfig(backend="openai", prompts=prompts, options=options)
    sound, failed = _texts(store, classes, config)
    _check(sound, failed, prompts)
    again, still_failed = _texts(store, classes, config)
    assert [row for row in sound if row not in again] == []
    assert len(still_failed) <= len(failed)


def test_all_families_by_the_same_model_in_this_process(
    model: Path, store: Store, classes: Dataset, prompts: Path
) -> None:
    pytest.importorskip("llguidance", reason="not installed: pip install 'zsl-skeleton[local]'")
    options = Options(model=str(model), device="cpu", max_concurrency=4, repairs=1)
    config = GenerateConfig(backend="transformers", prompts=prompts, options=options)
    sound, failed = _texts(store, classes, config)
    _check(sound, failed, prompts)
    assert [row.provenance.reason for row in failed if "JSON" in row.provenance.reason] == []
