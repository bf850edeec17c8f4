"""Classes, slots and numbers of texts; the sense of ambiguous names; encoders."""

from __future__ import annotations

from collections.abc import Sequence

from semantics.lint.banks import dataset_of, of_rule
from written_banks import bank_of
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.lint import Finding, lint_bank, summarise
from zsl_skeleton.text.encoders import load_encoder

NAMES = ("salute", "drop", "push")
MOTION = [["The right hand rises to the temple."], ["The right hand opens at the hip."], ["Both hands move forward."]]


def lint(names: Sequence[str], expected: Sequence[str] = NAMES) -> list[Finding]:
    return lint_bank(bank_of(names, {"motion": MOTION[: len(names)]}), dataset_of(expected))


def test_a_sound_bank_has_no_findings() -> None:
    assert lint(NAMES) == []


def test_missing_and_shifted_classes_are_found() -> None:
    findings = lint(("salute", "push"))
    [missing] = of_rule(findings, "class-missing")
    assert (missing.class_index, missing.class_name) == (1, "drop")
    [order] = of_rule(findings, "class-order")
    assert order.class_index == 1 and "'drop'" in order.message


def test_another_order_is_found_and_reported_once() -> None:
    findings = lint(("salute", "push", "drop"))
    [order] = of_rule(findings, "class-order")
    assert order.class_name == "push" and "2 rows differ" in order.message
    assert not of_rule(findings, "class-missing")


def test_more_classes_than_the_data_set_has_are_found() -> None:
    assert summarise(lint(NAMES, NAMES[:2]))["class-order"] == 1


def test_rows_bound_to_another_class_are_found() -> None:
    bank = bank_of(NAMES, {"motion": MOTION})
    rows = (bank.descriptions[0], bank.descriptions[1].model_copy(update={"class_index": 9}), bank.descriptions[2])
    wrong = SemanticBank(bank.dataset, bank.class_names, rows, bank.id)
    [order] = of_rule(lint_bank(wrong), "class-order")
    assert order.class_index == 9 and order.text == MOTION[1][0]


def test_unknown_slots_are_found_with_the_slot_that_was_meant() -> None:
    [found] = of_rule(lint_bank(bank_of(NAMES, {"spatial.corse": MOTION})), "unknown-slot")
    assert found.slot == "spatial.corse" and "'spatial.coarse'" in found.message
    assert not of_rule(lint_bank(bank_of(NAMES, {"own": MOTION}), slots={"own": False}), "unknown-slot")


def test_a_slot_may_be_declared_free_to_name() -> None:
    texts = {"own": [["The right hand salutes at the temple of the head."], *MOTION[1:]]}
    assert lint_bank(bank_of(NAMES, texts), slots={"own": True}) == []
    assert set(summarise(lint_bank(bank_of(NAMES, texts), slots={"own": False}))) == {"class-name-leak"}


def test_uneven_counts_and_empty_classes_are_found() -> None:
    more = [["The right elbow bends.", "The right hand sinks."], ["The right wrist turns."], []]
    bank = bank_of(NAMES, {"motion": MOTION, "codebook": [*more[:2], []]})
    findings = lint_bank(bank)
    [missing] = of_rule(findings, "class-missing")
    assert (missing.class_name, missing.slot) == ("push", "codebook")
    assert len(of_rule(findings, "uneven-count")) == 1


def test_a_gap_in_the_numbers_is_found() -> None:
    bank = bank_of(NAMES, {"motion": MOTION})
    rows = (*bank.descriptions[:2], bank.descriptions[2].model_copy(update={"index": 4}))
    [found] = lint_bank(SemanticBank(bank.dataset, bank.class_names, rows, bank.id))
    assert found.rule == "uneven-count" and "[4]" in found.message


def test_rejected_and_failed_texts_count_as_absent() -> None:
    for state in ("rejected", "failed"):
        bank = bank_of(NAMES, {"motion": MOTION})
        bad = bank_of(NAMES, {"motion": [["x"], ["x"], ["x"]]}, lambda *_, state=state: state)
        mixed = SemanticBank(bank.dataset, NAMES, (*bank.descriptions[:2], bad.descriptions[2]), "0")
        [found] = lint_bank(mixed)
        assert (found.rule, found.class_name) == ("class-missing", "push")


def test_two_people_are_looked_up_in_the_data_set() -> None:
    bank = bank_of(NAMES, {"motion": MOTION})
    assert summarise(lint_bank(bank, dataset_of(NAMES, two=("push",)))) == {"second-person-missing": 1}


def test_an_ambiguous_name_needs_texts_that_show_its_sense() -> None:
    names = ("hands up (both hands)",)
    slack = ["The trunk stays upright.", "The head turns slowly.", "The knees bend a little."]
    [found] = of_rule(lint_bank(bank_of(names, {"codebook": [slack]})), "sense-not-shown")
    assert (found.class_index, found.slot) == (0, "codebook")
    assert "0 of 3" in found.message
    risen = [*slack, "The person lifts the forearms to the head."]
    assert not of_rule(lint_bank(bank_of(names, {"codebook": [risen]})), "sense-not-shown")
    assert not of_rule(lint_bank(bank_of(names, {"action": [["A person gives up."]]})), "sense-not-shown")


class Short:
    """An encoder that reads five words."""

    name = "short"
    max_tokens = 5

    def __init__(self) -> None:
        self.asked: list[str] = []

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        self.asked += texts
        return [len(text.split()) for text in texts]


def test_texts_that_an_encoder_cuts_off_are_found_in_its_own_tokens() -> None:
    encoder = Short()
    texts = {"motion": MOTION, "label": [["a"], ["b"], ["c"]]}
    findings = of_rule(lint_bank(bank_of(NAMES, texts), encoders=[encoder]), "too-long-for-encoder")  # type: ignore[list-item]
    assert [(item.class_name, item.slot) for item in findings] == [("salute", "motion"), ("drop", "motion")]
    assert findings[0].message == "7 tokens; short reads 5 and cuts off the rest"
    assert "a" not in encoder.asked
    assert not lint_bank(bank_of(NAMES, {"motion": MOTION}), encoders=[load_encoder("hashing")])
