"""Finished runs, grouped: what differs within a group is the split and the seed alone.

Two runs belong together when method, settings (not merely the preset's name: presets change), selection, control, texts
and features agree. Features of several splits come from as many backbones; they agree when these were trained alike.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.evaluation.comparison.options import ComparisonOptions
from zsl_skeleton.evaluation.report import Report
from zsl_skeleton.files import canonical_json, sha256_text
from zsl_skeleton.registry import find_name
from zsl_skeleton.training.settings import changed_settings, settings_from_json, value_text
from zsl_skeleton.training.train import STAGE, read_report

_SHOWN = 40
"""Characters of a value that tells two inputs apart; a longer one is named only."""

# What tells inputs apart; the rest is about the split, the control, visual inputs that a method may leave unread, or
# how a method wants its texts read (each phase after those before it), which its settings tell.
_TOLD = {"features": {"recipe", "encoder", "backbone"}, "embeddings": {"encoder", "bank", "texts"}}
_OF_THE_SPLIT = {"dataset", "split", "protocol", "classes", "unseen", "trained_on"}


@dataclass(frozen=True)
class Origin:
    """Where texts or features come from: a name for people and everything that tells it from others."""

    name: str
    details: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class GroupKey:
    """What the runs of a group have in common.

    Args:
        validation: how the epoch was chosen by validation, e.g. ``"3 sets"``; empty for other selections.
        settings: method and optimisation as canonical JSON, with today's defaults for settings that are newer.
    """

    method: str
    preset: str
    select: str
    validation: str
    control: str
    settings: str
    texts: Origin
    features: Origin


@dataclass
class RunGroup:
    """The runs of a group by split and seed.

    Args:
        overrides: ``key=value`` of the settings that differ from the preset as it is now.
        replaced: how many runs were left out because another run of the same split and seed is newer or tells more.
    """

    key: GroupKey
    overrides: tuple[str, ...]
    reports: dict[tuple[str, int], Report] = field(default_factory=dict)
    replaced: int = 0

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits it has runs of, sorted."""
        return tuple(sorted({split for split, _ in self.reports}))

    @property
    def name(self) -> str:
        """Method, preset and selection in a few words; an oracle is called one."""
        select = "" if self.key.select == "last" else f" ({self.key.select})"
        return f"{self.key.method} {self.key.preset}{select}"

    @property
    def any_report(self) -> Report:
        """One of its reports, for what they have in common."""
        return next(iter(self.reports.values()))

    @property
    def backbone(self) -> str:
        """Kind of the backbone, e.g. ``st-gcn``."""
        return backbone_kind(self.any_report)

    @property
    def seedless(self) -> bool:
        """Whether nothing depends on the seed: a closed form, unless the seed shuffles its texts."""
        return json.loads(self.key.settings)["train"] is None and self.key.control != "shuffled"


def read_groups(store: Store, options: ComparisonOptions, given: Sequence[Artifact] | None = None) -> list[RunGroup]:
    """The groups of those finished runs that ``options`` ask for, by data set, protocol and split alone.

    Args:
        store: where runs and their inputs lie.
        options: which runs.
        given: the runs; None: all finished ones.

    Raises:
        UsageError: several data sets or protocols have runs and none is chosen, or the chosen one has none.
        InputError: there is no run, or one is damaged.
    """
    found = store.all(STAGE) if given is None else sorted(given, key=_age, reverse=True)
    runs, reader = _chosen(found, options), _Reader(store)
    names = _split_names(runs)
    groups: dict[GroupKey, RunGroup] = {}
    # Newest first, and of one split and seed those with the generalised task before those without it.
    for run in sorted(runs, key=lambda run: not run.card.config.get("gzsl", False)):
        config, report = run.card.config, read_report(run)
        key, overrides = reader.key(run, report)
        group = groups.setdefault(key, RunGroup(key, overrides))
        cell = (names[config["split"], tuple(config["unseen"])], config["seed"])
        group.replaced += cell in group.reports
        group.reports.setdefault(cell, report)
    return list(groups.values())


def differing(origins: Sequence[Origin]) -> list[str]:
    """For each origin what tells it from the others of the same name, as ``key=value, ...``."""
    texts = []
    for origin in origins:
        alike = [dict(other.details) for other in origins if other.name == origin.name]
        own = dict(origin.details)
        keys = sorted({key for details in alike for key in details})
        told = [key for key in keys if key in own and any(details.get(key, own[key]) != own[key] for details in alike)]
        # Half a JSON value tells nobody anything.
        parts = [f"{key}={own[key]}" if len(own[key]) <= _SHOWN else f"{key} differs" for key in told]
        texts.append(", ".join(parts if set(keys) <= own.keys() else [*parts, "the card of its backbone is gone"]))
    return texts


def backbone_kind(report: Report) -> str:
    """``utd-mhad-random-1-st-gcn-29d57b0a`` -> ``st-gcn``."""
    own = re.sub(r"-[0-9a-f]{8}$", "", report.backbone)
    return own.removeprefix(f"{report.dataset}-").removeprefix(f"{report.split}-")


def _age(run: Artifact) -> tuple[str, str]:
    """As :meth:`Store.all` orders runs."""
    return run.card.made.at, run.path.name


def _chosen(runs: Iterable[Artifact], options: ComparisonOptions) -> list[Artifact]:
    found = list(runs)
    if not found:
        name = options.dataset or "demo"
        raise InputError("there are no runs to compare", mend=f"zsl-train --method ridge --dataset {name}")
    for option in ("dataset", "protocol"):
        held = sorted({run.card.config[option] for run in found})
        chosen = getattr(options, option)
        if chosen is None and len(held) > 1:
            why = f"there are runs of: {', '.join(held)}"
            raise UsageError(f"--{option} is missing", why=why, mend=f"zsl-train compare --{option} {held[0]}")
        name = find_name(f"{option} among the runs", chosen, dict.fromkeys(held)) if chosen else held[0]
        found = [run for run in found if run.card.config[option] == name]
    splits = dict.fromkeys(sorted({run.card.config["split"] for run in found}))
    wanted = {find_name("split among the runs", name, splits) for name in options.splits} or set(splits)
    return [run for run in found if run.card.config["split"] in wanted]


def _split_names(runs: Iterable[Artifact]) -> dict[tuple[str, tuple[int, ...]], str]:
    """(Name, unseen classes) -> what to call the split; one that was edited in the catalog is another split."""
    splits = sorted({(run.card.config["split"], tuple(run.card.config["unseen"])) for run in runs})
    names = [name for name, _ in splits]
    marks = {split: f"#{sha256_text(canonical_json(list(split[1])))[:4]}" for split in splits}
    return {split: split[0] + marks[split] * (names.count(split[0]) > 1) for split in splits}


class _Reader:
    """Reads the keys of runs; what several runs share is read once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._details = functools.cache(self._details_of)
        self._settings = functools.cache(_settings)

    def key(self, run: Artifact, report: Report) -> tuple[GroupKey, tuple[str, ...]]:
        """The group of a run, and how its settings differ from its preset."""
        config, inputs = run.card.config, run.card.inputs
        names = {name: config[name] for name in ("method", "preset", "select", "control")}
        about = (config["method"], config["preset"], config["dataset"])
        settings, overrides = self._settings(about, canonical_json(config["settings"]))
        texts = f"encoder {report.encoder}, bank {report.bank}"
        return GroupKey(
            **names,
            validation=_validation(run) if config["select"] == "val" else "",
            settings=settings,
            texts=Origin(texts, self._details("embeddings", inputs["embeddings"].name)),
            features=Origin(f"backbone {backbone_kind(report)}", self._details("features", inputs["features"].name)),
        ), overrides

    def _details_of(self, stage: str, name: str) -> tuple[tuple[str, str], ...]:
        """What an input was made by, its data set, split and control aside; nothing where it is gone."""
        try:
            card = Artifact.open(self._store.root / stage / name).card
        except InputError:
            return ()
        told = _TOLD.get(stage, card.config.keys() - _OF_THE_SPLIT)
        found = {key: value for key, value in card.config.items() if key in told}
        if "skeletons" in card.inputs:
            found["skeletons"] = card.inputs["skeletons"].name
        details = {key: value_text(value) for key, value in found.items()}
        if "backbone" in card.inputs:
            # Its name holds the split; how it was trained does not.
            del details["backbone"]
            details |= dict(self._details("backbones", card.inputs["backbone"].name))
        return tuple(sorted(details.items()))


def _settings(about: tuple[str, str, str], settings: str) -> tuple[str, tuple[str, ...]]:
    """Settings completed by today's defaults, and ``key=value`` where they differ from (method, preset, data set)."""
    method, preset, dataset = about
    try:
        own = settings_from_json(method, json.loads(settings))
        return canonical_json(own.as_json()), changed_settings(own, preset, dataset)
    except (UsageError, InputError, ValidationError):
        # The method or the preset has changed since: the run still counts, under its own settings.
        return settings, (f"settings {sha256_text(settings)[:8]} of another version",)


def _validation(run: Artifact) -> str:
    sets = len(run.card.config.get("held_out") or [None])
    backbone = ", backbone without them" if "validation" in run.card.inputs else ""
    return f"{sets} set{'s' * (sets > 1)}{backbone}"
