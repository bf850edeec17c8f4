"""All rules on a whole bank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from zsl_skeleton.catalog import ActionClass, Dataset
from zsl_skeleton.resources import data_folder, packaged_folder
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.lint.across import Row, duplicates, near_duplicates
from zsl_skeleton.semantics.lint.coverage import class_list, counts, senses, slots_known, stand_ins
from zsl_skeleton.semantics.lint.drift import style_drift
from zsl_skeleton.semantics.lint.encoders import too_long
from zsl_skeleton.semantics.lint.model import Finding, Spot
from zsl_skeleton.semantics.lint.rules import RULES
from zsl_skeleton.semantics.lint.single import Reading, reading_findings
from zsl_skeleton.semantics.prompts import load_family
from zsl_skeleton.text.encoders import Encoder

_SET_ASIDE = frozenset({"failed", "rejected"})


def prompt_slots(folder: Path | None = None) -> dict[str, bool]:
    """Slots of all versions of all prompt families -> whether their texts may name the class.

    Args:
        folder: the user's ``prompts`` folder, whose families come on top of the packaged ones; None: as configured.

    Raises:
        InputError: the folder is missing, or a family is not valid.
    """
    found: dict[str, bool] = {}
    for place in dict.fromkeys(filter(None, (packaged_folder("prompts"), data_folder("prompts", folder)))):
        for card in sorted(place.glob("*/v*/card.yaml")):
            for turn in load_family(card.parent).card.turns:
                found |= {answer.slot: turn.may_name for answer in turn.answers}
    return found


def lint_bank(
    bank: SemanticBank,
    dataset: Dataset | None = None,
    encoders: Sequence[Encoder] = (),
    slots: Mapping[str, bool] | None = None,
) -> list[Finding]:
    """Hold a bank against all rules.

    Texts that failed or were rejected count as absent.

    Args:
        bank: the texts.
        dataset: what the classes should be, and how many people act in each; None: one person, and the bank's classes.
        encoders: those that will read the texts.
        slots: as :func:`prompt_slots` gives them; None: those of the configured prompts.

    Returns:
        Findings in the order of the rules, then of the classes.

    Raises:
        InputError: the prompts cannot be read.
    """
    known = prompt_slots() if slots is None else slots
    actions = _actions(bank, dataset)
    standing = [row for row in bank.descriptions if row.provenance.state not in _SET_ASIDE]
    rows = [Row(Spot(d.class_index, d.class_name, d.slot, d.index, d.text), Reading.of(d.text)) for d in standing]
    found: list[Finding] = []
    for row in rows:
        if (action := actions.get(row.spot.class_index or 0)) is not None:
            found += reading_findings(row.reading, row.spot, action, known.get(row.slot, False))
    found += class_list(bank, dataset)
    found += slots_known(tuple(dict.fromkeys(row.slot for row in rows)), known)
    found += counts(standing, bank.class_names)
    found += _repetitions(rows)
    found += senses(rows, {slot: not may_name for slot, may_name in known.items()})
    found += style_drift(rows, {index: action.persons for index, action in actions.items()})
    for encoder in encoders:
        found += too_long(rows, encoder)
    return sorted(found, key=_place)


def _repetitions(rows: Sequence[Row]) -> list[Finding]:
    # A sentence that stands for most classes is reported once, not as a duplicate of every class.
    everywhere = list(stand_ins(rows))
    told = {(item.slot, Reading.of(item.text or "").key) for item in everywhere}
    others = [row for row in rows if (row.slot, row.reading.key) not in told]
    return [*everywhere, *duplicates(others), *near_duplicates(others)]


def _actions(bank: SemanticBank, dataset: Dataset | None) -> dict[int, ActionClass]:
    by_name = {action.name: action for action in dataset.classes} if dataset else {}
    plain = {index: ActionClass(index=index, code=str(index), name=name) for index, name in enumerate(bank.class_names)}
    return {
        index: action.model_copy(update={"persons": by_name[action.name].persons}) if action.name in by_name else action
        for index, action in plain.items()
    }


_ORDER = {rule.name: number for number, rule in enumerate(RULES)}


def _place(item: Finding) -> tuple[int, int, str, int]:
    first = -1 if item.class_index is None else item.class_index
    return _ORDER[item.rule], first, item.slot or "", -1 if item.index is None else item.index
