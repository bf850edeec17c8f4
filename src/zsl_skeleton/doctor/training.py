"""What a training finds, what it makes by itself, and what only the user can provide.

The pipeline itself is asked: it runs on a store that makes nothing, and what it wants to make there is what is missing.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from zsl_skeleton.artifacts import Artifact, LookingStore, NotMadeError
from zsl_skeleton.backbones import BACKBONES
from zsl_skeleton.backbones.base import Backbone
from zsl_skeleton.banks import bank_for
from zsl_skeleton.doctor.question import Found, Question, Step
from zsl_skeleton.errors import InputError
from zsl_skeleton.pipeline import (
    DEFAULT_RECIPE,
    Extraction,
    embeddings_for,
    features_for,
    usual_recipe,
    views_for,
    words_for,
)
from zsl_skeleton.registry import find_name, resolve
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.skeletons.features import FeatureSet, partition
from zsl_skeleton.text.class_embeddings import ClassEmbeddings
from zsl_skeleton.training.data import command_for_slots, load_clips, load_text

_ROLES = {"skeletons": "recordings", "backbone": "backbone"}  # of the inputs of features


@dataclass(frozen=True)
class Training:
    """The way to a training, in the order in which things are made, and the command at its end."""

    steps: tuple[Step, ...]
    command: str

    @property
    def possible(self) -> bool:
        """Whether the command succeeds without more from the user."""
        return all(step.state != "yours" for step in self.steps)


def examine_training(question: Question) -> Training:
    """Find out what ``zsl-train`` would find and make.

    Raises:
        UsageError: an unknown method, preset, setting or backbone.
    """
    looking = replace(question, setting=replace(question.setting, store=LookingStore(question.setting.store.root)))
    # The steps say what the pipeline says about its choices.
    with contextlib.redirect_stderr(io.StringIO()):
        visual, words = _visual(looking), _words(looking)
        features, embeddings = visual[-1].artifact, words[-1].artifact
        fit = list(_fit(looking, features, embeddings)) if features and embeddings else []
    run, sources = question.run, question.sources
    options = {
        "method": run.method if run else "mla",
        "preset": run.preset if run else None,
        "set": run.overrides if run else None,
        "backbone": sources.backbone,
        "features": sources.features,
        "bank": sources.words.bank,
        "encoder": sources.words.encoder,
        "embeddings": sources.words.embeddings,
    }
    return Training((*(found.step for found in (*visual, *words)), *fit), question.typed("zsl-train", options))


def _visual(question: Question) -> list[Found]:
    """From recordings to features."""
    setting, named = question.setting, question.sources.features
    backbone = find_name("backbone", question.sources.backbone, BACKBONES)
    views = views_for(question.needs) if question.needs else 0
    commands = _visual_commands(question, backbone, views)
    try:
        artifact = features_for(setting, Extraction(backbone, views=views), named)
    except NotMadeError as missing:
        ready = [Found.ready(_ROLES[role], found) for role, found in missing.recipe.inputs.items()]
        return [*ready, *(Found.made(role, text) for role, text in list(commands.items())[len(ready) :])]
    except InputError as error:
        if named:
            return [Found.yours("features", error)]
        first, *rest = commands.items()
        return [Found.yours(first[0], _or_others(question, error)), *(Found.made(*step) for step in rest)]
    inputs = [(_ROLES[role], ref.name) for role, ref in artifact.card.inputs.items() if role in _ROLES]
    return [*(Found(Step(role, "ready", name)) for role, name in inputs), Found.ready("features", artifact)]


def _visual_commands(question: Question, backbone: str, views: int) -> dict[str, str]:
    """Role -> the command that makes it, in order."""
    kind: type[Backbone] = resolve("backbone", backbone, BACKBONES)
    recipe = usual_recipe(kind)
    clips = {"recipe": recipe if recipe != DEFAULT_RECIPE else None}
    commands = {"recordings": question.typed("zsl-data synthesize", clips, split=False)}
    if kind.trainable:
        commands["backbone"] = question.typed("zsl-data pretrain", {"backbone": backbone, **clips})
    commands["features"] = question.typed("zsl-data extract", {"backbone": backbone, "masked_views": views})
    return commands


def _or_others(question: Question, error: InputError) -> InputError:
    """The same error; it names the features that somebody else extracted from the recordings, if there are any."""
    setting = question.setting
    try:
        others = setting.store.find("features", dataset=setting.dataset.name, split=setting.split.name)
    except InputError:
        return error  # a damaged artifact is reported by itself
    if not others:
        return error
    mend = f"{error.mend}, or use the features that are there: --features {others[0].path.name}"
    return InputError(error.what, why=error.why, mend=mend)


def _words(question: Question) -> list[Found]:
    """From a bank to class embeddings."""
    needs, setting = question.needs, question.setting
    words = words_for(needs, question.sources.words) if needs else question.sources.words
    options = {"bank": words.bank, "encoder": words.encoder, "join": words.join if words.join != "none" else None}
    encode = question.typed("zsl-semantics encode", options, split=False)
    banks = [] if words.embeddings else [_bank(question)]
    if banks and banks[0].artifact is None:
        return [*banks, Found.made("class embeddings", encode)]
    try:
        found = embeddings_for(setting.store, setting.dataset, words)
    except NotMadeError:
        return [*banks, Found.made("class embeddings", encode)]
    except InputError as error:
        return [*banks, Found.yours("class embeddings", error)]
    return [*banks, Found.ready("class embeddings", found)]


def _bank(question: Question) -> Found:
    role, setting, needs = "texts", question.setting, question.needs
    try:
        artifact = bank_for(setting.store, setting.dataset, question.sources.words.bank)
        held = SemanticBank.open(artifact).slots
    except NotMadeError:
        return Found.made(role, question.typed("zsl-semantics generate", {}, split=False))
    except InputError as error:
        return Found.yours(role, error)
    lacking = [slot for slot in (needs.needed_slots if needs else ()) if slot not in held]
    if lacking:
        what = f"{artifact.path.name} lacks the text slots {', '.join(lacking)}"
        return Found.yours(role, InputError(what, mend=command_for_slots(setting.dataset.name, lacking)))
    return Found.ready(role, artifact)


def _fit(question: Question, features: Artifact, embeddings: Artifact) -> Iterator[Step]:
    """What the training would say about inputs that are there; nothing where they fit. One clip is read."""
    setting, needs = question.setting, question.needs
    try:
        clips = partition(FeatureSet.open(features), setting.dataset, setting.split, setting.protocol, ()).train
        words = ClassEmbeddings.open(embeddings)
        words.check(setting.dataset)
        if needs:
            text = load_text(words, needs.needed_slots, torch.device("cpu"), unit=needs.unit_text)
            one = clips.subset(torch.arange(len(clips)).eq(0).numpy())
            load_clips(one, text, [int(one.labels[0])], needs.needed_inputs)
    except InputError as error:
        yield Found.yours("they fit", error).step
