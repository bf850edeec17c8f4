"""``zsl-data doctor``: what is installed, what is in the store, what a training still lacks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton_cli.common import (
    DEFAULT_ARTIFACTS,
    ArtifactsOption,
    BankOption,
    CatalogOption,
    JsonOption,
    ProtocolOption,
    catalog_words,
    emit,
    open_named,
    open_store,
)

if TYPE_CHECKING:
    from zsl_skeleton.doctor.training import Training


def doctor(
    dataset: Annotated[str | None, typer.Option(help="Say what a training on this data set lacks.")] = None,
    split: Annotated[str | None, typer.Option(help="Seen/unseen split; default: the data set's first.")] = None,
    method: Annotated[str | None, typer.Option(help="Method whose needs count; default: what all need.")] = None,
    backbone: Annotated[str, typer.Option(help="Backbone of the features.")] = "st-gcn",
    protocol: ProtocolOption = None,
    preset: Annotated[str, typer.Option(help="Settings of the method.")] = "default",
    overrides: Annotated[list[str] | None, typer.Option("--set", help="key=value; repeat for several.")] = None,
    features: Annotated[str | None, typer.Option(help="Feature set: path or name.")] = None,
    bank: BankOption = None,
    encoder: Annotated[str, typer.Option(help="Text encoder; see zsl-semantics list.")] = "minilm",
    embeddings: Annotated[str | None, typer.Option(help="Class embeddings: path or name.")] = None,
    device: Annotated[
        str | None, typer.Option(help="Ask torch for auto, cpu, cuda or cuda:N; default: only look at its build.")
    ] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Read every file and compare its hash with its card.")] = False,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Say what is installed, what is in the store and damaged, and what a training lacks; exit code 3: see to it."""
    from zsl_skeleton.doctor.diagnosis import Diagnosis, render
    from zsl_skeleton.doctor.inventory import take_stock
    from zsl_skeleton.doctor.machine import examine

    training = None
    if dataset is not None:
        names = {"dataset": dataset, "split": split, "protocol": protocol, "device": device}
        named: dict[str, object] = {"method": method, "preset": preset, "overrides": tuple(overrides or ())}
        sources = {"backbone": backbone, "features": features, "bank": bank, "encoder": encoder}
        training = _training((artifacts, catalog), names, named, sources | {"embeddings": embeddings})
    elif method is not None or split is not None:
        raise UsageError("--dataset is missing", mend=f"zsl-data doctor --dataset demo --method {method or 'mla'}")
    found = Diagnosis(examine(artifacts, device), take_stock(open_store(artifacts), deep=deep), training)
    emit(found.as_json(), render(found), as_json=as_json)
    if not found.sound:
        raise typer.Exit(InputError.exit_code)


def _training(
    folders: tuple[Path, Path | None],
    names: dict[str, str | None],
    run: dict[str, object],
    named: dict[str, str | None],
) -> Training:
    from zsl_skeleton.doctor.question import Question
    from zsl_skeleton.doctor.training import examine_training
    from zsl_skeleton.pipeline import Sources, Words
    from zsl_skeleton.training.config import RunConfig

    artifacts, catalog = folders
    place = [*catalog_words(catalog), *(["--artifacts", str(artifacts)] if artifacts != DEFAULT_ARTIFACTS else [])]
    words = Words(named["bank"], str(named["encoder"]), embeddings=named["embeddings"])
    sources = Sources(str(named["backbone"]), named["features"], words=words)
    config = RunConfig.model_validate(run) if run["method"] else None
    setting = open_named(artifacts, catalog, names)
    return examine_training(Question(setting, config, sources, tuple(place)))
