"""A trained method beside its backbone: from clips and class names to probabilities."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zsl_skeleton.backbones.classifier import features_of
from zsl_skeleton.backbones.extract import CHUNK
from zsl_skeleton.backbones.reproducible import reproducible
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.evaluation.gate import softmax
from zsl_skeleton.evaluation.scoring import class_scores
from zsl_skeleton.prediction.explaining import Question, explained
from zsl_skeleton.prediction.manifest import Manifest, Side
from zsl_skeleton.prediction.opening import Opened, open_export
from zsl_skeleton.prediction.predictions import Predictions
from zsl_skeleton.prediction.recordings import Clips, Preparation, prepared
from zsl_skeleton.prediction.temperature import BINS
from zsl_skeleton.prediction.wording import EXPORT, Worded, Wording, chosen_rows, worded
from zsl_skeleton.progress import track
from zsl_skeleton.registry import find_name
from zsl_skeleton.semantics.words import same_key
from zsl_skeleton.training.data import load_text
from zsl_skeleton.training.device import choose_device

SIDES: tuple[Side, ...] = ("all", "seen", "unseen")
"""Words that stand for some of the export's own classes."""


@dataclass(frozen=True)
class PredictOptions:
    """What is rarely said about a prediction.

    Args:
        wording: who writes the texts of typed names.
        explain: also say what decided.
        reader: format of recordings that are given as a path; None: found out.
    """

    wording: Wording = field(default_factory=Wording)
    explain: bool = False
    reader: str | None = None


@dataclass(frozen=True)
class _Candidates:
    """Classes to choose from: their vectors and texts, and which of them were trained on [C]."""

    worded: Worded
    seen: NDArray[np.bool_]

    @property
    def side(self) -> Side:
        """Which kind of candidates they are."""
        return "seen" if self.seen.all() else "all" if self.seen.any() else "unseen"


class Predictor:
    """Classifies clips; made by :func:`load`.

    Args:
        export: an opened export.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    """

    def __init__(self, export: Opened, device: str = "auto") -> None:
        self._export = export
        self._device = choose_device(device).device
        export.method.to(self._device)
        export.backbone.to(self._device)

    @property
    def manifest(self) -> Manifest:
        """What the export says of itself: classes, method, backbone, preprocessing, calibration."""
        return self._export.manifest

    def predict(
        self,
        clips: Clips,
        classes: str | Sequence[str] | None = None,
        top: int = 5,
        options: PredictOptions = PredictOptions(),
    ) -> Predictions:
        """Classify clips.

        The probabilities are ``softmax(scores / T)``, T fitted on held-out seen classes when the run was exported; for
        typed names that is an extrapolation. Where classes that were trained on compete with others, they are held back
        by the constant that was found there, too.

        Args:
            clips: joints in metres ([T, V, 3], [N, 3, T, V, M] or a list; V = 25 in NTU's order or 20 in Kinect v1's),
                a skeleton set, or a path of recordings.
            classes: ``"all"`` (default), ``"seen"`` or ``"unseen"`` classes of the export, or names typed on the spot.
            top: names per clip.
            options: the rest.

        Raises:
            UsageError: names or clips are not usable, or an unknown reader or backend.
            InputError: recordings or texts are missing or do not fit.
        """
        export, manifest = self._export, self.manifest
        if top < 1:
            raise UsageError(f"top {top} is too small", mend="--top 1, or more")
        candidates = self._candidates(classes, options.wording)
        how = manifest.recipe
        preparation = Preparation(export.recipe, how.persons, how.bodies, how.copy_first)
        found = prepared(clips, preparation, options.reader)
        read_as = f"recordings read as {found.reader}" if found.reader and options.reader is None else ""
        features = visual_inputs(export.backbone, found.clips, export.method.inputs, self._device)
        settings, words = export.settings.method, candidates.worded
        text = load_text(words.embeddings, settings.needed_slots, self._device, unit=settings.unit_text)
        scores = class_scores(export.method, features, text, manifest.method.seed).cpu().numpy()
        chances, remark = self._probabilities(scores, candidates)
        why = explained(Question(export, features, text, words, chances)) if options.explain else ()
        return Predictions(
            names=words.embeddings.class_names,
            seen=candidates.seen,
            probabilities=chances,
            scores=scores,
            ids=found.ids,
            top=top,
            remarks=tuple(filter(None, (self._synthetic, read_as, words.remark or _source(words), remark))),
            labels=found.labels,
            skipped=found.skipped,
            explanations=why,
        )

    def _candidates(self, classes: str | Sequence[str] | None, wording: Wording) -> _Candidates:
        own = self.manifest.classes
        if classes is None or isinstance(classes, str):
            side = find_name("kind of classes", classes or "all", dict.fromkeys(SIDES))
            rows = [row for row, entry in enumerate(own) if side == "all" or entry.seen == (side == "seen")]
            texts = {slot: [lists[row] for row in rows] for slot, lists in self._export.texts.items()}
            words = Worded(chosen_rows(self._export.embeddings, rows), texts, EXPORT)
            return _Candidates(words, np.array([own[row].seen for row in rows]))
        seen = {same_key(entry.name) for entry in own if entry.seen}
        words = worded(classes, self._export, wording)
        return _Candidates(words, np.array([same_key(name) in seen for name in words.embeddings.class_names]))

    def _probabilities(self, scores: NDArray[np.float32], candidates: _Candidates) -> tuple[NDArray[np.float64], str]:
        """[N, C], and what they rest on."""
        calibration = self.manifest.calibration
        if calibration is None:
            return softmax(scores), "the probabilities are not calibrated: there were too few seen classes"
        side = candidates.side
        held_back = calibration.constant * candidates.seen if side == "all" else 0.0
        scale = calibration.scales[side]
        chances = softmax((scores - held_back) / scale.temperature)
        fit = scale.held_out
        remark = (
            f"probabilities: softmax(score / {scale.temperature:.4g}), fitted on {fit.clips} clips that were left out "
            f"of {calibration.draws} trainings without {calibration.held_out} seen classes each; there the calibration "
            f"error (ECE, {BINS} bins) is {100 * fit.ece:.1f} %, without the temperature {100 * fit.ece_before:.1f} %"
        )
        known = "; the backbone knew those classes, it does not know new ones" if self.manifest.backbone.classes else ""
        typed = "" if candidates.worded.source == EXPORT else "; for typed names that is an extrapolation"
        return chances, remark + (known if side != "seen" else "") + typed

    @property
    def _synthetic(self) -> str:
        return "trained on SYNTHETIC recordings: says nothing about real ones" if self.manifest.synthetic else ""


def load(export: str | os.PathLike[str], device: str = "auto") -> Predictor:
    """Open an export made by ``zsl-train export``; hashes and sizes are checked, nothing is unpickled.

    Raises:
        InputError: it is no export, damaged, changed, or of another version.
        UsageError: there is no such device.
    """
    return Predictor(open_export(Path(export)), device)


def _source(words: Worded) -> str:
    return "" if words.source == EXPORT else f"texts of the typed names: {words.source}"


def visual_inputs(
    backbone: nn.Module, clips: NDArray[np.float32], wanted: Sequence[str], device: torch.device
) -> dict[str, Tensor]:
    """The ``wanted`` features of clips [N, 3, T, V, M], on the device: ``pooled``, ``joints``, ``frames``, ``logits``.

    Raises:
        InputError: the backbone has no such feature, or a feature is not finite.
    """
    parts: list[dict[str, Tensor]] = []
    with torch.inference_mode(), reproducible(device):
        for start in track(range(0, len(clips), CHUNK), "encode", -(-len(clips) // CHUNK)):
            found = features_of(backbone, torch.from_numpy(clips[start : start + CHUNK]).to(device))
            parts.append({name: value for name, value in found.items() if name in wanted})
    if missing := [name for name in wanted if name not in parts[0]]:
        raise InputError(f"the backbone gives no {missing[0]!r}", why=f"the method scores {', '.join(wanted)}")
    joined = {name: torch.cat([part[name] for part in parts]) for name in wanted}
    for name, value in joined.items():
        if not torch.isfinite(value).all():
            raise InputError(
                f"the feature {name!r} of a clip is not finite", why="the weights or the clip are unusable"
            )
    return joined
