"""What tokens cost, what they will cost, and a budget that is not exceeded."""

from __future__ import annotations

from pathlib import Path

import pytest

from zsl_skeleton.errors import BackendError, InputError
from zsl_skeleton.semantics.backends import Message
from zsl_skeleton.semantics.backends.prices import Budget, Prices, estimate_tokens, load_prices, request_tokens

from .asking import MANY, PARTS, request

TABLE = Prices.model_validate(
    {"dated": "2025-01-31", "models": {"tiny": {"prompt": 1, "completion": 4}, "free": {"prompt": 0, "completion": 0}}}
)


def test_embedded_table_is_dated_and_says_how_to_override() -> None:
    prices = load_prices(None)
    assert prices.dated.year >= 2025
    assert prices.cost("gpt-4o-mini", 1_000_000, 1_000_000) == pytest.approx(0.75)
    source = Path(load_prices.__code__.co_filename).with_name("prices.yaml").read_text()
    assert "PRICES CHANGE" in source and "--prices" in source


def test_cost_is_per_million_tokens() -> None:
    assert TABLE.cost("tiny", 500_000, 250_000) == pytest.approx(1.5)
    assert TABLE.cost("free", 10, 10) == 0.0


@pytest.mark.parametrize(("model", "prompt", "completion"), [("other", 1, 1), ("tiny", None, 1), ("tiny", 1, None)])
def test_unknown_is_none_and_never_zero(model: str, prompt: int | None, completion: int | None) -> None:
    assert TABLE.cost(model, prompt, completion) is None


def test_snapshot_costs_what_its_model_costs_unless_listed() -> None:
    prices = load_prices(None)
    assert prices.of("gpt-4o-2024-11-20") == prices.of("gpt-4o")
    assert prices.of("gpt-4o-2024-05-13") != prices.of("gpt-4o")
    assert prices.of("gpt-4o-audio-preview") is None and prices.of("gpt-4") != prices.of("gpt-4o")


def test_users_table_replaces_the_embedded_one(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text("dated: 2031-01-01\nmodels:\n  mine: {prompt: 3, completion: 3e-1}\n")
    prices = load_prices(path)
    assert prices.cost("mine", 1_000_000, 1_000_000) == pytest.approx(3.3)
    assert prices.cost("gpt-4o-mini", 1, 1) is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("models: {}", "dated"),
        ("dated: 2031-01-01\nmodels: {a: {prompt: -1, completion: 1}}", "models.a.prompt"),
        ("dated: 2031-01-01\nmodels: {a: {prompt: .nan, completion: 1}}", "models.a.prompt"),
        ("dated: 2031-01-01\nmodels: {a: {prompt: 1}}", "models.a.completion"),
        ("dated: 2031-01-01\nmodels: {a: {prompt: 1, completion: 1, output: 1}}", "models.a.output"),
        ("[]", ""),
    ],
)
def test_broken_table_is_named(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(content)
    with pytest.raises(InputError, match="not a price table") as caught:
        load_prices(path)
    assert reason in caught.value.why and str(path) in caught.value.what and "prices.yaml" in caught.value.mend


def test_estimates() -> None:
    assert [estimate_tokens(text) for text in ("", "abcd", "abcde", "a" * 400)] == [1, 1, 2, 100]
    prompt, completion = request_tokens([Message("user", "a" * 400)], request(MANY))
    assert prompt == 104
    assert completion == 4 * 30 * 1.5 + 8
    assert request_tokens([], request(PARTS))[1] == 3 * 30 * 1.5 + 16


def test_budget_counts_what_is_under_way() -> None:
    budget = Budget("tiny", TABLE, max_cost=10.0)
    with budget.reserved(1_000_000, 1_000_000) as first:  # 5 dollars
        with pytest.raises(BackendError, match="--max-cost 10"), budget.reserved(2_000_000, 1_000_000):
            pass
        with budget.reserved(1_000_000, 1_000_000) as second:
            second.settle(100_000, 100_000)  # 50 cents
        first.settle(1_000_000, 1_000_000)
    assert budget.spent == pytest.approx(5.5)
    with budget.reserved(500_000, 1_000_000):
        pass
    with pytest.raises(BackendError) as caught, budget.reserved(600_000, 1_000_000):
        pass
    assert "$5.5000 were spent" in caught.value.why and "$4.6000" in caught.value.why
    assert "higher --max-cost" in caught.value.mend


def test_budget_books_the_estimate_where_nobody_counts_and_nothing_for_a_call_that_failed() -> None:
    budget = Budget("tiny", TABLE, max_cost=10.0)
    with budget.reserved(1_000_000, 0) as call:
        call.settle(None, None)
    assert budget.spent == pytest.approx(1.0)
    with pytest.raises(ZeroDivisionError), budget.reserved(9_000_000, 0):
        raise ZeroDivisionError
    with budget.reserved(9_000_000, 0):
        pass


def test_limit_without_a_price_is_refused_before_anything_is_sent() -> None:
    strict = Budget("other", TABLE, max_cost=1.0)
    with pytest.raises(BackendError, match="price of the model 'other' is unknown") as caught, strict.reserved(1, 1):
        raise AssertionError("a call was let through")
    assert "--prices" in caught.value.mend
    with Budget("other", TABLE, max_cost=None).reserved(1, 1) as call:
        call.settle(1, 1)
