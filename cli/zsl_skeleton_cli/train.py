"""``zsl-train``: features + class embeddings -> run -> report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from zsl_skeleton.errors import UsageError
from zsl_skeleton.evaluation.comparison.options import ComparisonOptions
from zsl_skeleton_cli.bench import bench
from zsl_skeleton_cli.common import (
    DEFAULT_ARTIFACTS,
    ArtifactsOption,
    CatalogOption,
    CheckpointOption,
    DeviceOption,
    JsonOption,
    RunArgument,
    emit,
    emit_tables,
    find_run,
    new_app,
    open_named,
    open_store,
    run,
)
from zsl_skeleton_cli.options import takes
from zsl_skeleton_cli.predict import export, lineage, predict, tensorboard
from zsl_skeleton_cli.reports import report
from zsl_skeleton_cli.study import study

if TYPE_CHECKING:
    from zsl_skeleton.artifacts import Artifact
    from zsl_skeleton.training.config import RunConfig

app = new_app(
    "Train a zero-shot method on seen classes and test it on unseen ones. What is missing on the way (backbone, "
    "features, bank, embeddings) is made with default settings; what exists is reused."
)

for command in (study, report, export, predict, lineage, tensorboard, bench):
    app.command()(command)


@app.callback(invoke_without_command=True)
def train(
    context: typer.Context,
    method: Annotated[str | None, typer.Option(help="Method: smie, msf, mla, neuron, ridge, eszsl or devise.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Data set, e.g. utd-mhad, demo.")] = None,
    split: Annotated[str | None, typer.Option(help="Seen/unseen split; default: the data set's first.")] = None,
    protocol: Annotated[str | None, typer.Option(help="Train/test protocol; default: the data set's.")] = None,
    preset: Annotated[
        str,
        typer.Option(help="Settings: default (mended), paper (official), paper-tuned (its rate and length fitted)."),
    ] = "default",
    overrides: Annotated[list[str] | None, typer.Option("--set", help="key=value; repeat for several.")] = None,
    seeds: Annotated[str, typer.Option("--seeds", "--seed", help="One seed, a list 0,1,2 or a range 0..4.")] = "0",
    select: Annotated[
        str, typer.Option(help="Epoch: last, val (on pseudo-unseen classes) or oracle (on the unseen test clips).")
    ] = "last",
    gzsl: Annotated[
        bool, typer.Option("--gzsl", help="Test among all classes too, calibrated on held-out ones.")
    ] = False,
    gate: Annotated[str, typer.Option(help="Of --gzsl: ours, or official (MSF's code).")] = "ours",
    draws: Annotated[int, typer.Option(min=1, help="Times that seen classes are held out, for val and --gzsl.")] = 1,
    held_out: Annotated[
        int | None, typer.Option(min=2, help="Seen classes held out each time; default: those the split names.")
    ] = None,
    control: Annotated[
        str, typer.Option(help="Texts: none (real), shuffled, random-words, name-only; several as a,b.")
    ] = "none",
    features: Annotated[str | None, typer.Option(help="Feature set: path or name.")] = None,
    backbone: Annotated[
        str, typer.Option(help="Backbone of the features: st-gcn, shift-gcn or raw-joints.")
    ] = "st-gcn",
    validation_features: Annotated[
        str | None,
        typer.Option(help="Features for held-out classes; default: the same; own: of a backbone without them."),
    ] = None,
    bank: Annotated[str | None, typer.Option(help="Bank of class texts: path or name.")] = None,
    encoder: Annotated[str, typer.Option(help="Text encoder; see zsl-semantics list.")] = "minilm",
    embeddings: Annotated[str | None, typer.Option(help="Class embeddings, e.g. imported: path or name.")] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Runs at a time; default: on a CPU as many as it has threads.")
    ] = None,
    device: DeviceOption = "auto",
    checkpoint_seconds: CheckpointOption = 60.0,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Train and test; see also the sub-commands."""
    if context.invoked_subcommand:
        return
    if method is None or dataset is None:
        missing = "--method" if method is None else "--dataset"
        raise UsageError(f"{missing} is missing", mend="zsl-train --method mla --dataset demo")
    common = {
        "method": method,
        "preset": preset,
        "overrides": tuple(overrides or ()),
        "select": select,
        "gzsl": gzsl,
        "gate": gate,
        "draws": draws,
        "held_out": held_out,
        "device": device,
        "checkpoint_seconds": checkpoint_seconds,
    }
    # Before torch is imported: a mistyped word is told at once.
    configs = _run_configs(common, _seeds(seeds), control)
    names = {"dataset": dataset, "split": split, "protocol": protocol, "device": device}
    setting = open_named(artifacts, catalog, names)
    from zsl_skeleton.pipeline import Sources, Words, tasks_for
    from zsl_skeleton.training.parallel import train_all

    words = Words(bank, encoder, embeddings=embeddings)
    tasks = tasks_for(setting, configs, Sources(backbone, features, validation_features, words))
    made = train_all(setting.store, list(zip(tasks, configs, strict=True)), jobs)
    _emit_runs(made, as_json=as_json)


def _emit_runs(made: list[Artifact], *, as_json: bool) -> None:
    """Print the report of one run, or the table of several."""
    from zsl_skeleton.evaluation.report import render
    from zsl_skeleton.evaluation.summary import render_summary, summarise
    from zsl_skeleton.training.train import read_report

    reports = [read_report(artifact) for artifact in made]
    text = render(reports[0]) if len(reports) == 1 else render_summary(reports)
    document = {
        "runs": [{"path": str(a.path), **r.model_dump(mode="json")} for a, r in zip(made, reports, strict=True)],
        "summary": summarise(reports),
    }
    emit(document, text, as_json=as_json)


def _run_configs(common: dict[str, Any], seeds: tuple[int, ...], control: str) -> list[RunConfig]:
    """One configuration per control and seed, alike in what is ``common``."""
    from zsl_skeleton.methods import METHODS
    from zsl_skeleton.registry import find_name
    from zsl_skeleton.training.config import CONTROLS, GATE_NAMES, SELECTIONS, RunConfig

    method = find_name("method", common["method"], METHODS)
    select = find_name("selection rule", common["select"], dict.fromkeys(SELECTIONS))
    gate = find_name("gate", common["gate"], dict.fromkeys(GATE_NAMES))
    controls = [find_name("control", name, dict.fromkeys(CONTROLS)) for name in control.split(",")]
    named = {**common, "method": method, "select": select, "gate": gate}
    runs = ({**named, "control": name, "seed": seed} for name in controls for seed in seeds)
    return [RunConfig.model_validate(run) for run in runs]


def _seeds(text: str) -> tuple[int, ...]:
    from zsl_skeleton.training.config import seed_list

    try:
        return seed_list(text)
    except ValueError as error:
        raise UsageError(f"--seeds {text!r} is no list of seeds", mend="write 0, or 0,1,2, or 0..4") from error


@app.command()
def show(run_: RunArgument, artifacts: ArtifactsOption = DEFAULT_ARTIFACTS, as_json: JsonOption = False) -> None:
    """Print the report of a run."""
    from zsl_skeleton.evaluation.report import render
    from zsl_skeleton.training.train import read_report

    found = find_run(open_store(artifacts), run_)
    report = read_report(found)
    text = f"{found.path}\n{render(report)}\nmade by: {found.card.made.command}"
    emit({"path": str(found.path), **report.model_dump(mode="json")}, text, as_json=as_json)


@app.command()
@takes(ComparisonOptions)
def compare(
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    form: Annotated[
        Literal["text", "md", "csv", "latex"], typer.Option("--format", help="Of the tables: text, md, csv or latex.")
    ] = "text",
    as_json: JsonOption = False,
    options: ComparisonOptions = ComparisonOptions(),
) -> None:
    """Compare finished runs: means with intervals, and differences paired by split and seed."""
    from zsl_skeleton.evaluation.comparison.compare import compare_runs
    from zsl_skeleton.evaluation.comparison.formats import render_all

    found = compare_runs(open_store(artifacts), options)
    emit(found.model_dump(mode="json"), render_all([found], form), as_json=as_json)


@app.command()
def settings(
    method: Annotated[str, typer.Option(help="Method; see zsl-train list.")],
    preset: Annotated[str, typer.Option(help="Settings: default, paper or paper-tuned.")] = "default",
    dataset: Annotated[
        str | None, typer.Option(help="Data set, for which a preset may have values of its own.")
    ] = None,
    overrides: Annotated[list[str] | None, typer.Option("--set", help="key=value; repeat for several.")] = None,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what --set can change in a method: every setting, its value under a preset, what it is, and why it is so."""
    from zsl_skeleton.catalog import load_dataset

    name = load_dataset(dataset, catalog).name if dataset else ""
    from zsl_skeleton.training.config import RunConfig
    from zsl_skeleton.training.explained import explain_settings, render_settings

    found = explain_settings(RunConfig(method=method, preset=preset, overrides=tuple(overrides or ())), name)
    emit(found.as_json(), render_settings(found), as_json=as_json)


@app.command("eval")
def eval_(
    run_: RunArgument,
    device: DeviceOption = "auto",
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Compute the report of a run again, from its weights."""
    from zsl_skeleton.evaluation.report import render
    from zsl_skeleton.pipeline import task_of
    from zsl_skeleton.training.train import evaluate

    store = open_store(artifacts)
    found = find_run(store, run_)
    report = evaluate(found, task_of(store, catalog, found), device)
    emit({"path": str(found.path), **report.model_dump(mode="json")}, render(report), as_json=as_json)


@app.command()
def resume(
    run_: Annotated[
        str | None, typer.Argument(metavar="RUN", help="Name of the unfinished run; default: the only one.")
    ] = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
) -> None:
    """Continue a run that was stopped, by the command that started it."""
    unfinished = {name: command for name, command in open_store(artifacts).unfinished("runs") if run_ in (None, name)}
    listed = ", ".join(unfinished) or "none"
    if len(unfinished) != 1:
        raise UsageError(
            f"{len(unfinished)} unfinished runs in {artifacts} fit", why=f"they are: {listed}", mend="zsl-train list"
        )
    app(next(iter(unfinished.values())), standalone_mode=False)


@app.command("list")
def list_(artifacts: ArtifactsOption = DEFAULT_ARTIFACTS, as_json: JsonOption = False) -> None:
    """List methods, their presets, finished and unfinished runs."""
    from zsl_skeleton.methods import METHODS
    from zsl_skeleton.training.presets import preset_names

    store = open_store(artifacts)
    finished = [f"{a.path.name} ({100 * a.card.summary['accuracy']:.1f} %)" for a in store.all("runs")]
    tables = {"methods": list(METHODS)}
    tables |= {f"presets of {method}": list(preset_names(method)) for method in METHODS}
    emit_tables(
        {**tables, "runs": finished, "unfinished": [name for name, _ in store.unfinished("runs")]}, as_json=as_json
    )


def main() -> None:
    """Entry point."""
    run(app)


if __name__ == "__main__":
    main()
