"""Batches over a real socket: handed in once, collected, checked, mended, and nothing is paid twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from batch_bench import Bench, batch_bench
from batch_server import Line, expiry, output, refusal
from sound_answers import sound_answer
from zsl_skeleton.cache import open_text_cache
from zsl_skeleton.errors import BackendError
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.batch import lines as batch_lines
from zsl_skeleton.semantics.batch import (
    render_collected,
    render_status,
    render_submitted,
    status,
)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with batch_bench(tmp_path, monkeypatch) as running:
        yield running


def bad(line: Line) -> Line:
    """An answer that shows nothing of the body."""
    return output(line, json.dumps({"motion": "Somebody does something nice."}))


def test_turn_by_turn_to_the_bank_that_live_calls_would_make(bench: Bench) -> None:
    bench.families = ("motion", "temporal")
    first = bench.submit()
    assert first.batches == {"batch_1": 6} and first.next == "zsl-semantics batch collect"
    assert bench.api.keys == {"Bearer sk-secret-key"}
    body = bench.api.uploads[0][0]["body"]
    assert body["response_format"]["json_schema"]["strict"] and body["model"] == "tiny"
    assert {line["url"] for line in bench.api.uploads[0]} == {"/v1/chat/completions"}
    bench.api.finish()
    result = bench.collect()
    assert (result.answered, result.prompt_tokens, result.completion_tokens) == (6, 600, 120)
    assert result.cost is None and not result.failures
    assert result.next[0].startswith("zsl-semantics batch submit --dataset three --family motion --family temporal")
    assert f"--catalog {bench.catalog}" in result.next[0] and "--backend" not in result.next[0]
    assert bench.round().answered == 3
    last = bench.round()
    assert last.next[0].startswith("zsl-semantics generate --dataset three --backend openai")
    assert len(bench.api.asked) == len(set(bench.api.asked)) == 12
    nothing = bench.submit()
    assert not nothing.batches and nothing.next == last.next[0]
    bank = bench.bank()  # the server has no /chat/completions: asking anything would fail
    account = bank.card.summary["account"]["temporal@v1"]
    assert (account["requests"], account["cached"], account["calls"]) == (9, 9, 0)
    rows = SemanticBank.open(bank).descriptions
    assert len(rows) == 3 * (1 + 30)
    assert rows[0].text == json.loads(sound_answer(body))["motion"]


def test_submitting_twice_asks_once(bench: Bench) -> None:
    bench.submit()
    again = bench.submit()
    assert not again.batches and again.under_way == 3 and again.next == "zsl-semantics batch collect"
    assert "not collected yet" in render_submitted(again)
    bench.api.finish()
    assert bench.submit().batches == {}, "finished at the server, but nobody has seen the answers"
    bench.families = ("motion", "action")
    assert sum(bench.submit().batches.values()) == 3, "only those of the other family"


def test_two_processes_hand_in_once(bench: Bench) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = [task.result() for task in [pool.submit(bench.submit), pool.submit(bench.submit)]]
    assert sorted(sum(result.batches.values()) for result in both) == [0, 3]
    assert sorted(result.under_way for result in both) == [0, 3]


def test_unfinished_batches_wait(bench: Bench) -> None:
    bench.submit()
    result = bench.collect()
    assert result.waiting == {"batch_1": "validating"} and result.next == ["zsl-semantics batch collect"]
    assert "batch_1: validating" in render_collected(result)
    bench.api.finish()
    assert bench.collect().answered == 3
    assert render_collected(bench.collect()) == "there is nothing to collect"


def test_status_tells_counts_and_errors(bench: Bench) -> None:
    assert "batch submit" in render_status(status(bench.store))
    bench.submit()
    bench.api.batches["batch_1"] |= {
        "status": "failed",
        "errors": {"data": [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached", "line": 2}]},
    }
    found = status(bench.store)
    assert (found[0].state, found[0].total, found[0].collected) == ("failed", 3, False)
    assert "line 2: Enqueued token limit reached" in render_status(found)
    result = bench.collect()
    assert result.failures[0].reason == "line 2: Enqueued token limit reached"
    assert {failure.reason for failure in result.failures[1:]} == {"the batch is failed"}
    assert status(bench.store)[0].collected
    assert sum(bench.submit().batches.values()) == 3, "nothing was answered, so all is open again"


def test_a_bad_answer_is_sent_back_with_what_was_wrong_and_then_given_up(bench: Bench) -> None:
    bench.options["repairs"] = 1
    spoiled = bench.submit() and bench.api.uploads[0][1]["custom_id"]
    bench.api.finish(lambda line: bad(line) if line["custom_id"] == spoiled else output(line))
    result = bench.collect()
    assert result.answered == 2 and "squat: motion@v1" in result.failures[0].about
    assert "batch submit" in result.next[0]
    bench.submit()
    (line,) = bench.api.uploads[1]
    assert line["custom_id"] == spoiled
    assert [message["role"] for message in line["body"]["messages"]][-3:] == ["user", "assistant", "user"]
    assert "Somebody does" in line["body"]["messages"][-2]["content"]
    assert "words instead of" in line["body"]["messages"][-1]["content"]
    bench.api.finish(bad)
    assert bench.collect().next[0].startswith("zsl-semantics generate"), "a live call may still mend it"
    result = bench.submit()
    assert not result.batches and list(result.given_up) == ["squat: motion@v1, motion"]
    assert "after 1 repair turn" in render_submitted(result)
    bench.options["repairs"] = 2
    assert sum(bench.submit().batches.values()) == 1, "who allows more may go on"


def test_a_mended_answer_counts_what_all_its_turns_took(bench: Bench) -> None:
    bench.round(bad)
    bench.round()
    cache = open_text_cache(bench.store.root / ".cache" / "responses", "cache")
    kept = [json.loads(cache.get(key) or "") for key in iter(cache.keys())]
    assert [(item["calls"], item["prompt_tokens"], item["batch"]) for item in kept] == [(2, 200, "batch_2")] * 3
    assert bench.bank().card.summary["account"]["motion@v1"]["prompt_tokens"] == 600


def test_cut_off_answers_are_asked_afresh(bench: Bench) -> None:
    cut = {"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": '{"motion": "The'}}
    result = bench.round(lambda line: output(line, choices=[cut]))
    assert "--max-tokens" in result.failures[0].reason
    bench.submit()
    assert [m["role"] for m in bench.api.uploads[1][0]["body"]["messages"]] == ["system", "user"]


@pytest.mark.parametrize("state", ["expired", "cancelled"])
def test_what_a_batch_answered_before_it_ended_is_kept(bench: Bench, state: str) -> None:
    first: list[str] = []

    def some(line: Line) -> Line | None:
        first.append(line["custom_id"])
        return output(line) if len(first) == 1 else expiry(line) if len(first) == 2 else None

    result = bench.round(some, state)
    assert result.answered == 1
    assert "expired" in result.failures[0].reason
    assert result.failures[1].reason == f"the batch is {state}"
    bench.submit()
    assert {line["custom_id"] for line in bench.api.uploads[1]} == set(first[1:])


def test_lines_that_are_no_answers(bench: Bench) -> None:
    bench.submit()
    ids = bench.api.asked

    def odd(line: Line) -> Line | bytes:
        if line["custom_id"] == ids[0]:
            return b'{"custom_id": "cut off'
        if line["custom_id"] == ids[1]:
            return output(line) | {"custom_id": "../../somebody else's"}
        return output(line, choices=[])

    bench.api.finish(odd)
    result = bench.collect()
    reasons = [failure.reason for failure in result.failures]
    assert result.answered == 0
    assert "line 1 is not an answer" in reasons[0] and "somebody else" in reasons[1]
    assert reasons[2:4] == ["there is no answer to it"] * 2
    assert "without any choice" in reasons[4]
    assert sum(bench.submit().batches.values()) == 3


def test_what_the_server_refuses(bench: Bench) -> None:
    bench.options["repairs"] = 0
    result = bench.round(lambda line: refusal(line, 400, "This model's maximum context length is 10", "context_length"))
    assert "too long for the model" in result.failures[0].reason
    assert len(bench.submit().given_up) == 3, "the same request would be refused for ever"


def test_a_server_that_fails_is_asked_again(bench: Bench) -> None:
    bench.options["repairs"] = 0
    assert "HTTP 500" in bench.round(lambda line: refusal(line, 500, "oops")).failures[0].reason
    assert sum(bench.submit().batches.values()) == 3


def test_the_form_that_is_refused_is_not_asked_for_again(bench: Bench) -> None:
    bench.round(lambda line: refusal(line, 400, "response_format json_schema is not supported with this model"))
    bench.submit()
    assert bench.api.uploads[1][0]["body"]["response_format"] == {"type": "json_object"}
    assert "JSON schema" in bench.api.uploads[1][0]["body"]["messages"][-1]["content"]


def test_the_other_name_of_the_limit_is_found(bench: Bench) -> None:
    bench.options["max_tokens"] = 900
    bench.round(lambda line: refusal(line, 400, "Unsupported parameter: 'max_tokens'"))
    bench.submit()
    assert bench.api.uploads[1][0]["body"]["max_completion_tokens"] == 900


def test_splits_at_the_limits_of_the_api(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_lines, "MOST_LINES", 2)
    assert bench.submit().batches == {"batch_1": 2, "batch_2": 1}
    bench.api.finish()
    assert bench.collect().answered == 3


def test_files_hold_as_many_bytes_as_they_may() -> None:
    lines = [(str(n), b"x" * 40) for n in range(5)]
    assert [list(file) for file in batch_lines.split_lines(lines, most_bytes=80)] == [["0", "1"], ["2", "3"], ["4"]]
    assert batch_lines.split_lines([]) == []
    assert (batch_lines.MOST_LINES, batch_lines.MOST_BYTES) == (50_000, 200_000_000)


def test_max_cost(bench: Bench) -> None:
    bench.options |= {"model": "gpt-4o-mini", "max_cost": 1e-6}
    with pytest.raises(BackendError, match="could pass --max-cost"):
        bench.submit()
    bench.options["max_cost"] = 1.0
    bench.submit()
    bench.api.finish()
    assert bench.collect().cost == pytest.approx((300 * 0.15 + 60 * 0.6) / 1e6 / 2)
    account = bench.bank().card.summary["account"]["motion@v1"]
    assert account["cost"] == pytest.approx((300 * 0.15 + 60 * 0.6) / 1e6 / 2), "batches cost half"
    bench.families, bench.options["model"] = ("action",), "my-own"
    with pytest.raises(BackendError, match="price of the model 'my-own' is unknown"):
        bench.submit()
    assert len(bench.api.uploads) == 1
