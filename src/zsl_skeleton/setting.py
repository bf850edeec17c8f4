"""What a command is about: a data set, a split and a protocol, in a store. Light: a mistyped name is told at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from zsl_skeleton.artifacts import Store
from zsl_skeleton.catalog import Dataset, Protocol, Split, load_dataset
from zsl_skeleton.errors import InputError


@dataclass(frozen=True)
class Setting:
    """Where and about what a command works.

    Args:
        store: where artifacts lie.
        dataset, split, protocol: from the catalog.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; does not change what is made.
    """

    store: Store
    dataset: Dataset
    split: Split
    protocol: Protocol
    device: str = "auto"


def open_setting(store: Store, catalog: Path | None, names: Mapping[str, str | None]) -> Setting:
    """The setting that a user means by the names ``dataset``, ``split`` (None: the first), ``protocol`` and ``device``.

    Raises:
        UsageError: a name is unknown.
        InputError: a catalog file is broken, or the data set has no split.
    """
    dataset = load_dataset(str(names["dataset"]), catalog)
    if not dataset.splits:
        why = "nobody has published one, so far as the catalog knows"
        raise InputError(
            f"{dataset.name} has no seen/unseen split", why=why, mend="add one in a catalog file: --catalog"
        )
    split = dataset.split(names.get("split") or next(iter(dataset.splits)))
    protocol = dataset.protocol(names.get("protocol"))
    return Setting(store, dataset, split, protocol, str(names.get("device") or "auto"))
