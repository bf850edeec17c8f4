"""Clips and class texts as tensors on the device; batches are drawn there by index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from zsl_skeleton.errors import InputError
from zsl_skeleton.methods.base import Batch, ClassText, Sizes
from zsl_skeleton.skeletons.features import FeatureSet
from zsl_skeleton.text.class_embeddings import ClassEmbeddings
from zsl_skeleton.training.frozen import FrozenClips, frozen_clips

CLIPS = "clips"
"""The visual input that is no feature: the clips themselves, which a feature set does not hold."""
LOGITS = "logits"
"""The backbone's logits of the classes it was trained on; :func:`with_logits` adds them for generalised evaluation."""
_EXTRA = {"masked": " --masked-views 8; or train without them: --set temporal=off"}


@dataclass(frozen=True)
class Clips:
    """Labelled clips beside the texts of their classes.

    Args:
        features: visual input -> float32 with N rows.
        labels: int64 [N], row of ``text``.
        text: texts of ``classes``, in that order.
        classes: class indices of the data set, ascending.
        frozen: the same clips themselves, read batch by batch as visual input ``"clips"``, with their backbone.
    """

    features: Mapping[str, Tensor]
    labels: Tensor
    text: ClassText
    classes: tuple[int, ...]
    frozen: FrozenClips | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def device(self) -> torch.device:
        """Where the tensors lie."""
        return self.labels.device

    @property
    def sizes(self) -> Sizes:
        """Dimensions of the data; that of ``"clips"`` is their number of frames."""
        visual = {name: value.shape[-1] for name, value in self.features.items()}
        if self.frozen:
            visual[CLIPS] = self.frozen.frames
        return Sizes(visual, next(iter(self.text.slots.values())).shape[-1], len(self.classes))

    def batch(self, rows: Tensor, epoch: int, step: int = 0) -> Batch:
        """The clips at ``rows`` (int64 [B]) with all classes as candidates and no draws yet."""
        features = {name: value.index_select(0, rows) for name, value in self.features.items()}
        encode = self.frozen.encode if self.frozen else None
        if self.frozen:
            features[CLIPS] = self.frozen.read(rows)
        return Batch(features, self.labels.index_select(0, rows), self.text, epoch, {}, step, encode)

    def whole(self) -> Batch:
        """All clips at once, without ``"clips"``."""
        return Batch(self.features, self.labels, self.text, 0, {})


def load_clips(clips: FeatureSet, text: ClassText, classes: Sequence[int], inputs: Sequence[str]) -> Clips:
    """Tensors of those ``clips`` that belong to ``classes``, on the device of ``text`` (which has all classes).

    Raises:
        InputError: a visual input is missing, or there is no clip; or ``"clips"`` is asked for and the skeletons or the
            backbone behind the features are gone.
    """
    arrays = [name for name in inputs if name != CLIPS]
    missing = [name for name in arrays if name not in clips.arrays]
    if missing:
        raise InputError(
            f"the features hold no {missing[0]!r}",
            why=f"they hold: {', '.join(clips.arrays)}",
            mend=f"zsl-data extract --dataset {clips.dataset} --split SPLIT{_EXTRA.get(missing[0], '')}",
        )
    chosen = clips.subset(np.isin(clips.labels, classes))
    if not len(chosen):
        found = np.unique(clips.labels)
        raise InputError(
            f"there is no clip of the classes {', '.join(map(str, sorted(classes)))} of {clips.dataset}",
            why=f"this part has {len(clips)} clips, of the classes {', '.join(map(str, found)) or '(none)'}",
            mend="import the whole data set, or choose another --split",
        )
    device = next(iter(text.slots.values())).device
    ordered = sorted(classes)
    labels = torch.from_numpy(np.searchsorted(ordered, chosen.labels)).to(device)
    # What is stored in float16 travels so, and is computed with in float32.
    features = {name: torch.from_numpy(chosen.arrays[name]).to(device).float() for name in arrays}
    frozen = frozen_clips(clips.source, device).only(chosen.ids) if CLIPS in inputs else None
    return Clips(features, labels, text.select(torch.tensor(ordered, device=device)), tuple(ordered), frozen)


def with_logits(inputs: Sequence[str], clips: FeatureSet) -> tuple[str, ...]:
    """The visual ``inputs`` and, if ``clips`` have them, the backbone's logits."""
    return tuple(dict.fromkeys([*inputs, *[LOGITS] * (LOGITS in clips.arrays)]))


def load_text(
    embeddings: ClassEmbeddings, slots: Sequence[str], device: torch.device, *, unit: bool = True
) -> ClassText:
    """Texts of all classes in ``slots``; every row gets unit length, or with ``unit`` False stays as encoded.

    Raises:
        InputError: a slot is missing, a value is not finite, or a class has no text.
    """
    missing = [slot for slot in slots if slot not in embeddings.slots]
    if missing:
        raise InputError(
            f"the class embeddings of {embeddings.dataset} lack the text slot {missing[0]!r}",
            why=f"they hold: {', '.join(sorted(embeddings.slots))}",
            mend=command_for_slots(embeddings.dataset, slots),
        )
    for slot in slots:
        empty = ~np.asarray(embeddings.masks[slot], dtype=bool).any(axis=1)
        if empty.any() or not np.isfinite(embeddings.slots[slot]).all():
            what = f"no text for {embeddings.class_names[int(empty.argmax())]!r}" if empty.any() else "NaN or infinity"
            raise InputError(
                f"the text slot {slot!r} of {embeddings.dataset} holds {what}",
                mend=command_for_slots(embeddings.dataset, slots),
            )
    vectors = {slot: torch.from_numpy(np.array(embeddings.slots[slot], dtype=np.float32)) for slot in slots}
    return ClassText(
        {slot: F.normalize(value, dim=-1) if unit else value for slot, value in vectors.items()},
        {s: torch.from_numpy(np.array(embeddings.masks[s], dtype=bool)) for s in slots},
    ).to(device)


def command_for_slots(dataset: str, slots: Sequence[str]) -> str:
    """The commands that fill ``slots``; a slot begins with the name of its family."""
    families = dict.fromkeys(slot.partition(".")[0] for slot in slots)
    generate = " ".join([f"zsl-semantics generate --dataset {dataset}", *(f"--family {name}" for name in families)])
    return f"{generate}, then zsl-semantics encode --dataset {dataset} --bank NAME"
