"""Composes the stages: finds what exists, makes what is missing with default settings, says which on stderr.

The stages themselves never call each other. What only a person can provide (recordings, facts) is asked for with the
command that brings it in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.backbones import BACKBONES
from zsl_skeleton.backbones.base import Backbone
from zsl_skeleton.backbones.config import PRETRAIN_PRESETS, ExtractConfig, PretrainConfig, usual_preset
from zsl_skeleton.backbones.extract import extract
from zsl_skeleton.backbones.pretrain import pretrain
from zsl_skeleton.banks import bank_for
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.methods.base import MethodConfig
from zsl_skeleton.progress import chosen, say
from zsl_skeleton.registry import resolve
from zsl_skeleton.setting import Setting, open_setting
from zsl_skeleton.skeletons.synthesis.demo_set import synthesize_set
from zsl_skeleton.text.class_embeddings import ClassEmbeddings
from zsl_skeleton.text.encode import EncodeOptions, encode_all
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.inputs import Task
from zsl_skeleton.training.settings import resolve_settings

DEFAULT_RECIPE = "aimclr-50"
MASKED_VIEWS = 8
"""Of every clip, for methods that need any (SMIE's specification proposes 8)."""
UNTRAINED = "none"
"""As weights of a backbone: those it is initialised with."""
OWN = "own"
"""As validation features: those of a backbone that is not trained on the validation classes, made when missing."""


@dataclass(frozen=True)
class Words:
    """Which class embeddings a run reads.

    Args:
        bank: path or name of a bank; None: generate the default one.
        encoder: name of a text encoder.
        control: alters the texts before they are encoded, or ``"none"``.
        join: ``"temporal"`` reads each phase of a movement after the phases before it, or ``"none"``.
        embeddings: path or name of class embeddings (imported ones, say), instead of a bank and an encoder.
    """

    bank: str | None = None
    encoder: str = "minilm"
    control: str = "none"
    join: str = "none"
    embeddings: str | None = None


@dataclass(frozen=True)
class Sources:
    """What runs are made from, so far as the user says so.

    Args:
        backbone: of features that are not named.
        features: path or name of a feature set; None: that of ``backbone``.
        validation: as ``reference`` of :func:`validation_features_for`.
        words: the class embeddings; their ``control`` and ``join`` follow from the runs.
    """

    backbone: str = "st-gcn"
    features: str | None = None
    validation: str | None = None
    words: Words = field(default_factory=Words)


@dataclass(frozen=True)
class Extraction:
    """How features are extracted where they do not exist yet.

    Args:
        backbone: its name; :data:`UNTRAINED` in ``weights`` takes it as it is initialised.
        weights: path or name of a pre-trained backbone; None: that of default settings, trained when missing.
        skeletons: path or name; None: the newest set that the backbone can read.
        recipe: of these skeletons, where the backbone reads more than one.
        views: with so many masked views of every clip.
        without_validation: the backbone is not trained on the split's validation classes either.
        dtype: how the features are stored.
    """

    backbone: str = "st-gcn"
    weights: str | None = None
    skeletons: str | None = None
    recipe: str | None = None
    views: int = 0
    without_validation: bool = False
    dtype: Literal["float32", "float16"] = "float32"


def skeletons_for(store: Store, dataset: Dataset, recipe: str, reference: str | None = None) -> Artifact:
    """The skeleton set that is meant, else the newest that fits; a synthetic data set is synthesized when missing.

    Raises:
        InputError: there is none, and only the user has the recordings.
    """
    command = f"zsl-data import --dataset {dataset.name} --recipe {recipe} --root DIR"
    if reference:
        return chosen("skeletons", store.get("skeletons", reference, mend=command))
    found = store.find("skeletons", dataset=dataset.name, recipe=recipe)
    if found:
        others = f" ({len(found) - 1} older ones: choose with --skeletons)" if len(found) > 1 else ""
        return chosen("skeletons", found[0], others)
    if dataset.synthetic:
        return chosen("skeletons", synthesize_set(store, dataset, recipe=recipe))
    raise InputError(f"there are no recordings of {dataset.title} in {store.root}, recipe {recipe}", mend=command)


def features_for(setting: Setting, wanted: Extraction, reference: str | None = None) -> Artifact:
    """The feature set that ``reference`` names, else the one that ``wanted`` describes, made when missing.

    Raises:
        InputError: the recordings are missing.
    """
    names = f"--dataset {setting.dataset.name} --split {setting.split.name}"
    if reference:
        mend = f"zsl-data extract {names}"
        return chosen("features", setting.store.get("features", reference, mend=mend))
    kind: type[Backbone] = resolve("backbone", wanted.backbone, BACKBONES)
    recipe = wanted.recipe or usual_recipe(kind)
    skeletons = skeletons_for(setting.store, setting.dataset, recipe, wanted.skeletons)
    trained = None
    if wanted.weights is None and kind.trainable:
        changes = {"backbone": wanted.backbone, "exclude_validation_unseen": wanted.without_validation}
        usual = PRETRAIN_PRESETS[usual_preset(setting.dataset.name)].model_copy(update=changes)
        trained = backbone_for(setting, skeletons, usual)
    elif wanted.weights not in (None, UNTRAINED):
        mend = f"zsl-data pretrain {names}"
        trained = chosen("backbone", setting.store.get("backbones", str(wanted.weights), mend=mend))
    config = ExtractConfig(
        backbone=wanted.backbone, masked_views=wanted.views, dtype=wanted.dtype, device=setting.device
    )
    role = "validation features" if wanted.without_validation else "features"
    return chosen(role, extract(setting.store, skeletons, trained, config))


def validation_features_for(
    setting: Setting, backbone: str, reference: str | None, *, views: int = 0
) -> Artifact | None:
    """Features for the trainings that hold out the split's validation classes; None: the run's own features serve.

    ``reference`` names them, or says ``"own"``: of a backbone that was not trained on these classes either. On the
    run's own features held-out classes look more familiar than unseen ones, but so do the held-out clips of the other
    classes, and in practice the two cancel better than with a backbone that knows only the latter (BENCHMARKS.md).

    Raises:
        InputError: the named features or the recordings are missing.
    """
    if reference is None:
        return None
    named = None if reference == OWN else reference
    return features_for(setting, Extraction(backbone, views=views, without_validation=True), named)


def backbone_for(setting: Setting, skeletons: Artifact, config: PretrainConfig) -> Artifact:
    """The backbone of this configuration, split and protocol; trained when missing."""
    config = config.model_copy(update={"protocol": setting.protocol.name, "device": setting.device})
    if not setting.store.find("backbones", dataset=setting.dataset.name, split=setting.split.name):
        say(f"there is no backbone for split {setting.split.name} yet: it is trained now, which takes minutes")
    return chosen("backbone", pretrain(setting.store, skeletons, setting.dataset, setting.split, config))


def embeddings_for(store: Store, dataset: Dataset, words: Words) -> Artifact:
    """Class embeddings of a bank under a control; ``shuffled`` permutes rows later and encodes nothing new.

    Raises:
        UsageError: the control alters texts, but vectors were named.
        InputError: the embeddings or the bank that are meant do not exist or are of other classes.
    """
    if words.embeddings is not None:
        if words.control != "none":
            why = "embeddings that were named have no texts"
            raise UsageError(f"the control {words.control!r} needs texts", why=why, mend="leave out --embeddings")
        if words.bank is not None:
            raise UsageError("--bank and --embeddings exclude each other", mend="leave out one of them")
        found = store.get("embeddings", words.embeddings, mend=f"zsl-semantics encode --dataset {dataset.name}")
        ClassEmbeddings.open(found).check(dataset)
        return chosen("embeddings", found)
    bank = bank_for(store, dataset, words.bank)
    options = EncodeOptions(control=words.control, join=words.join)
    return chosen("embeddings", encode_all(store, bank, (words.encoder,), options)[0])


def tasks_for(setting: Setting, runs: Sequence[RunConfig], sources: Sources) -> list[Task]:
    """What each of ``runs`` learns from, made when missing; they differ in their seeds and controls only.

    Raises:
        UsageError: an unknown method, preset or setting, or sources that exclude each other.
        InputError: something is missing that only the user has.
    """
    needs = resolve_settings(runs[0], setting.dataset.name).method
    views = views_for(needs)
    features = features_for(setting, Extraction(sources.backbone, views=views), sources.features)
    validation = None
    if runs[0].validates:
        validation = validation_features_for(setting, sources.backbone, sources.validation, views=views)
    # "shuffled" permutes the real texts, so it needs no embeddings of its own.
    altered = {run.control: "none" if run.control == "shuffled" else run.control for run in runs}
    words = words_for(needs, sources.words)
    texts = {
        control: embeddings_for(setting.store, setting.dataset, replace(words, control=control))
        for control in dict.fromkeys(altered.values())
    }
    about = setting.dataset, setting.split, setting.protocol
    return [Task(features, texts[altered[run.control]], *about, validation) for run in runs]


def views_for(needs: MethodConfig) -> int:
    """Masked views per clip that a method wants its features to hold."""
    return MASKED_VIEWS if "masked" in needs.needed_inputs else 0


def words_for(needs: MethodConfig, words: Words) -> Words:
    """The same words, their phases of a movement joined or not, as a method wants them read."""
    return replace(words, join="temporal" if needs.joined_text else "none")


def usual_recipe(backbone: type[Backbone]) -> str:
    """The preprocessing of the clips that a backbone reads, unless the user says otherwise."""
    return backbone.recipes[0] if backbone.recipes else DEFAULT_RECIPE


def task_of(store: Store, catalog: Path | None, run: Artifact) -> Task:
    """What a finished run was made from.

    Raises:
        InputError: the features or embeddings are gone.
    """
    config, inputs = run.card.config, run.card.inputs
    setting = open_setting(store, catalog, config)
    mend = f"make the inputs again: {run.card.made.command}"
    features, embeddings = (store.get(role, inputs[role].name, mend=mend) for role in ("features", "embeddings"))
    return Task(features, embeddings, setting.dataset, setting.split, setting.protocol)
