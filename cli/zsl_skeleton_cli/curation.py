"""``zsl-semantics edit | approve | reject | diff | new-version``: texts in the hands of people."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zsl_skeleton_cli.common import (
    DEFAULT_ARTIFACTS,
    ArtifactsOption,
    CatalogOption,
    DatasetOption,
    JsonOption,
    PromptsOption,
    emit,
    open_store,
    writing,
)

if TYPE_CHECKING:
    from zsl_skeleton.semantics.curation import Curator, Outcome, Selection

    Change = Callable[[Path, Curator], Outcome]

ClassArgument = Annotated[str | None, typer.Argument(help="Class: its name or its index. Default: all.")]
SlotOption = Annotated[str | None, typer.Option("--slot", help="Slot or family. Default: all.")]
IndexOption = Annotated[int | None, typer.Option("--index", min=0, help="Number of the text within its slot.")]
ByOption = Annotated[str | None, typer.Option("--by", help="Who; default: git's user.name.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for the history.")]
CuratedOption = Annotated[
    str | None,
    typer.Option(
        "--bank",
        help="Bank: a path or a name. Default: the curated copy DATASET-curated; where none is, the composed one.",
    ),
]
NameOption = Annotated[str | None, typer.Option("--name", help="Name of the curated copy. Default: DATASET-curated.")]


@dataclass(frozen=True)
class _Place:
    """The bank that a command changes, as the user names it."""

    dataset: str
    bank: str | None
    name: str | None
    catalog: Path | None
    artifacts: Path


def _apply(place: _Place, change: Change, curator: Curator, *, as_json: bool) -> None:
    """Change a bank and tell the outcome; a copy is made first where there is none, but not for a change in vain."""
    from zsl_skeleton.banks import curated_bank
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.progress import say

    def rehearse(folder: Path) -> None:
        change(folder, replace(curator, rehearses=True))

    store, entry = open_store(place.artifacts), load_dataset(place.dataset, place.catalog)
    path, fresh = curated_bank(store, entry, place.bank, place.name, rehearse)
    if fresh:
        say(f"a generated bank never changes; its curated copy is {path} (--bank {path.name})")
    outcome = change(path, curator)
    emit(outcome.as_json(), outcome.render(), as_json=as_json)


def _curator(by: str | None, reason: str = "", prompts: Path | None = None, *, insist: bool = False) -> Curator:
    from zsl_skeleton.semantics.curation import Curator, person_name

    return Curator(person_name(by), prompts, insist, reason)


def _selection(action: str | None, slot: str | None, index: int | None) -> Selection:
    from zsl_skeleton.semantics.curation import Selection

    return Selection(action, slot, index)


def _check_one_way(**ways: object) -> None:
    """A text is changed in one way at a time; what would be passed over in silence is refused."""
    from zsl_skeleton.errors import UsageError

    named = [f"--{way}" for way, value in ways.items() if value is not None]
    if len(named) > 1:
        raise UsageError(f"{' and '.join(named)} are two ways to change texts", mend="leave one of them out")


def _editing(chosen: Selection, text: str | None, csv: Path | None, file: Path | None, editor: str | None) -> Change:
    """What ``edit`` does with the folder of a bank."""
    from zsl_skeleton.semantics import curation

    if csv is not None:
        return lambda folder, curator: curation.apply_table(folder, csv, curator)
    if file is not None:
        return lambda folder, curator: curation.apply_file(folder, file, curator)
    if text is not None:
        return lambda folder, curator: curation.edit(folder, chosen, text, curator)
    return lambda folder, curator: curation.edit_in_editor(folder, chosen, curator, editor)


def edit(
    dataset: DatasetOption,
    action: ClassArgument = None,
    slot: SlotOption = None,
    index: IndexOption = None,
    text: Annotated[str | None, typer.Option("--text", help="The new words of one text.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Apply an edited table from export --format csv.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Apply a file that a former edit left behind.")] = None,
    editor: Annotated[str | None, typer.Option("--editor", help="Editor. Default: $VISUAL, $EDITOR, vi.")] = None,
    insist: Annotated[bool, typer.Option("--insist", help="Keep a text that breaks its family's rules.")] = False,
    by: ByOption = None,
    reason: ReasonOption = "",
    bank: CuratedOption = None,
    name: NameOption = None,
    prompts: PromptsOption = None,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Change texts: in an editor, one by --text, or a whole table by --csv."""
    from zsl_skeleton.errors import UsageError

    _check_one_way(text=text, csv=csv, file=file, editor=editor)
    if csv is not None and (action, slot, index) != (None, None, None):
        raise UsageError("a table names its texts itself", mend="leave out the class, --slot and --index")
    change = _editing(_selection(action, slot, index), text, csv, file, editor)
    curator = _curator(by, reason, prompts, insist=insist)
    _apply(_Place(dataset, bank, name, catalog, artifacts), change, curator, as_json=as_json)


def approve(
    dataset: DatasetOption,
    action: ClassArgument = None,
    slot: SlotOption = None,
    index: IndexOption = None,
    by: ByOption = None,
    reason: ReasonOption = "",
    bank: CuratedOption = None,
    name: NameOption = None,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Approve texts: they stay as they are when the bank is generated anew (generate --keep)."""
    from zsl_skeleton.semantics import curation

    def change(folder: Path, curator: Curator) -> Outcome:
        return curation.approve(folder, _selection(action, slot, index), curator)

    _apply(_Place(dataset, bank, name, catalog, artifacts), change, _curator(by, reason), as_json=as_json)


def reject(
    dataset: DatasetOption,
    action: Annotated[str, typer.Argument(help="Class: its name or its index.")],
    reason: Annotated[str, typer.Option("--reason", help="What is wrong with it.")],
    slot: SlotOption = None,
    index: IndexOption = None,
    by: ByOption = None,
    bank: CuratedOption = None,
    name: NameOption = None,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Take texts out of use; generate --keep replaces them and does not take the same words again."""
    from zsl_skeleton.semantics import curation

    def change(folder: Path, curator: Curator) -> Outcome:
        return curation.reject(folder, _selection(action, slot, index), reason, curator)

    _apply(_Place(dataset, bank, name, catalog, artifacts), change, _curator(by), as_json=as_json)


def new_version(
    family: Annotated[str, typer.Argument(help="Prompt family, e.g. spatial.")],
    prompts: PromptsOption = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Folder that gets the new version. Default: that of --prompts, else ./prompts."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Copy a prompt family to its next version, for editing."""
    from zsl_skeleton.progress import say
    from zsl_skeleton.resources import data_folder
    from zsl_skeleton.semantics.new_version import new_version

    # Never the packaged folder unasked: it is everybody's.
    home = to or prompts or Path("prompts")
    with writing(home, "--to DIR"):
        path = new_version(data_folder("prompts", prompts), family, home)
    emit({"path": str(path)}, str(path), as_json=as_json)
    use = shlex.join(["--family", path.parent.name, "--prompts", str(home)])
    say(f"edit it, then: zsl-semantics generate --dataset DATASET {use}")


def diff(
    dataset: DatasetOption,
    before: Annotated[str, typer.Argument(help="Bank: a path or a name.")],
    after: Annotated[str, typer.Argument(help="Another bank of the same classes.")],
    encoder: Annotated[str | None, typer.Option(help="Also compare what this encoder makes of the texts.")] = None,
    split: Annotated[str | None, typer.Option(help="Say which class pairs lie across seen and unseen.")] = None,
    classes: Annotated[int, typer.Option(min=0, help="Classes per slot whose texts are written out.")] = 5,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Show what differs between two banks: texts, and which classes come closer in an encoder's space."""
    from zsl_skeleton.banks import find_bank
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.semantics.bank import SemanticBank
    from zsl_skeleton.semantics.diff import diff_banks
    from zsl_skeleton.text.class_embeddings import ClassEmbeddings
    from zsl_skeleton.text.encode import encode

    entry, store = load_dataset(dataset, catalog), open_store(artifacts)
    first, second = (find_bank(store, entry, reference) for reference in (before, after))
    vectors = None
    if encoder is not None:
        one, two = (ClassEmbeddings.open(encode(store, bank, encoder)) for bank in (first, second))
        vectors = (one, two)
    chosen = entry.split(split) if split else None
    found = diff_banks(SemanticBank.open(first), SemanticBank.open(second), vectors, chosen)
    emit(found.as_json(), found.render(classes), as_json=as_json)
