"""``zsl-train export | predict | lineage | tensorboard``: runs leave the house, and say where they come from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zsl_skeleton.errors import UsageError
from zsl_skeleton.semantics.options import Options
from zsl_skeleton_cli.common import (
    DEFAULT_ARTIFACTS,
    ArtifactsOption,
    CatalogOption,
    DeviceOption,
    JsonOption,
    PromptsOption,
    RunArgument,
    emit,
    find_run,
    open_store,
    writing,
)
from zsl_skeleton_cli.options import takes

if TYPE_CHECKING:
    from zsl_skeleton.artifacts import Store
    from zsl_skeleton.prediction.truth import Truth

DrawsOption = Annotated[int, typer.Option(min=1, help="Times that seen classes are held out to calibrate.")]


def export(
    run_: RunArgument,
    out: Annotated[Path, typer.Option("--out", help="The folder to write.")],
    draws: DrawsOption = 5,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an export that exists.")] = False,
    device: DeviceOption = "auto",
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Write a run as one folder that classifies clips elsewhere: weights, settings, class texts, cards, calibration."""
    from zsl_skeleton.pipeline import task_of
    from zsl_skeleton.prediction.export import ExportOptions, Source, export_run
    from zsl_skeleton.prediction.manifest import read_manifest

    store = open_store(artifacts)
    found = find_run(store, run_)
    with writing(out, "--out DIR", store.root):
        export_run(Source(store, found, task_of(store, catalog, found)), out, ExportOptions(draws, device, overwrite))
    manifest = read_manifest(out)
    size = sum(ref.bytes for ref in manifest.files.values()) / 1e6
    text = f"{out}   ({size:.1f} MB)\n{manifest.render()}"
    emit({"path": str(out), "export": manifest.model_dump(mode="json")}, text, as_json=as_json)


@takes(Options)
def predict(
    source: Annotated[str, typer.Argument(metavar="EXPORT|RUN", help="An export, or a run that is exported first.")],
    more: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="More names for --classes.")] = None,
    root: Annotated[Path | None, typer.Option(help="Recordings: a folder or a file.")] = None,
    form: Annotated[str | None, typer.Option("--format", help="Format of the recordings; default: found out.")] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option(help='Names typed on the spot ("a" "b" ...); or all, seen or unseen classes of the export.'),
    ] = None,
    backend: Annotated[
        str,
        typer.Option(help="Writes texts of typed names: auto, name (none: the bare name), compose, openai, ..."),
    ] = "auto",
    texts: Annotated[Path | None, typer.Option(help="Own texts of the typed names: a table or JSON.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Names per clip.")] = 5,
    explain: Annotated[bool, typer.Option("--explain", help="Name what decided.")] = False,
    labels_from: Annotated[
        str | None, typer.Option(help="Data set whose labels the recordings carry: measures the accuracy.")
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="Table clip,class or label,class: measures the accuracy.")] = None,
    clips: Annotated[int, typer.Option(min=0, help="Clips shown.")] = 20,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a table of all clips to stdout.")] = False,
    device: DeviceOption = "auto",
    prompts: PromptsOption = None,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
    options: Options = Options(),
) -> None:
    """Classify recordings against the classes of an export, or against names typed on the spot."""
    if root is None:
        raise UsageError("--root is missing", mend="zsl-train predict EXPORT --root RECORDINGS")
    if as_csv and as_json:
        raise UsageError("--csv and --json exclude each other", mend="leave out one of them")
    from zsl_skeleton.skeletons.arrays.inspection.place import check_filled

    if root.exists():
        check_filled(root)  # before the weights are read
    from zsl_skeleton.prediction.predictor import PredictOptions, load
    from zsl_skeleton.prediction.truth import measure
    from zsl_skeleton.prediction.wording import Wording

    wanted = _typed(classes, more, source)
    known = _truth(labels_from, truth, catalog)
    store = open_store(artifacts)
    predictor = load(_opened(source, store, catalog, device), device)
    wording = Wording(backend, options, texts, store.root, prompts)
    found = predictor.predict(root, wanted, top, PredictOptions(wording, explain, form))
    measured = measure(found, known) if known else None
    document: dict[str, Any] = found.as_json() | ({"measured": measured.as_json()} if measured else {})
    text = found.as_csv() if as_csv else "\n".join([found.render(clips), *([measured.render()] if measured else [])])
    emit(document, text, as_json=as_json)


def _typed(classes: list[str] | None, more: list[str] | None, source: str) -> str | list[str] | None:
    """All names that follow ``--classes``; a single word of the export's own stands for itself."""
    if more and not classes:
        raise UsageError(
            f"{more[0]!r} is not expected here",
            why=f"one export or run is named, and that is {source!r}",
            mend='class names follow --classes "NAME" "NAME"',
        )
    names = [*(classes or ()), *(more or ())]
    if len(names) == 1 and names[0].strip().lower() not in ("all", "seen", "unseen"):
        why = "one name alone is what every clip would get; without names, all, seen and unseen are understood"
        raise UsageError("at least two classes are needed", why=why, mend='--classes "NAME" "NAME"')
    return names[0] if len(names) == 1 else names or None


def _truth(labels_from: str | None, path: Path | None, catalog: Path | None) -> Truth | None:
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.prediction.truth import Truth, read_truth

    dataset = load_dataset(labels_from, catalog) if labels_from else None
    if path is not None:
        return read_truth(path, dataset)
    return Truth(dataset) if dataset else None


def _opened(source: str, store: Store, catalog: Path | None, device: str) -> Path:
    """The export that is meant, or that of the run that is meant."""
    from zsl_skeleton.prediction.manifest import MANIFEST

    folder = Path(source)
    if (folder / MANIFEST).is_file() or (folder.is_dir() and not (folder / "card.json").is_file()):
        return folder
    from zsl_skeleton.pipeline import task_of
    from zsl_skeleton.prediction.export import ExportOptions, Source, stored_export
    from zsl_skeleton.progress import chosen

    run = store.get("runs", source, mend="name an export (zsl-train export RUN --out DIR) or a run (zsl-train list)")
    made = stored_export(Source(store, run, task_of(store, catalog, run)), ExportOptions(device=device))
    return chosen("export", made).path


def lineage(
    run_: RunArgument,
    of_class: Annotated[
        str | None, typer.Option("--class", help="Also show a class's texts and the prompts that they answer.")
    ] = None,
    prompts: PromptsOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Walk a run back to its recordings and prompts; says what is gone or was changed since."""
    from zsl_skeleton.lineage import lineage as walk
    from zsl_skeleton.lineage import render_lineage

    store = open_store(artifacts)
    run = find_run(store, run_)
    origin = walk(store, run, prompts)
    text = render_lineage(origin)
    unsound = [f"{item.stage}/{item.name}: {item.state}" for item in origin.unsound]
    document: dict[str, Any] = {"lineage": origin.as_json(), "unsound": unsound}
    if of_class is not None:
        from zsl_skeleton.class_origin import class_origin, render_class_origin

        found = class_origin(store, run, of_class, prompts)
        text, document = f"{text}\n{render_class_origin(found)}", document | {"class": found.as_json()}
    emit(document, text, as_json=as_json)


def tensorboard(
    runs: Annotated[list[str], typer.Argument(metavar="RUN", help="Runs: paths or names.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of event files, one subfolder for each run.")],
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Write the training curves of finished runs as event files: tensorboard --logdir OUT."""
    from zsl_skeleton.training.tensorboard import write_events

    store = open_store(artifacts)
    found = [find_run(store, name) for name in runs]
    with writing(out, "--out DIR", store.root):
        folders = [write_events(run, out) for run in found]
    text = "\n".join([*map(str, folders), f"look at them: tensorboard --logdir {out}"])
    emit({"folders": [str(folder) for folder in folders]}, text, as_json=as_json)
