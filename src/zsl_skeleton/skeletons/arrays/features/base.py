"""What a layout of pre-extracted features can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from zsl_skeleton.catalog import Dataset, Split
from zsl_skeleton.catalog import Protocol as Division
from zsl_skeleton.errors import InputError
from zsl_skeleton.registry import resolve
from zsl_skeleton.skeletons.arrays import LAYOUTS
from zsl_skeleton.skeletons.arrays.stored import StoredArray, npz_arrays, stored_array
from zsl_skeleton.skeletons.features import FeatureSet


@dataclass(frozen=True)
class Reading:
    """What the arrays are taken to be: features of a data set, for one split and one protocol of it."""

    dataset: Dataset
    split: Split
    protocol: Division


@dataclass
class Found:
    """What was read.

    Args:
        features: all clips, with the training part of the protocol in ``parts`` and the classes of the backbone.
        files: the files read, by name.
        remarks: what the user should know.
        validation: whether they are of a backbone that was not trained on the split's validation classes either.
    """

    features: FeatureSet
    files: dict[str, Path]
    remarks: list[str] = field(default_factory=list)
    validation: bool = False


class FeatureLayout(Protocol):
    """Reads one layout."""

    example: ClassVar[str]
    """A file or folder name, for messages."""
    meanings: ClassVar[Mapping[str, str]]
    """Name of an array -> what it holds."""

    @staticmethod
    def recognises(path: Path) -> bool:
        """Whether a file or folder looks like this layout."""
        ...

    @staticmethod
    def arrays(path: Path) -> dict[str, StoredArray]:
        """The arrays by name, unread.

        Raises:
            InputError: one of them is no array.
        """
        ...

    @staticmethod
    def classes(path: Path) -> tuple[set[int], set[int]]:
        """Classes of the training arrays, and of the arrays of unseen classes.

        Raises:
            InputError: labels are missing or no class indices.
        """
        ...

    @staticmethod
    def read(path: Path, reading: Reading) -> Found:
        """Read everything.

        Raises:
            InputError: it is not of this layout, contradicts itself, or does not fit the split.
        """
        ...


def open_layout(name: str) -> type[FeatureLayout]:
    """The layout of features registered under a (forgivingly spelled) name.

    Raises:
        UsageError: there is none.
    """
    layout: type[FeatureLayout] = resolve("layout of features", name, LAYOUTS)
    return layout


def find_layout(path: Path) -> str | None:
    """Name of the layout of features that a file or folder has; None if none recognises it."""
    return next((name for name in LAYOUTS if open_layout(name).recognises(path)), None)


class ArchiveLayout:
    """What layouts share that are one ``.npz`` file."""

    key: ClassVar[frozenset[str]]
    """Arrays that tell it from other archives."""

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether it is an archive that holds the arrays of the key."""
        try:
            return path.suffix.lower() == ".npz" and cls.key <= npz_arrays(path).keys()
        except InputError:
            return False

    @staticmethod
    def arrays(path: Path) -> dict[str, StoredArray]:
        """See :class:`FeatureLayout`."""
        return {name: stored_array(source) for name, source in npz_arrays(path).items()}


def need(arrays: Mapping[str, StoredArray], names: tuple[str, ...], path: Path) -> None:
    """Make sure that arrays are there.

    Raises:
        InputError: some are not.
    """
    missing = [name for name in names if name not in arrays]
    if missing:
        raise InputError(
            f"{path} lacks {', '.join(missing)}",
            why=f"it holds {', '.join(arrays) or 'no arrays'}",
            mend=f"zsl-data inspect {path}",
        )
