"""From somebody's pre-extracted features to a feature set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.catalog import Dataset, Protocol, Split
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import sha256_file
from zsl_skeleton.progress import say
from zsl_skeleton.registry import find_name
from zsl_skeleton.skeletons.arrays import LAYOUTS
from zsl_skeleton.skeletons.arrays.features.base import Found, Reading, find_layout, open_layout
from zsl_skeleton.skeletons.arrays.features.counts import PartCount, count_parts

STATED = "as the publisher states: nobody else can check what the backbone saw"


def import_features(
    store: Store, dataset: Dataset, split: Split, protocol: Protocol, path: Path, layout: str | None = None
) -> Artifact:
    """Make a feature set (stage ``features``) of arrays in files; the same files give the same artifact.

    Args:
        store: where it goes.
        dataset, split, protocol: what the features are of; their backbone is taken to be trained on the split's seen
            classes and the protocol's training part, unless the files say which classes.
        path: a folder or file.
        layout: a name in ``LAYOUTS``; None: found out.

    Raises:
        UsageError: an unknown layout.
        InputError: the files are not of the layout, contradict themselves, or do not fit the split or protocol.
    """
    name = find_name("layout of features", layout, LAYOUTS) if layout else _find(path)
    if not path.exists():
        raise InputError(f"{path} does not exist")
    reading = Reading(dataset, split, protocol)
    found = open_layout(name).read(path, reading)
    counts = () if found.validation else count_parts(found.features, reading)
    tell(found, counts)

    def build(folder: Path) -> Mapping[str, Any]:
        found.features.write(folder)
        return {
            "clips": len(found.features),
            "shapes": {kind: list(array.shape) for kind, array in found.features.arrays.items()},
            "counts": [count.model_dump() for count in counts],
            "remarks": found.remarks,
        }

    return store.make(_recipe(found, reading, name), build)


def tell(found: Found, counts: tuple[PartCount, ...]) -> None:
    """Say on stderr what the user should know."""
    for remark in found.remarks:
        say(remark)
    for count in counts:
        if count.reason:
            say(f"{count.name}: {count.found} clips, the catalog counts {count.expected}: {count.reason}")


def _find(path: Path) -> str:
    if not path.exists():
        raise InputError(f"{path} does not exist")
    found = find_layout(path)
    if found is None:
        raise InputError(
            f"{path} holds no features in a known layout",
            why=f"known: {', '.join(LAYOUTS)}",
            mend=f"zsl-data inspect {path}",
        )
    return found


def _recipe(found: Found, reading: Reading, layout: str) -> Recipe:
    features, dataset = found.features, reading.dataset
    role = "validation-" if found.validation else ""
    return Recipe(
        stage="features",
        name=f"{dataset.name}-{features.backbone}-{role}{reading.split.name}".replace("/", "-"),
        what=f"features of {dataset.title} by {features.backbone}, imported from {len(found.files)} files",
        config={
            "dataset": dataset.name,
            "backbone": features.backbone,
            "trained_on": list(features.trained_on),
            "trained_on_stated": STATED,
            "split": reading.split.name,
            "protocol": reading.protocol.name,
            "source": {"layout": layout, "sha256": {n: sha256_file(p) for n, p in sorted(found.files.items())}},
        },
        synthetic=dataset.synthetic,
    )
