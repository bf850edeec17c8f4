"""``ClassEmbeddings``: one vector per class, slot and text, bound to the classes by number **and** name.

Part of the trainer's imports: numpy and safetensors only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from zsl_skeleton.artifacts import Artifact
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import read_tensors, write_tensors

STAGE = "embeddings"
_FILE = "embeddings.safetensors"
_MASK = "mask."


class EncoderCard(BaseModel):
    """Which encoder made the vectors: everything about it that decides them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    revision: str
    pooling: str
    normalise: bool


@dataclass(frozen=True)
class ClassEmbeddings:
    """Text vectors of all classes of a data set.

    Args:
        dataset: name of the data set.
        class_names: name of each row (C of them), in label order.
        encoder: what made the vectors.
        slots: slot name -> float32 [C, K, D]; D is the same for all slots, K is the slot's own. Zero where masked out.
        masks: slot name -> bool [C, K]; False where there is no text.

    Raises:
        InputError: shapes, types or row counts do not fit together.
    """

    dataset: str
    class_names: tuple[str, ...]
    encoder: EncoderCard
    slots: dict[str, NDArray[np.float32]]
    masks: dict[str, NDArray[np.bool_]]

    def __post_init__(self) -> None:
        if not self.slots or self.slots.keys() != self.masks.keys():
            raise self._wrong(f"slots {sorted(self.slots)} and masks {sorted(self.masks)} do not pair up")
        for slot, vectors in self.slots.items():
            mask = self.masks[slot]
            if vectors.dtype != np.float32 or vectors.ndim != 3 or vectors.shape[2] != self.dim:
                raise self._wrong(
                    f"slot {slot!r} is {vectors.dtype} {vectors.shape}, expected float32 [C, K, {self.dim}]"
                )
            if vectors.shape[0] != len(self.class_names):
                raise self._wrong(f"slot {slot!r} has {vectors.shape[0]} rows for {len(self.class_names)} classes")
            if mask.dtype != np.bool_ or mask.shape != vectors.shape[:2]:
                raise self._wrong(
                    f"the mask of {slot!r} is {mask.dtype} {mask.shape}, expected bool {vectors.shape[:2]}"
                )
            if not np.isfinite(vectors).all():
                raise self._wrong(f"slot {slot!r} holds non-finite numbers")

    @property
    def dim(self) -> int:
        """Length of a vector (D)."""
        return int(next(iter(self.slots.values())).shape[-1])

    @property
    def normalised(self) -> bool:
        """Whether every vector that is not masked out has length 1."""
        return self.encoder.normalise

    def check(self, dataset: Dataset) -> None:
        """Make sure that row c is class c of ``dataset``, by number and by name.

        Raises:
            InputError: the embeddings are of another data set, or their rows are other classes.
        """
        mend = f"zsl-semantics encode --dataset {dataset.name}"
        if self.dataset != dataset.name:
            raise InputError(f"these class embeddings are of {self.dataset!r}, not of {dataset.name!r}", mend=mend)
        if len(self.class_names) != len(dataset.class_names):
            why = f"they have {len(self.class_names)} rows, the data set has {len(dataset.class_names)} classes"
            raise InputError(f"the class embeddings do not fit {dataset.name}", why=why, mend=mend)
        for index, (row, name) in enumerate(zip(self.class_names, dataset.class_names, strict=True)):
            if row != name:
                why = f"row {index} is {row!r}, class {index} is {name!r}"
                raise InputError(f"the class embeddings do not fit {dataset.name}", why=why, mend=mend)

    def write(self, folder: Path) -> None:
        """Write the arrays into an artifact's folder; names and encoder belong into its card's configuration."""
        tensors = dict(self.slots) | {_MASK + slot: mask.astype(np.uint8) for slot, mask in self.masks.items()}
        write_tensors(folder / _FILE, tensors)

    @classmethod
    def open(cls, artifact: Artifact) -> ClassEmbeddings:
        """Read the class embeddings of a finished artifact.

        Raises:
            InputError: the artifact is of another stage, damaged, or its parts do not fit together.
        """
        if artifact.card.stage != STAGE:
            why = f"it is an artifact of the stage {artifact.card.stage}"
            raise InputError(f"{artifact.path} holds no class embeddings", why=why)
        config = artifact.card.config
        try:
            encoder = EncoderCard.model_validate(config.get("encoder"))
            dataset, class_names = str(config["dataset"]), tuple(map(str, config["class_names"]))
        except (ValidationError, KeyError, TypeError) as error:
            raise InputError(f"{artifact.path} holds no class embeddings", why="its card lacks their fields") from error
        tensors = read_tensors(artifact.path / _FILE)
        slots = {key: value for key, value in tensors.items() if not key.startswith(_MASK)}
        masks = {key.removeprefix(_MASK): value.astype(bool) for key, value in tensors.items() if key.startswith(_MASK)}
        return cls(dataset, class_names, encoder, slots, masks)

    def _wrong(self, why: str) -> InputError:
        mend = f"zsl-semantics encode --dataset {self.dataset}"
        return InputError(f"the class embeddings of {self.dataset} are not valid", why=why, mend=mend)
