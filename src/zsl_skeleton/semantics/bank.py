"""A semantic bank: all texts of a data set from one generation, as JSON lines beside a card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError, unknown_name
from zsl_skeleton.semantics.bank_lines import CARD, family_provenance, read_lines, write_lines
from zsl_skeleton.semantics.descriptions import Description, Edit, Provenance, State

__all__ = [
    "Description",
    "Edit",
    "Provenance",
    "SemanticBank",
    "State",
    "check_rows",
    "family_provenance",
    "open_bank_artifact",
    "read_lines",
    "write_lines",
]


@dataclass(frozen=True)
class SemanticBank:
    """All texts of a bank, bound to class ids and names.

    In a generated bank every class has the texts 0..K-1 of every slot. In a curated one, whose rejected texts stay in
    ``descriptions`` but are no texts any more, and in an imported one whose file says so, classes may have fewer.
    """

    dataset: str
    class_names: tuple[str, ...]
    descriptions: tuple[Description, ...]
    id: str

    @classmethod
    def open(cls, source: Artifact | Path) -> SemanticBank:
        """Read a bank from its artifact or folder.

        Raises:
            InputError: it is not a bank, or its rows do not fit its classes.
        """
        artifact = source if isinstance(source, Artifact) else Artifact.open(source)
        card = artifact.card
        if card.stage != "banks":
            raise InputError(
                f"{artifact.path} is not a bank of texts", why=f"it is an artifact of the stage {card.stage}"
            )
        rows: list[Description] = []
        for family in card.config["families"]:
            path = artifact.path / f"{family}.jsonl"
            found = read_lines(path, card.config["dataset"], family_provenance(card, family))
            foreign = next((row.slot for row in found if row.slot.partition(".")[0] != family), None)
            if foreign:
                raise InputError(f"{path} holds the slot {foreign!r}", why=f"its slots begin with {family!r}")
            rows += found
        names = tuple(card.config["class_names"])
        ragged = bool(card.config.get("curated") or card.config.get("ragged"))
        check_rows(rows, names, str(artifact.path), ragged=ragged)
        return cls(card.config["dataset"], names, tuple(rows), artifact.id)

    @cached_property
    def _table(self) -> dict[str, list[list[str]]]:
        table: dict[str, list[list[str]]] = {slot: [[] for _ in self.class_names] for slot in self.slots}
        for row in sorted(self.descriptions, key=lambda row: (row.class_index, row.index)):
            if row.in_use:
                table[row.slot][row.class_index].append(row.text)
        return table

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of all slots, family by family."""
        return tuple(dict.fromkeys(row.slot for row in self.descriptions))

    def texts(self, slot: str) -> list[list[str]]:
        """Texts of a slot, by class index and number; rejected and failed ones are left out.

        Raises:
            UsageError: the bank has no such slot.
        """
        if slot not in self._table:
            raise unknown_name("slot", slot, self.slots)
        return [list(texts) for texts in self._table[slot]]

    def check_dataset(self, dataset: Dataset) -> None:
        """Check that the bank was made for exactly these classes.

        Raises:
            InputError: it was not.
        """
        if self.class_names == dataset.class_names:
            return
        pairs = zip(self.class_names, dataset.class_names, strict=False)
        differing = next((f"class {n}: {a!r} against {b!r}" for n, (a, b) in enumerate(pairs) if a != b), None)
        raise InputError(
            f"the bank of {self.dataset!r} does not fit the data set {dataset.name!r}",
            why=differing or f"{len(self.class_names)} classes against {len(dataset.class_names)}",
            mend=f"zsl-semantics generate --dataset {dataset.name}",
        )


def open_bank_artifact(store: Store, dataset: Dataset, reference: str, semantics: Path) -> Artifact:
    """The bank that a user means: a folder, a bank of the store, or a committed one of the data set.

    A folder's own name comes before a readable name without its hash, which means the newest bank of that name.

    Args:
        store: where banks are made and curated.
        dataset: whose committed banks are looked up.
        reference: path or name.
        semantics: the folder that holds ``<dataset>/banks/<name>``.

    Raises:
        InputError: there is none, or it is damaged.
    """
    made, committed = store.root / "banks", semantics / dataset.name / "banks"
    for path in (Path(reference), made / reference, committed / reference):
        if (path / CARD).is_file():
            return Artifact.open(path)
    found = store.all("banks")
    named = next((artifact for artifact in found if artifact.card.name == reference), None)
    if named:
        return named
    names = [artifact.path.name for artifact in found] + sorted(
        path.parent.name for path in committed.glob(f"*/{CARD}")
    )
    raise InputError(
        f"there is no bank {reference!r} in {made} or {committed}",
        why=f"there are: {', '.join(names)}" if names else "both hold none",
        mend=f"zsl-semantics generate --dataset {dataset.name}",
    )


def check_rows(rows: Sequence[Description], class_names: Sequence[str], where: str, *, ragged: bool = False) -> None:
    """Check that rows are bound to class ids and names and, unless ``ragged``, leave no gap.

    Raises:
        InputError: a class is unknown or named differently, a text is there twice, or a class lacks texts that others
            have.
    """
    numbers: dict[tuple[str, int], list[int]] = {}
    places = set()
    for row in rows:
        known = 0 <= row.class_index < len(class_names)
        if not known or class_names[row.class_index] != row.class_name:
            expected = repr(class_names[row.class_index]) if known else f"an index below {len(class_names)}"
            raise InputError(
                f"a text in {where} is bound to the wrong class",
                why=f"{row.slot} {row.index}: class {row.class_index}, {row.class_name!r}; expected {expected}",
            )
        if row.place in places:
            why = f"{row.slot} {row.index} of class {row.class_index} ({row.class_name})"
            raise InputError(f"a text in {where} is there twice", why=why)
        places.add(row.place)
        if row.in_use:
            numbers.setdefault((row.slot, row.class_index), []).append(row.index)
    if not ragged:
        _check_complete(dict.fromkeys(row.slot for row in rows), numbers, class_names, where)


def _check_complete(
    slots: Iterable[str], numbers: Mapping[tuple[str, int], Sequence[int]], class_names: Sequence[str], where: str
) -> None:
    for slot in slots:
        counts = [len(numbers.get((slot, index), ())) for index in range(len(class_names))]
        for index, name in enumerate(class_names):
            if sorted(numbers.get((slot, index), ())) != list(range(max(counts))):
                raise InputError(
                    f"the slot {slot!r} in {where} is not complete",
                    why=f"class {index} ({name}) should have the texts 0 to {max(counts) - 1}, each once",
                )
