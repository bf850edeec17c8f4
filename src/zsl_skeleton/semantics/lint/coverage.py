"""Is every class there, in order, with the texts that it should have, and about what it means?"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import zip_longest

from zsl_skeleton.catalog import Dataset
from zsl_skeleton.semantics.bank import Description, SemanticBank
from zsl_skeleton.semantics.lint.across import Row
from zsl_skeleton.semantics.lint.model import Finding, Spot
from zsl_skeleton.semantics.lint.rules import finding
from zsl_skeleton.semantics.lint.vocabulary import sense_of

EVIDENCE = 0.1
"""Share of the texts of a family that must show the right sense of an ambiguous class name; at least one text."""
_EVERYWHERE = 0.5
_FEW = 3


def class_list(bank: SemanticBank, dataset: Dataset | None) -> Iterator[Finding]:
    """Classes that are missing, unknown, or in another order than those of the data set."""
    names = bank.class_names
    for row in bank.descriptions:
        known = 0 <= row.class_index < len(names)
        if not known or names[row.class_index] != row.class_name:
            belongs = repr(names[row.class_index]) if known else f"none of the {len(names)} classes"
            spot = Spot(row.class_index, row.class_name, row.slot, row.index, row.text)
            yield finding("class-order", f"number {row.class_index} is {belongs} in the bank's list", spot)
    if dataset is None or dataset.class_names == names:
        return
    for action in dataset.classes:
        if action.name not in names:
            message = f"the bank of {len(names)} classes lacks this one of {len(dataset.classes)}"
            yield finding("class-missing", message, Spot(action.index, action.name))
    pairs = zip_longest(names, dataset.class_names)
    wrong = [(index, name, expected) for index, (name, expected) in enumerate(pairs) if name and name != expected]
    if wrong:
        index, name, expected = wrong[0]
        others = f"; {len(wrong)} rows differ" if len(wrong) > 1 else ""
        message = f"class {index} of {dataset.name} is {expected!r}{others}"
        yield finding("class-order", message, Spot(index, name))


def slots_known(slots: Sequence[str], known: Mapping[str, bool]) -> Iterator[Finding]:
    """Slots that no prompt family fills."""
    for slot in slots:
        if slot not in known:
            close = get_close_matches(slot, known, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            yield finding("unknown-slot", f"no prompt family fills it{hint}", Spot(slot=slot))


def counts(rows: Sequence[Description], names: Sequence[str]) -> Iterator[Finding]:
    """Classes without texts in a slot, with fewer or more than most classes, or with a gap in the numbers.

    Args:
        rows: the texts that stand (neither failed nor rejected).
        names: the classes of the bank.
    """
    numbers: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        numbers[row.slot][row.class_index].append(row.index)
    for slot, classes in numbers.items():
        usual = Counter(len(found) for found in classes.values()).most_common(1)[0][0]
        for index, name in enumerate(names):
            found = sorted(classes.get(index, ()))
            spot = Spot(index, name, slot)
            if not found:
                yield finding("class-missing", f"has no text; other classes have {usual}", spot)
            elif len(found) != usual:
                yield finding("uneven-count", f"has {len(found)} texts; most classes have {usual}", spot)
            elif found != list(range(usual)):
                yield finding("uneven-count", f"its texts are numbered {found}, not 0 to {usual - 1}", spot)


def stand_ins(rows: Sequence[Row]) -> Iterator[Finding]:
    """Sentences that stand in at least half of the classes, in slots whose texts are about the whole movement."""
    owners: dict[tuple[str, str], dict[int | None, Row]] = defaultdict(dict)
    classes: dict[str, set[int | None]] = defaultdict(set)
    for row in rows:
        owners[row.slot, row.reading.key].setdefault(row.spot.class_index, row)
        classes[row.slot].add(row.spot.class_index)
    for (slot, _), found in owners.items():
        row = next(iter(found.values()))
        if row.family != "body-parts" and len(found) >= max(_FEW, math.ceil(_EVERYWHERE * len(classes[slot]))):
            message = f"the same sentence for {len(found)} of {len(classes[slot])} classes"
            yield finding("placeholder", message, Spot(slot=slot, index=row.spot.index, text=row.reading.text))


def senses(rows: Sequence[Row], shown: Mapping[str, bool]) -> Iterator[Finding]:
    """Classes with an ambiguous name whose texts do not show what the name means.

    Args:
        rows: the texts.
        shown: slot -> whether its texts are about what a skeleton shows.
    """
    families: dict[tuple[int | None, str | None, str], list[str]] = defaultdict(list)
    for row in rows:
        if shown.get(row.slot, True) and row.spot.class_name and sense_of(row.spot.class_name):
            families[row.spot.class_index, row.spot.class_name, row.family].append(row.reading.key)
    for (index, name, family), texts in families.items():
        sense = sense_of(str(name))
        if sense is None:
            continue
        telling = sum(all(pattern.search(text) for pattern in sense.show) for text in texts)
        if telling < max(1, math.floor(EVIDENCE * len(texts))):
            message = f"means {sense.means}; {telling} of {len(texts)} texts show that"
            yield finding("sense-not-shown", message, Spot(index, name, family))
