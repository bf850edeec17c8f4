"""What the page tells: facts about the bank, lint by rule, and every text with its marks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zsl_skeleton.artifacts import Card
from zsl_skeleton.semantics.bank import Description, Provenance, SemanticBank
from zsl_skeleton.semantics.lint import RULES, Finding
from zsl_skeleton.semantics.lint.model import Rule
from zsl_skeleton.semantics.words import word_count, words

MANY_TEXTS = 12
"""A slot with more texts per class than this is collapsed until somebody opens it."""
MOST_LINKS = 200
"""Findings of one rule that the lint table links to; the texts themselves carry all marks."""
Place = tuple[int | None, str | None, int | None]


@dataclass(frozen=True)
class About:
    """What the page is told beside the texts: the bank's card (date, account, origin), the split to show first."""

    card: Card | None = None
    split: str | None = None


@dataclass(frozen=True)
class RuleFindings:
    """All findings of one rule.

    ``placed`` are about a class or its texts, ``unplaced`` about the whole bank, which no text carries. ``links`` holds
    class index -> (where on the page, label) of the first ``shown`` placed ones.
    """

    rule: Rule
    placed: Sequence[Finding]
    unplaced: Sequence[Finding]
    links: Mapping[int, Sequence[tuple[str, str]]]
    shown: int


@dataclass(frozen=True)
class SlotTexts:
    """The texts of one class in one slot. ``effective`` is None without embeddings."""

    slot: str
    rows: Sequence[Description]
    findings: Sequence[Finding]
    effective: float | None

    @property
    def used(self) -> list[str]:
        """The texts that count."""
        return [row.text for row in self.rows if row.in_use]

    @property
    def distinct_words(self) -> int:
        """Number of different words in all its texts."""
        return len({word for text in self.used for word in words(text)})

    @property
    def mean_words(self) -> float:
        """Words per text; 0.0 for no texts."""
        return sum(map(word_count, self.used)) / max(len(self.used), 1)

    @property
    def collapsed(self) -> bool:
        """Whether there are too many texts to show them at once."""
        return len(self.rows) > MANY_TEXTS


@dataclass(frozen=True)
class ClassTexts:
    """All texts of one class; ``findings`` are those about the class as a whole."""

    index: int
    name: str
    code: str
    persons: int
    slots: Sequence[SlotTexts]
    findings: Sequence[Finding]
    severities: Mapping[str, int] = field(default_factory=dict)

    @property
    def texts(self) -> int:
        """Number of texts that count."""
        return sum(len(slot.used) for slot in self.slots)


def rule_table(findings: Iterable[Finding], places: frozenset[Place]) -> list[RuleFindings]:
    """Findings by rule, in the order of the rules, without rules that found nothing.

    Args:
        findings: what lint found.
        places: the texts and slots that stand on the page, which a link can lead to.
    """
    groups: dict[str, list[Finding]] = defaultdict(list)
    for item in findings:
        groups[item.rule].append(item)
    return [_rule_findings(rule, groups[rule.name], places) for rule in RULES if rule.name in groups]


def _rule_findings(rule: Rule, findings: Sequence[Finding], places: frozenset[Place]) -> RuleFindings:
    placed = _placed(findings)
    links: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for item in placed[:MOST_LINKS]:
        links[item.class_index or 0].append(_link(item, places))
    unplaced = [item for item in findings if item.class_index is None]
    return RuleFindings(rule, placed, unplaced, links, min(len(placed), MOST_LINKS))


def _placed(findings: Iterable[Finding]) -> list[Finding]:
    return [item for item in findings if item.class_index is not None]


def _link(item: Finding, places: frozenset[Place]) -> tuple[str, str]:
    label = " ".join(str(part) for part in (item.slot, item.index) if part is not None) or "the class"
    if (item.class_index, item.slot, item.index) in places and item.index is not None:
        return f"t{item.class_index}-{item.slot}-{item.index}", label
    if (item.class_index, item.slot, None) in places:
        return f"s{item.class_index}-{item.slot}", label
    return f"c{item.class_index}", label


def by_place(findings: Iterable[Finding], places: frozenset[Place]) -> dict[Place, list[Finding]]:
    """Findings by the text, slot or class that should carry their mark; those about the bank are left out."""
    found: dict[Place, list[Finding]] = defaultdict(list)
    for item in _placed(findings):
        exact: Place = (item.class_index, item.slot, item.index)
        slot: Place = (item.class_index, item.slot, None)
        found[exact if exact in places else slot if slot in places else (item.class_index, None, None)].append(item)
    return found


def all_places(bank: SemanticBank) -> frozenset[Place]:
    """Every text, and every slot of every class, that stands on the page."""
    rows = {row.place for row in bank.descriptions}
    return frozenset(rows | {(index, slot, None) for slot in bank.slots for index in range(len(bank.class_names))})


def facts(bank: SemanticBank, about: About) -> dict[str, Any]:
    """What the head of the page says: who wrote the texts, how many there are, when, and what they took."""
    rows = bank.descriptions
    writers = Counter((row.provenance.backend, row.provenance.model) for row in rows)
    card = about.card
    account: Mapping[str, Mapping[str, Any]] = card.summary.get("account", {}) if card else {}
    return {
        "card": card,
        "writers": [(backend, model or "", count) for (backend, model), count in writers.most_common()],
        "families": _families(row.provenance for row in rows),
        "texts": sum(row.in_use for row in rows),
        "states": Counter(row.provenance.state for row in rows),
        "account": account,
        "total": _total(account),
    }


def _families(provenances: Iterable[Provenance]) -> list[tuple[str, str, int]]:
    counts = Counter((item.family, item.template) for item in provenances)
    return [(family, template, count) for (family, template), count in counts.items()]


def _total(account: Mapping[str, Mapping[str, Any]]) -> dict[str, float | None]:
    """The sum of every column; None where a part of it is unknown."""
    keys = dict.fromkeys(key for row in account.values() for key in row)
    columns = {key: [row.get(key) for row in account.values()] for key in keys}
    return {key: None if None in values else sum(map(float, filter(None, values))) for key, values in columns.items()}
