"""Texts for class names that were typed on the spot, and their vectors.

A method reads certain slots, so every typed name needs texts in just these. Whoever writes them (a language model, the
facts of a known class, a file), all typed names get theirs from the same source: texts of different kinds could not be
compared.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.catalog import ActionClass, Dataset, Protocol
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.files import canonical_json, sha256_text
from zsl_skeleton.prediction.opening import Opened, Texts
from zsl_skeleton.registry import find_name
from zsl_skeleton.semantics.options import Options
from zsl_skeleton.semantics.words import same_key
from zsl_skeleton.text.class_embeddings import ClassEmbeddings

NAME, EXPORT, FILE = "name", "export", "file"
AUTO = "auto"
_WORDS = 12  # the most that the prompts allow a name


@dataclass(frozen=True)
class Wording:
    """Who writes the texts of typed names.

    Args:
        backend: a backend of ``zsl-semantics``; ``name``: the bare name stands for every text; ``auto``: the language
            model that ``options`` name, else the export's own texts if it has all the names, else the facts if other
            data sets know all the names, else the names.
        options: what a language model is told.
        file: own texts, a table or JSON as ``zsl-semantics import`` reads; goes before ``backend``.
        artifacts: store where answers and vectors are kept; None: a folder that is deleted again.
        prompts: folder of prompt families; None: the packaged one.
    """

    backend: str = AUTO
    options: Options = field(default_factory=Options)
    file: Path | None = None
    artifacts: Path | None = None
    prompts: Path | None = None


@dataclass(frozen=True)
class Worded:
    """Vectors of typed names, the texts behind them, where they come from, and what the user should know of that."""

    embeddings: ClassEmbeddings
    texts: Texts
    source: str
    remark: str = ""


def worded(names: Sequence[str], export: Opened, wording: Wording) -> Worded:
    """Vectors of typed names in all slots that the export's method reads.

    Raises:
        UsageError: fewer than two names, one that is blank, very long or there twice, or an unknown backend.
        InputError: the texts lack a slot, nobody knows a name, or the export's encoder is not the one here.
        BackendError: the language model cannot answer.
        QualityError: some of its answers could not be used; the others are kept in ``wording.artifacts``.
    """
    cleaned = _checked(names)
    known = {same_key(name): row for row, name in enumerate(export.manifest.names)}
    rows = [known.get(same_key(name)) for name in cleaned]
    asks = wording.file or wording.options.model or wording.options.base_url or wording.options.recording
    if wording.backend == EXPORT or (wording.backend == AUTO and not asks and None not in rows):
        return _own(cleaned, rows, export)
    with _store(wording) as store:
        source, texts, remark = _written(_dataset(cleaned), export, wording, store)
        if missing := [slot for slot in export.manifest.slots if slot not in texts]:
            raise InputError(
                f"the texts lack the slot {missing[0]!r}, which {export.settings.name} reads",
                why=f"they hold: {', '.join(sorted(texts)) or 'nothing'}",
                mend=f"add a text of every class in {', '.join(export.manifest.slots)}",
            )
        needed = {slot: texts[slot] for slot in export.manifest.slots}
        return Worded(_encoded(cleaned, needed, export, store), needed, source, remark)


def _checked(names: Sequence[str]) -> tuple[str, ...]:
    cleaned = tuple(" ".join(str(name).split()) for name in names)
    if len(cleaned) < 2:
        raise UsageError("at least two classes are needed", why="among one class every clip is named right")
    for name in cleaned:
        if not name or len(name.split()) > _WORDS or not name.isprintable():
            raise UsageError(f"{name!r} is no class name", why=f"a name has 1 to {_WORDS} words")
    keys = [same_key(name) for name in cleaned]
    if twice := [name for name, key in zip(cleaned, keys, strict=True) if keys.count(key) > 1]:
        raise UsageError(f"the class {twice[0]!r} is named twice", mend="name it once")
    return cleaned


def _dataset(names: Sequence[str]) -> Dataset:
    """The typed classes as a data set, which is what backends write for."""
    name = f"typed-{sha256_text(canonical_json(list(names)))[:8]}"
    return Dataset(
        name=name,
        title=f"{len(names)} typed classes",
        synthetic=False,
        layout="ntu-25",
        fps=30,
        persons=1,
        classes=tuple(ActionClass(index=i, code=f"T{i + 1}", name=text) for i, text in enumerate(names)),
        protocols={"none": Protocol(name="none", by="subject", train=(0,))},
        default_protocol="none",
    )


@contextmanager
def _store(wording: Wording) -> Iterator[Store]:
    if wording.artifacts is not None:
        yield Store(wording.artifacts)
        return
    with tempfile.TemporaryDirectory(prefix="zsl-typed-") as folder:
        yield Store(Path(folder))


def _own(names: tuple[str, ...], rows: Sequence[int | None], export: Opened) -> Worded:
    """The export's own texts of some of its classes."""
    unknown = [name for name, row in zip(names, rows, strict=True) if row is None]
    if unknown:
        raise UsageError(
            f"the export has no class {unknown[0]!r}",
            why=f"it has: {', '.join(export.manifest.names)}",
            mend="leave out --backend export",
        )
    chosen = [row for row in rows if row is not None]
    embeddings = chosen_rows(export.embeddings, chosen)
    return Worded(embeddings, {slot: [t[row] for row in chosen] for slot, t in export.texts.items()}, EXPORT)


def chosen_rows(embeddings: ClassEmbeddings, rows: Sequence[int]) -> ClassEmbeddings:
    """The vectors of the classes at ``rows``, in that order."""
    index = np.array(rows, dtype=np.int64)
    return ClassEmbeddings(
        embeddings.dataset,
        tuple(embeddings.class_names[row] for row in rows),
        embeddings.encoder,
        {slot: value[index] for slot, value in embeddings.slots.items()},
        {slot: value[index] for slot, value in embeddings.masks.items()},
    )


def _written(dataset: Dataset, export: Opened, wording: Wording, store: Store) -> tuple[str, Texts, str]:
    """Source, slot -> texts by class, and a remark."""
    from zsl_skeleton.semantics.backends import BACKENDS

    if wording.file is not None:
        from zsl_skeleton.semantics.exchange.texts import import_bank

        try:
            bank = import_bank(store, dataset, wording.file)
        except InputError as error:
            slots = ", ".join(export.manifest.slots)
            mend = f"a CSV table: class (0 for the first name typed), name, slot, text; slots {slots}"
            raise InputError(error.what, why=error.why, mend=mend) from error
        return f"{FILE} {wording.file.name}", _bank_texts(bank, export), ""
    backend = find_name("backend", wording.backend, {**BACKENDS, NAME: "", AUTO: "", EXPORT: ""})
    options = wording.options
    if backend == AUTO:
        named = options.model or options.base_url or options.recording
        backend = AUTO if named else ("compose" if not _unknown(dataset) else NAME)
    if backend == NAME:
        texts = {slot: [[action.name] for action in dataset.classes] for slot in export.manifest.slots}
        return (
            NAME,
            texts,
            f"nobody wrote texts of the typed names: the bare name stands for {' and '.join(texts)}, which is weaker "
            "(--model NAME or --texts FILE)",
        )
    bank = _generated(dataset, backend, export, wording, store)
    model = bank.card.config["backend"].get("model")
    return " ".join(filter(None, (bank.card.config["backend"]["name"], model))), _bank_texts(bank, export), ""


def _unknown(dataset: Dataset) -> list[str]:
    """The names that no facts know, not even as a synonym."""
    from zsl_skeleton.resources import data_folder
    from zsl_skeleton.semantics.draft.known import known_classes
    from zsl_skeleton.semantics.facts import Library

    known = known_classes(dataset, Library(data_folder("semantics")))
    return [action.name for action in dataset.classes if action.name not in known]


def _generated(dataset: Dataset, backend: str, export: Opened, wording: Wording, store: Store) -> Artifact:
    from zsl_skeleton.semantics.draft.drafting import DraftConfig, draft_facts
    from zsl_skeleton.semantics.generate import GenerateConfig, generate

    families = tuple(dict.fromkeys(slot.partition(".")[0] for slot in export.manifest.slots))
    config = GenerateConfig(families=families, backend=backend, prompts=wording.prompts, options=wording.options)
    if backend != "compose":
        return generate(store, dataset, config)
    if unknown := _unknown(dataset):
        raise InputError(
            f"no facts know {', '.join(map(repr, unknown))}",
            why="texts can be composed of facts only, and these names are in none, not even as a synonym",
            mend="--backend openai --model NAME, --texts FILE, or --backend name",
        )
    with tempfile.TemporaryDirectory(prefix="zsl-facts-") as folder:
        draft_facts(store, dataset, DraftConfig(out=Path(folder) / dataset.name / "facts.yaml"))
        return generate(store, dataset, config.model_copy(update={"semantics": Path(folder)}))


def _bank_texts(bank: Artifact, export: Opened) -> Texts:
    from zsl_skeleton.semantics.bank import SemanticBank
    from zsl_skeleton.text.joining import joined_texts

    words = SemanticBank.open(bank)
    return joined_texts(words) if export.manifest.joined else {slot: words.texts(slot) for slot in words.slots}


def _encoded(names: tuple[str, ...], texts: Texts, export: Opened, store: Store) -> ClassEmbeddings:
    from zsl_skeleton.text.cache import open_vector_cache
    from zsl_skeleton.text.encode import Source, embed
    from zsl_skeleton.text.encoders import encoder_card, load_encoder

    wanted = export.manifest.encoder
    try:
        encoder = load_encoder(wanted.name)
    except UsageError as error:
        raise InputError(
            f"new texts cannot be encoded: the export's encoder {wanted.name!r} is unknown here",
            why="vectors of another encoder cannot be compared with those that the method was trained on",
            mend="choose among the export's own classes",
        ) from error
    found = encoder_card(encoder)
    if found != wanted:
        raise InputError(
            f"the encoder {wanted.name} here is not the export's",
            why=f"its revision is {found.revision}, the export was made with {wanted.revision}",
            mend="install that revision, or export a run that was made with this one",
        )
    with closing(open_vector_cache(store.root / ".cache" / "embeddings")) as cache:
        return embed(texts, "typed", names, Source(encoder, cache))
