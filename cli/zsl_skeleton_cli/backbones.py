"""``zsl-data pretrain | extract``: backbones from clips of seen classes, features from backbones."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from zsl_skeleton_cli.common import (
    DEFAULT_ARTIFACTS,
    ArtifactsOption,
    CatalogOption,
    CheckpointOption,
    DatasetOption,
    DeviceOption,
    JsonOption,
    ProtocolOption,
    RecipeOption,
    SkeletonsOption,
    announce,
    open_named,
)

SplitOption = Annotated[str, typer.Option("--split", help="Seen/unseen split, e.g. random-1, synse-55-5.")]
WithoutValidationOption = Annotated[
    bool,
    typer.Option(
        "--without-validation",
        help="The split's validation classes are not trained on either, so that choosing by them is honest.",
    ),
]
BackboneOption = Annotated[str, typer.Option("--backbone", help="Backbone: st-gcn, shift-gcn or raw-joints.")]


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
    precision: Annotated[
        Literal["float32", "bf16"], typer.Option(help="Of the arithmetic; bf16: mixed, for a GPU.")
    ] = "float32",
    device: DeviceOption = "auto",
    checkpoint_seconds: CheckpointOption = 20.0,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Train a backbone on the seen classes of a split; killed, the same command continues."""
    names = {"dataset": dataset, "split": split, "protocol": protocol, "device": device}
    setting = open_named(artifacts, catalog, names)
    from zsl_skeleton.backbones.config import PRETRAIN_PRESETS, usual_preset
    from zsl_skeleton.pipeline import backbone_for, skeletons_for
    from zsl_skeleton.registry import find_name

    given: dict[str, Any] = {"epochs": epochs, "seed": seed, "backbone": backbone, "precision": precision}
    given |= {"checkpoint_seconds": checkpoint_seconds}
    chosen = find_name("preset", preset or usual_preset(setting.dataset.name), PRETRAIN_PRESETS)
    config = PRETRAIN_PRESETS[chosen].model_copy(
        update={key: value for key, value in given.items() if value is not None}
        | {"exclude_validation_unseen": without_validation}
    )
    clips = skeletons_for(setting.store, setting.dataset, recipe, skeletons)
    announce(backbone_for(setting, clips, config), as_json=as_json)


def extract(
    dataset: DatasetOption,
    split: SplitOption,
    protocol: ProtocolOption = None,
    backbone: BackboneOption = "st-gcn",
    weights: Annotated[
        str | None,
        typer.Option(help="Pre-trained backbone: a path or a name; none: untrained (default: trained with defaults)."),
    ] = None,
    masked_views: Annotated[
        int, typer.Option(min=0, help="Pooled features of so many masked views per clip too (SMIE).")
    ] = 0,
    without_validation: WithoutValidationOption = False,
    dtype: Annotated[
        Literal["float32", "float16"], typer.Option(help="Of the stored features; float16 halves the disk they take.")
    ] = "float32",
    skeletons: SkeletonsOption = None,
    recipe: Annotated[
        str | None, typer.Option(help="Preprocessing of the clips; default: the first that the backbone reads.")
    ] = None,
    device: DeviceOption = "auto",
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Encode every clip: pooled, per-joint and per-frame means, logits."""
    names = {"dataset": dataset, "split": split, "protocol": protocol, "device": device}
    setting = open_named(artifacts, catalog, names)
    from zsl_skeleton.pipeline import Extraction, features_for

    wanted = Extraction(backbone, weights, skeletons, recipe, masked_views, without_validation, dtype)
    announce(features_for(setting, wanted), as_json=as_json)
