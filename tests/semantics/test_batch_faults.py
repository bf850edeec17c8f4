"""What can go wrong between us and a batch server: nothing is lost, and the user is told what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from batch_bench import Bench, batch_bench
from zsl_skeleton.errors import BackendError, InputError, UsageError
from zsl_skeleton.semantics.batch import (
    collect,
    read_records,
    status,
)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with batch_bench(tmp_path, monkeypatch) as running:
        yield running


def test_a_batch_whose_start_was_not_heard_of_is_found_again(bench: Bench) -> None:
    bench.api.failing["POST /v1/batches"] = (502, b"bad gateway")
    with pytest.raises(BackendError, match="HTTP 502"):
        bench.submit()
    assert len(bench.api.batches) == 1 and [record.id for record in read_records(bench.store)] == [None]
    assert status(bench.store)[0].id is None
    bench.api.failing.clear()
    again = bench.submit()
    assert not again.batches and again.under_way == 3
    assert [record.id for record in read_records(bench.store)] == ["batch_1"]
    bench.api.finish()
    assert bench.collect().answered == 3


def test_a_batch_that_never_arrived_is_handed_in_again(bench: Bench) -> None:
    bench.api.failing["POST /v1/batches"] = (502, b"bad gateway")
    with pytest.raises(BackendError):
        bench.submit()
    bench.api.failing.clear()
    bench.api.batches.clear()
    assert sum(bench.submit().batches.values()) == 3


def test_a_refused_batch_leaves_no_trace(bench: Bench) -> None:
    said = json.dumps(
        {"error": {"message": "Billing hard limit of sk-secret-key has been reached", "code": "billing"}}
    ).encode()
    bench.api.failing["POST /v1/batches"] = (400, said)
    with pytest.raises(BackendError, match="refused the request") as caught:
        bench.submit()
    assert "Billing hard limit of [key]" in caught.value.why and "sk-secret" not in caught.value.why
    assert read_records(bench.store) == []


def test_collecting_again_after_a_kill_changes_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.submit()
    bench.api.finish()
    record = bench.store.root / "batches" / "batch_1.json"
    before = record.read_text()
    bench.collect()
    record.write_text(before)  # as if it had been killed before its last step
    result = bench.collect()
    assert result.answered == 3 and not result.failures
    bench.bank()


@pytest.mark.parametrize("code", [404, 405])
def test_a_server_without_batches(bench: Bench, code: int) -> None:
    bench.api.failing["POST /v1/files"] = (code, b'{"detail": "Not Found"}')
    with pytest.raises(BackendError, match="has no Batch API") as caught:
        bench.submit()
    assert "zsl-semantics generate --backend openai" in caught.value.mend


def test_a_web_page_is_no_batch_api(bench: Bench) -> None:
    bench.api.failing["POST /v1/files"] = (200, b"<html>hello</html>")
    with pytest.raises(BackendError, match="has no Batch API") as caught:
        bench.submit()
    assert "<html>" in caught.value.why


def test_wrong_key(bench: Bench) -> None:
    said = {"error": {"message": "Incorrect API key provided: sk-secret-key", "code": "invalid_api_key"}}
    bench.api.failing["POST /v1/files"] = (401, json.dumps(said).encode())
    with pytest.raises(BackendError, match="refuses the key") as caught:
        bench.submit()
    assert "export OPENAI_API_KEY" in caught.value.mend and "sk-secret" not in str(caught.value)


def test_no_key(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    bench.options["base_url"] = None
    with pytest.raises(BackendError, match="OPENAI_API_KEY is not set"):
        bench.submit()


def test_a_batch_that_the_server_does_not_know(bench: Bench) -> None:
    bench.submit()
    del bench.api.batches["batch_1"]
    for command in (status, collect):
        with pytest.raises(BackendError, match="does not know the batch batch_1") as caught:
            command(bench.store)
        assert "batches/batch_1.json" in caught.value.mend


def test_a_deleted_file(bench: Bench) -> None:
    bench.submit()
    bench.api.finish()
    bench.api.files.clear()
    result = bench.collect()
    assert "has deleted the file" in result.failures[0].reason
    assert sum(bench.submit().batches.values()) == 3


def test_answers_to_prompts_that_have_changed(bench: Bench) -> None:
    bench.submit()
    bench.api.finish()
    path = bench.catalog / "three.yaml"
    path.write_text(path.read_text().replace("squat", "deep bow"))
    result = bench.collect()
    assert result.answered == 2 and "have changed" in result.failures[0].reason
    assert sum(bench.submit().batches.values()) == 1


def test_what_a_batch_cannot_do(bench: Bench) -> None:
    bench.options["refresh"] = True
    with pytest.raises(UsageError, match="--refresh"):
        bench.submit()
    bench.options = {"base_url": bench.api.url.replace("//", "//me:pw@")}
    with pytest.raises(UsageError, match="password"):
        bench.submit()


def test_a_broken_record(bench: Bench) -> None:
    bench.submit()
    path = bench.store.root / "batches" / "batch_1.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"id": "../../x"}))
    with pytest.raises(InputError, match=r"batch_1\.json is not the record of a batch"):
        collect(bench.store)
