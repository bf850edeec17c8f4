"""Expands a study into its runs, all names checked and in their canonical spelling."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from zsl_skeleton.artifacts import Store
from zsl_skeleton.backbones import BACKBONES
from zsl_skeleton.banks import find_bank
from zsl_skeleton.catalog import Dataset, load_dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import canonical_json, sha256_text
from zsl_skeleton.methods import METHODS
from zsl_skeleton.pipeline import OWN, Sources, Words
from zsl_skeleton.registry import find_name
from zsl_skeleton.studies.loading import StudyFile
from zsl_skeleton.studies.model import Block
from zsl_skeleton.text.encoders import load_encoder
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.presets import preset_names
from zsl_skeleton.training.settings import resolve_settings


@dataclass(frozen=True)
class World:
    """What a study is worked on in; nothing of it changes what is made.

    Args:
        root: folder of the artifacts.
        catalog: folder of more data sets.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        checkpoint_seconds: shortest time between two checkpoints.
    """

    root: Path
    catalog: Path | None = None
    device: str = "auto"
    checkpoint_seconds: float = 60.0


@dataclass(frozen=True)
class StudyRun:
    """One run of a study: names of data set, split and protocol, what it is made from, and its configuration."""

    dataset: str
    split: str
    protocol: str
    sources: Sources
    config: RunConfig

    @property
    def id(self) -> str:
        """Tells it from other runs before its inputs exist; device and checkpoints aside."""
        config = self.config.model_dump(exclude={"device", "checkpoint_seconds"})
        sources = [self.sources.backbone, self.sources.validation, *vars(self.sources.words).values()]
        return sha256_text(canonical_json([self.dataset, self.split, self.protocol, sources, config]))[:16]

    @property
    def name(self) -> str:
        """A line for people; texts and backbone only where they are not the usual ones."""
        run, words, usual = self.config, self.sources.words, Sources()
        told = {run.control: run.control != "none", run.select: run.select != "last", "gzsl": run.gzsl}
        marks = [mark for mark, needed in told.items() if needed]
        marks += [f"bank {words.bank}"] * (words.bank is not None) + list(run.overrides)
        marks += [words.embeddings] if words.embeddings else [words.encoder] * (words.encoder != usual.words.encoder)
        marks += [self.sources.backbone] * (self.sources.backbone != usual.backbone)
        about = f" ({', '.join(marks)})" if marks else ""
        return f"{run.method} {run.preset}{about}, {self.dataset} {self.protocol} {self.split}, seed {run.seed}"


def expand(file: StudyFile, world: World) -> tuple[StudyRun, ...]:
    """The runs of a study, each once, in the order of the file; all names are looked up before.

    Raises:
        UsageError: a name or a setting is unknown.
        InputError: a catalog file is broken, a data set has no split, or a bank or embeddings do not exist.
    """
    runs: dict[StudyRun, None] = {}
    for index, block in enumerate(file.study.runs):
        runs |= dict.fromkeys(_Expansion(file, world, index, block).runs())
    return tuple(runs)


@dataclass(frozen=True)
class _Expansion:
    file: StudyFile
    world: World
    index: int
    block: Block

    def runs(self) -> Iterator[StudyRun]:
        """Data set by data set and split by split, so that runs on the same inputs lie together."""
        block = self.block
        backbones = self._checked("backbones", lambda name: find_name("backbone", name, BACKBONES))
        encoders = self._checked("encoders", lambda name: load_encoder(name).name and name)
        for dataset_index, name in enumerate(block.datasets):
            with self._at("datasets", dataset_index):
                dataset = load_dataset(name, self.world.catalog)
            places = itertools.product(self._protocols(dataset), self._splits(dataset))
            words = list(self._words(dataset, encoders))
            configs = list(self._configs(dataset))
            for (protocol, split), backbone, text in itertools.product(places, backbones, words):
                sources = Sources(backbone, None, block.validation_features, text)
                yield from (StudyRun(dataset.name, split, protocol, sources, config) for config in configs)

    def _configs(self, dataset: Dataset) -> Iterator[RunConfig]:
        """Every method, preset, control and seed."""
        block, world = self.block, self.world
        common = {name: getattr(block, name) for name in ("gzsl", "gate", "select", "draws", "held_out")}
        common |= {"device": world.device, "checkpoint_seconds": world.checkpoint_seconds}
        for index, choice in enumerate(block.methods):
            with self._at("methods", index):
                method = find_name("method", choice.method, METHODS)
                known = dict.fromkeys(preset_names(method))
                wanted = [choice.preset] if choice.preset else block.presets
                presets = [find_name(f"preset of {method}", preset, known) for preset in wanted]
                overrides = (*block.settings, *choice.settings)
                for preset in presets:
                    resolve_settings(RunConfig(method=method, preset=preset, overrides=overrides), dataset.name)
            named = {**common, "method": method, "overrides": overrides}
            for preset, control, seed in itertools.product(presets, block.controls, block.seeds):
                yield RunConfig.model_validate({**named, "preset": preset, "control": control, "seed": seed})

    def _splits(self, dataset: Dataset) -> list[str]:
        if not dataset.splits:
            with self._at("datasets"):
                why = "nobody has published one, so far as the catalog knows"
                raise InputError(f"{dataset.name} has no seen/unseen split", why=why, mend="add one in a catalog file")
        return self._checked("splits", lambda name: dataset.split(name).name) or [next(iter(dataset.splits))]

    def _protocols(self, dataset: Dataset) -> list[str]:
        return self._checked("protocols", lambda name: dataset.protocol(name).name) or [dataset.protocol().name]

    def _words(self, dataset: Dataset, encoders: list[str]) -> Iterator[Words]:
        store = Store(self.world.root)
        if self.block.validation_features not in (None, OWN):
            with self._at("validation_features"):
                mend = f"zsl-data extract --dataset {dataset.name} --without-validation"
                store.get("features", str(self.block.validation_features), mend=mend)

        def embeddings(name: str) -> str:
            store.get("embeddings", name, mend=f"zsl-semantics encode --dataset {dataset.name}")
            return name

        def bank(name: str) -> str:
            find_bank(store, dataset, name)
            return name

        yield from (Words(embeddings=name) for name in self._checked("embeddings", embeddings))
        if not self.block.embeddings:
            banks = self._checked("banks", bank)
            yield from (Words(*pair) for pair in itertools.product(banks or (None,), encoders))

    def _checked(self, field: str, look_up: Callable[[str], str]) -> list[str]:
        """The names of a field, each looked up; an unknown one is told with its place."""
        found = []
        for index, name in enumerate(getattr(self.block, field)):
            with self._at(field, index):
                found.append(look_up(name))
        return found

    def _at(self, *place: str | int) -> AbstractContextManager[None]:
        return self.file.at("runs", self.index, *place)
