"""``zsl-data``: recordings -> skeleton sets -> backbones -> features."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from zsl_skeleton_cli.common import (
    DEFAULT_ARTIFACTS,
    ArtifactsOption,
    CatalogOption,
    CheckpointOption,
    DatasetOption,
    DeviceOption,
    JsonOption,
    announce,
    emit,
    emit_tables,
    new_app,
    open_store,
    run,
)

app = new_app("Recordings: import, inspect, synthesize; backbones: pretrain on seen classes, extract features.")

RecipeOption = Annotated[str, typer.Option("--recipe", help="Preprocessing: aimclr-50, ctr-64 or hip-32.")]
SplitOption = Annotated[str, typer.Option("--split", help="Seen/unseen split, e.g. random-1, synse-55-5.")]
ProtocolOption = Annotated[str | None, typer.Option("--protocol", help="Train/test protocol, e.g. xsub.")]
WithoutValidationOption = Annotated[
    bool,
    typer.Option(
        "--without-validation",
        help="The split's validation classes are not trained on either, so that choosing by them is honest.",
    ),
]
BackboneOption = Annotated[str, typer.Option("--backbone", help="Backbone: st-gcn, shift-gcn or raw-joints.")]
SkeletonsOption = Annotated[
    str | None, typer.Option("--skeletons", help="Skeleton set: a path or a name (default: the newest that fits).")
]


@app.command("import")
def import_(
    dataset: DatasetOption,
    root: Annotated[Path, typer.Option(help="Folder of the recordings as published.")],
    recipe: RecipeOption = "aimclr-50",
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Read recordings, map them to NTU's 25 joints, preprocess them."""
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.skeletons.importing import import_recordings

    announce(import_recordings(open_store(artifacts), load_dataset(dataset, catalog), root, recipe), as_json=as_json)


@app.command()
def inspect(
    dataset: DatasetOption,
    recipe: RecipeOption = "aimclr-50",
    skeletons: SkeletonsOption = None,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Count clips per class, subject and protocol part against the catalog, and say why they differ."""
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.pipeline import skeletons_for
    from zsl_skeleton.skeletons.inspect import inspect, render

    entry = load_dataset(dataset, catalog)
    inspection = inspect(skeletons_for(open_store(artifacts), entry, recipe, skeletons), entry)
    emit(inspection.model_dump(mode="json"), render(inspection), as_json=as_json)


@app.command()
def synthesize(
    dataset: Annotated[str, typer.Option(help="A synthetic data set, or with --files ntu60 or ntu120.")] = "demo",
    subjects: Annotated[int, typer.Option(min=1, help="Performers.")] = 10,
    repetitions: Annotated[int, typer.Option(min=1, help="Clips per class and performer.")] = 2,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    recipe: RecipeOption = "aimclr-50",
    files: Annotated[
        Path | None, typer.Option(help="Write raw NTU .skeleton files into this folder instead of a skeleton set.")
    ] = None,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Make synthetic recordings: a kinematic body performs composed movements. They prove nothing about real ones."""
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.skeletons.synthesis.demo_set import SynthesisConfig, synthesize_set
    from zsl_skeleton.skeletons.synthesis.ntu_files import NtuFilesConfig, write_ntu_files

    entry = load_dataset(dataset, catalog)
    if files is None:
        config = SynthesisConfig(subjects=subjects, repetitions=repetitions, seed=seed)
        announce(synthesize_set(open_store(artifacts), entry, config, recipe), as_json=as_json)
        return
    written = write_ntu_files(files, entry, NtuFilesConfig(performers=subjects, replications=repetitions, seed=seed))
    emit({"folder": str(files), "files": written}, f"{files}\n  {written} synthetic .skeleton files", as_json=as_json)


@app.command()
def pretrain(
    dataset: DatasetOption,
    split: SplitOption,
    protocol: ProtocolOption = None,
    backbone: Annotated[str | None, typer.Option(help="Backbone: st-gcn or shift-gcn; default: the preset's.")] = None,
    preset: Annotated[
        str | None, typer.Option(help="Settings: default, paper, neuron or demo; default: what suits the data set.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Length; default: the preset's.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Default: the preset's.")] = None,
    without_validation: WithoutValidationOption = False,
    skeletons: SkeletonsOption = None,
    recipe: RecipeOption = "aimclr-50",
    device: DeviceOption = "auto",
    checkpoint_seconds: CheckpointOption = 20.0,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Train a backbone on the seen classes of a split; killed, the same command continues."""
    from zsl_skeleton.backbones.config import PRETRAIN_PRESETS, usual_preset
    from zsl_skeleton.pipeline import backbone_for, skeletons_for
    from zsl_skeleton.registry import find_name

    setting = _setting(artifacts, catalog, {"dataset": dataset, "split": split, "protocol": protocol, "device": device})
    given = {"epochs": epochs, "seed": seed, "backbone": backbone, "checkpoint_seconds": checkpoint_seconds}
    chosen = find_name("preset", preset or usual_preset(setting.dataset.name), PRETRAIN_PRESETS)
    config = PRETRAIN_PRESETS[chosen].model_copy(
        update={key: value for key, value in given.items() if value is not None}
        | {"exclude_validation_unseen": without_validation}
    )
    clips = skeletons_for(setting.store, setting.dataset, recipe, skeletons)
    announce(backbone_for(setting, clips, config), as_json=as_json)


@app.command()
def extract(
    dataset: DatasetOption,
    split: SplitOption,
    protocol: ProtocolOption = None,
    backbone: BackboneOption = "st-gcn",
    weights: Annotated[
        str | None, typer.Option(help="Pre-trained backbone: a path or a name (default: trained with defaults).")
    ] = None,
    masked_views: Annotated[
        int, typer.Option(min=0, help="Pooled features of so many masked views per clip too (SMIE).")
    ] = 0,
    without_validation: WithoutValidationOption = False,
    skeletons: SkeletonsOption = None,
    recipe: RecipeOption = "aimclr-50",
    device: DeviceOption = "auto",
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Encode every clip: pooled, per-joint and per-frame means, logits."""
    from zsl_skeleton.backbones.config import ExtractConfig
    from zsl_skeleton.backbones.extract import extract
    from zsl_skeleton.pipeline import features_for, skeletons_for

    setting = _setting(artifacts, catalog, {"dataset": dataset, "split": split, "protocol": protocol, "device": device})
    if weights is None and skeletons is None:
        found = features_for(setting, backbone, views=masked_views, without_validation=without_validation)
        announce(found, as_json=as_json)
        return
    clips = skeletons_for(setting.store, setting.dataset, recipe, skeletons)
    command = f"zsl-data pretrain --dataset {setting.dataset.name} --split {setting.split.name}"
    trained = setting.store.get("backbones", weights, mend=command) if weights else None
    config = ExtractConfig(backbone=backbone, masked_views=masked_views, device=device)
    made = extract(setting.store, clips, trained, config)
    announce(made, as_json=as_json)


@app.command("list")
def list_(catalog: CatalogOption = None, as_json: JsonOption = False) -> None:
    """List data sets with their splits, readers, recipes and backbones."""
    from zsl_skeleton.backbones import BACKBONES
    from zsl_skeleton.catalog import dataset_names, load_dataset
    from zsl_skeleton.skeletons.readers import READERS
    from zsl_skeleton.skeletons.recipes import RECIPES

    tables: dict[str, Any] = {"readers": list(READERS), "recipes": list(RECIPES), "backbones": list(BACKBONES)}
    splits = {f"splits of {name}": list(load_dataset(name, catalog).splits) for name in dataset_names(catalog)}
    emit_tables({"datasets": list(dataset_names(catalog)), **tables, **splits}, as_json=as_json)


def _setting(artifacts: Path, catalog: Path | None, names: dict[str, Any]) -> Any:
    from zsl_skeleton.pipeline import open_setting

    return open_setting(open_store(artifacts), catalog, names)


def main() -> None:
    """Entry point."""
    run(app)


if __name__ == "__main__":
    main()
