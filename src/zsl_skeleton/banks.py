"""Finds banks of texts for the commands, or makes the default one; says on stderr which. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.progress import chosen
from zsl_skeleton.resources import data_folder
from zsl_skeleton.semantics.bank import SemanticBank, open_bank_artifact
from zsl_skeleton.semantics.curation import copy_for_curation
from zsl_skeleton.semantics.generate import generate


def bank_for(store: Store, dataset: Dataset, reference: str | None = None) -> Artifact:
    """The bank that is meant, else the default one, generated when missing.

    Raises:
        InputError: the bank that is meant does not exist or is of another data set.
    """
    if reference:
        return chosen("bank", find_bank(store, dataset, reference))
    return chosen("bank", generate(store, dataset))


def find_bank(store: Store, dataset: Dataset, reference: str, semantics: Path | None = None) -> Artifact:
    """The bank a user means by a path, a name in the store, or the name of a committed bank of the data set.

    Raises:
        InputError: it does not exist or is of another data set.
    """
    bank = open_bank_artifact(store, dataset, reference, data_folder("semantics", semantics))
    SemanticBank.open(bank).check_dataset(dataset)
    return bank


def curated_bank(
    store: Store,
    dataset: Dataset,
    reference: str | None,
    name: str | None = None,
    check: Callable[[Path], object] | None = None,
) -> tuple[Path, bool]:
    """Folder of the bank that people may change, and whether it is a copy that was not named by the user.

    Args:
        store: where banks lie.
        dataset: whose texts.
        reference: the bank; a generated one is copied first. None: the curated copy that exists, else one of the
            default bank.
        name: of the copy; None: ``<dataset>-curated``.
        check: is given the folder of the bank before a first copy of it is made; what it raises leaves no copy.

    Raises:
        InputError: there is no such bank, or the copy stems from another one.
    """
    existing = store.root / "banks" / (name or f"{dataset.name}-curated")
    if reference is None and existing.is_dir():
        reference = str(existing)
    source = bank_for(store, dataset, reference)
    if check is not None and not existing.exists():
        check(source.path)
    path = copy_for_curation(store, source, name)
    return path, path != source.path
