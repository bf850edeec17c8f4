"""The opened inputs of a run, divided so that nothing about an unseen class can reach the training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zsl_skeleton.artifacts import Artifact
from zsl_skeleton.catalog import Dataset, Protocol, Split
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.evaluation.controls import shuffled_rows
from zsl_skeleton.evaluation.scoring import accuracy, class_scores
from zsl_skeleton.files import Array
from zsl_skeleton.methods.base import ClassText, Method
from zsl_skeleton.skeletons.features import FeatureSet, Partition, partition, training_clips
from zsl_skeleton.text.altered import ALTERED
from zsl_skeleton.text.class_embeddings import ClassEmbeddings
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.data import Clips, load_clips, load_text, with_logits
from zsl_skeleton.training.heldout import pseudo_unseen
from zsl_skeleton.training.job import Job
from zsl_skeleton.training.settings import Settings


@dataclass(frozen=True)
class Task:
    """What is learned from what: two artifacts, and which of their classes and clips are for training.

    Args:
        features: artifact of stage ``features``.
        embeddings: artifact of stage ``embeddings``.
        dataset, split, protocol: from the catalog.
        validation: features of a backbone that was not trained on the split's validation classes, for the trainings
            that leave these out; None: ``features``.
    """

    features: Artifact
    embeddings: Artifact
    dataset: Dataset
    split: Split
    protocol: Protocol
    validation: Artifact | None = None

    def held_out(self, run: RunConfig) -> tuple[tuple[int, ...], ...]:
        """Sets of seen classes that ``run`` holds out in turn; none if it neither selects nor calibrates by them."""
        if not run.validates:
            return ()
        named = self.split.validation_unseen if run.held_out in (None, len(self.split.validation_unseen)) else ()
        size = run.held_out or len(self.split.unseen)
        return pseudo_unseen(self.dataset.seen(self.split), named, size, run.draws, run.seed)


@dataclass(frozen=True)
class Inputs:
    """Training part, test parts, and the texts of all classes on the device."""

    task: Task
    settings: Settings
    parts: Partition
    text: ClassText
    test: Clips
    validation: FeatureSet | None
    seed: int

    @classmethod
    def open(cls, task: Task, settings: Settings, config: Mapping[str, Any], device: torch.device) -> Inputs:
        """Open what ``task`` names, for a run with this ``config``.

        Raises:
            InputError: the inputs do not fit each other, the method or the split.
        """
        embeddings = ClassEmbeddings.open(task.embeddings)
        embeddings.check(task.dataset)
        _check_control(task.embeddings, config["control"])
        _check_joined(task.embeddings, settings)
        features = FeatureSet.open(task.features)
        # What the method does not read stays on the disk, unchecked.
        kinds = with_logits(settings.method.needed_inputs, features)
        parts = partition(features, task.dataset, task.split, task.protocol, kinds)
        text = load_text(embeddings, settings.method.needed_slots, device, unit=settings.method.unit_text)
        if config["control"] == "shuffled":
            text = text.select(torch.from_numpy(shuffled_rows(len(embeddings.class_names), config["seed"])).to(device))
        test = load_clips(parts.test_unseen, text, task.split.unseen, settings.method.needed_inputs)
        return cls(task, settings, parts, text, test, _validation_features(task, settings), config["seed"])

    def job(self, run: RunConfig, work: Path) -> Job:
        """What the training gets to see: nothing of the test part."""
        held_out = self.task.held_out(run)
        fits = held_out[:1] == (self.task.split.validation_unseen,)
        if held_out and self.validation and not fits:
            raise UsageError(
                "the validation features do not fit --held-out",
                why="their backbone leaves out the validation classes that the split names, not others",
                mend="leave out --held-out, or --validation-features",
            )
        return Job(
            settings=self.settings,
            seen=self.parts.train,
            text=self.text,
            classes=self.task.dataset.seen(self.task.split),
            held_out=held_out,
            seed=run.seed,
            work=work,
            seconds=run.checkpoint_seconds,
            validation=self.validation,
        )

    @property
    def test_columns(self) -> dict[str, Array]:
        """Class indices of the columns of the zero-shot scores (``classes``), and of the clips (``labels``)."""
        classes = np.array(self.test.classes, dtype=np.int64)
        return {"classes": classes, "labels": classes[self.test.labels.cpu().numpy()]}

    def test_scores(self, method: Method) -> NDArray[np.float32]:
        """[N, U] of the unseen test clips, with just the unseen classes as candidates."""
        found: NDArray[np.float32] = self._test_scores(method).cpu().numpy()
        return found

    def test_accuracy(self, method: Method) -> float:
        """Zero-shot accuracy in [0, 1]."""
        return accuracy(self._test_scores(method), self.test.labels)

    def _test_scores(self, method: Method) -> Tensor:
        return class_scores(method, self.test.features, self.test.text, self.seed)

    def all_test(self) -> Clips:
        """Test clips of seen and unseen classes, all classes being candidates; with the backbone's logits if any.

        Raises:
            InputError: there is no test clip of a seen class.
        """
        if not len(self.parts.test_seen):
            raise InputError(
                f"{self.task.dataset.name} has no test clip of a seen class under protocol {self.task.protocol.name}",
                mend="leave out --gzsl",
            )
        both = self.parts.test_seen.joined(self.parts.test_unseen)
        inputs = with_logits(self.settings.method.needed_inputs, both)
        return load_clips(both, self.text, range(len(self.task.dataset.classes)), inputs)


def _validation_features(task: Task, settings: Settings) -> FeatureSet | None:
    """The seen-class training clips through a backbone without the validation classes."""
    if task.validation is None:
        return None
    found = FeatureSet.open(task.validation)
    known = sorted(set(found.trained_on) & set(task.split.validation_unseen))
    if known or not task.split.validation_unseen:
        names = ", ".join(task.dataset.class_names[index] for index in known)
        raise InputError(
            f"the features {task.validation.path.name} cannot serve for validation",
            why=f"their backbone was trained on {names}" if known else f"{task.split.name} names no validation classes",
            mend=f"zsl-data extract --dataset {task.dataset.name} --split {task.split.name} --without-validation",
        )
    kinds = with_logits(settings.method.needed_inputs, found)
    return training_clips(found, task.dataset, task.split, task.protocol, kinds)


def _check_control(embeddings: Artifact, control: str) -> None:
    """Texts altered for a control must not pass for real ones, nor the other way round."""
    made_for, needed = embeddings.card.config.get("control"), control if control in ALTERED else None
    if made_for != needed:
        raise InputError(
            f"the class embeddings {embeddings.path.name} do not fit the control {control!r}",
            why=f"their texts were {'altered for ' + repr(made_for) if made_for else 'not altered'}",
            mend="encode the bank with the same --control as the run",
        )


def _check_joined(embeddings: Artifact, settings: Settings) -> None:
    """Imported vectors may be joined or not; nobody can tell."""
    if settings.method.joined_text and "bank" in embeddings.card.inputs and not embeddings.card.config.get("join"):
        raise InputError(
            f"the class embeddings {embeddings.path.name} read every phase of a movement by itself",
            why=f"{settings.name} with these settings wants the course so far",
            mend=f"zsl-semantics encode --dataset {embeddings.card.config['dataset']} --join temporal, "
            "or --set accumulate=mean",
        )
