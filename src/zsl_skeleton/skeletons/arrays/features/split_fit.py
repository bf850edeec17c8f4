"""Whether the classes of somebody's arrays are those of a split, and if not, of which one they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from zsl_skeleton.catalog import Dataset, Split
from zsl_skeleton.errors import InputError


@dataclass(frozen=True)
class Fit:
    """A split that arrays may be of; ``validation`` = its validation classes play the unseen ones."""

    dataset: Dataset
    split: Split
    validation: bool = False


def fitting_splits(seen: Collection[int], unseen: Collection[int], datasets: Iterable[Dataset]) -> list[Fit]:
    """Splits whose unseen (or validation) classes are exactly ``unseen``, and whose other classes include ``seen``.

    Those that ``seen`` exhausts come first.
    """
    fits: list[tuple[int, Fit]] = []
    for dataset in datasets:
        for split in dataset.splits.values():
            for validation, held_out in ((False, split.unseen), (True, split.validation_unseen)):
                others = set(dataset.seen(split)) - set(split.validation_unseen if validation else ())
                if set(held_out) == set(unseen) and unseen and set(seen) <= others:
                    fits.append((len(others) - len(set(seen)), Fit(dataset, split, validation)))
    return [fit for _, fit in sorted(fits, key=lambda entry: entry[0])]


def check_split(seen: Collection[int], unseen: Collection[int], fit: Fit, where: str) -> None:
    """Make sure that training labels are seen and the labels of unseen clips unseen.

    Args:
        seen: classes of the training clips.
        unseen: classes of the clips of unseen classes.
        fit: the split that they are taken to be of.
        where: for the message.

    Raises:
        InputError: they contradict the split; the message names the split that fits, if the catalog has one.
    """
    held_out = set(fit.split.validation_unseen if fit.validation else fit.split.unseen)
    if fit.validation and not held_out:  # the publisher names validation classes that the catalog does not know
        held_out = set(unseen) - set(fit.split.unseen)
    known = set(fit.split.unseen) | held_out
    wrong_seen, wrong_unseen = sorted(set(seen) & known), sorted(set(unseen) - held_out)
    if not wrong_seen and not wrong_unseen:
        return
    reasons = [f"its training clips include the unseen classes {wrong_seen}"] if wrong_seen else []
    reasons += [f"its unseen clips include the seen classes {wrong_unseen}"] if wrong_unseen else []
    better = fitting_splits(seen, unseen, [fit.dataset])
    raise InputError(
        f"{where} is not of split {fit.split.name}" + (" (validation)" if fit.validation else ""),
        why="; ".join(reasons),
        mend=f"--split {better[0].split.name}"
        if better
        else f"no split of {fit.dataset.name} has the unseen classes {sorted(set(unseen))}: add it in a catalog file",
    )
