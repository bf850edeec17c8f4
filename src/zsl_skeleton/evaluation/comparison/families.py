"""What is held against more than one other thing: Holm's correction over a family, and the effect of the texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from zsl_skeleton.evaluation.comparison.groups import Origin, RunGroup
from zsl_skeleton.evaluation.comparison.rows import ComparisonRow, RowDifference, RowMaker
from zsl_skeleton.evaluation.rank_tests import holm


class TextEffect(BaseModel):
    """What other texts change for one method: with ``texts`` minus with the texts ``difference.against``.

    ``features``, preset, selection and settings (``overrides``) are the same on both sides.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    overrides: tuple[str, ...]
    features: str
    texts: str
    difference: RowDifference


_ANY = Origin("", ())
Told = TypeVar("Told", ComparisonRow, TextEffect)


def corrected(items: Sequence[Told]) -> list[Told]:
    """The same with Holm-corrected p-values: the differences of real texts and those of controls are a family each.

    A test that could not tell anything, as of a single split or pair, is no member of its family.
    """
    found = list(items)
    for controls in (False, True):
        own = {
            index: item.difference
            for index, item in enumerate(items)
            if item.difference is not None and (isinstance(item, ComparisonRow) and item.control != "none") == controls
        }
        changes: dict[int, dict[str, float]] = {index: {} for index in own}
        for name in ("p", "wilcoxon"):
            members = {index: one for index, one in own.items() if getattr(one, f"{name}_tells")}
            ps = holm([getattr(one, name) for one in members.values()])
            for index, p in zip(members, ps, strict=True):
                changes[index][f"{name}_holm"] = p
        for index, change in changes.items():
            found[index] = found[index].model_copy(update={"difference": own[index].model_copy(update=change)})
    return found


def text_effects(groups: Sequence[RunGroup], names: dict[Origin, str], maker: RowMaker) -> Iterator[TextEffect]:
    """Every method with every texts, against the same method with those texts that most runs have.

    Args:
        groups: all that are shown.
        names: origin of texts or features -> what the comparison calls it.
        maker: takes the differences.
    """
    real = [group for group in groups if group.key.control == "none"]
    runs: Counter[Origin] = Counter()
    for group in real:
        runs[group.key.texts] += len(group.reports)
    usual = min(runs, key=lambda texts: (-runs[texts], names[texts]), default=None)
    base = {replace(group.key, texts=_ANY): group for group in real if group.key.texts == usual}
    for group in real:
        other = base.get(replace(group.key, texts=_ANY))
        if other is None or group.key.texts == usual:
            continue
        difference = maker.difference(group, other, names[other.key.texts])
        if difference:
            places = names[group.key.features], names[group.key.texts]
            yield TextEffect(
                name=group.name, overrides=group.overrides, features=places[0], texts=places[1], difference=difference
            )
