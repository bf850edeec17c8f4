"""From a run back to its recordings and prompts; what is gone or was changed is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from toy_methods import run_config
from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.catalog import load_dataset
from zsl_skeleton.class_origin import class_origin, render_class_origin
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.lineage import lineage, render_lineage
from zsl_skeleton.semantics.generate import GenerateConfig, generate
from zsl_skeleton.text.encode import encode
from zsl_skeleton.training.settings import resolve_settings

DATASET = load_dataset("precog")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Artifact]:
    """A run of ``ridge`` on features that name skeletons, and on texts that were composed."""
    store = Store(tmp_path_factory.mktemp("lineage") / "artifacts")
    skeletons = _made(store, "skeletons", {}, clips="12")
    features = _made(store, "features", {"skeletons": skeletons}, features="3")
    bank = generate(store, DATASET, GenerateConfig(families=("motion", "codebook", "label")))
    settings = resolve_settings(run_config("ridge"), "precog").as_json()
    inputs = {"features": features, "embeddings": encode(store, bank, "hashing")}
    return store, _made(store, "runs", inputs, method="ridge", settings=settings)


def _made(store: Store, stage: str, inputs: dict[str, Artifact], **config: object) -> Artifact:
    def build(folder: Path) -> dict[str, str]:
        (folder / "data.txt").write_text(stage)
        return {}

    return store.make(Recipe(stage=stage, name="toy", what=f"toy {stage}", config=config, inputs=inputs), build)


@pytest.fixture
def copied(made: tuple[Store, Artifact], tmp_path: Path) -> tuple[Store, Artifact]:
    store = Store(Path(shutil.copytree(made[0].root, tmp_path / "artifacts")))
    return store, Artifact.open(store.root / "runs" / made[1].path.name)


def test_the_walk_ends_at_recordings_and_prompts(made: tuple[Store, Artifact]) -> None:
    found = lineage(*made)
    assert [origin.stage for origin in found.all()] == [
        *("runs", "features", "skeletons", "embeddings", "banks"),
        *("prompts", "prompts", "prompts"),
    ]
    assert found.unsound == []
    assert {"prompt codebook", "prompt label", "prompt motion"} <= set(
        found.origins["embeddings"].origins["bank"].origins
    )
    text = render_lineage(found)
    assert "prompt: motion@v1" in text and "template hash" in text
    assert max(map(len, text.splitlines())) <= 100 or "made by" in max(text.splitlines(), key=len)
    assert (
        json.loads(json.dumps(found.as_json()))["origins"]["features"]["origins"]["skeletons"]["stage"] == "skeletons"
    )


def test_what_is_gone_is_named_with_the_command_that_used_it(copied: tuple[Store, Artifact]) -> None:
    store, run = copied
    shutil.rmtree(store.root / "skeletons")
    gone = lineage(store, run).origins["features"].origins["skeletons"]
    assert gone.state == "gone"
    assert gone.made == Artifact.open(next((store.root / "features").iterdir())).card.made.command
    assert "GONE" in render_lineage(lineage(store, run))


def test_changed_cut_and_replaced_artifacts_are_told_apart(copied: tuple[Store, Artifact]) -> None:
    store, run = copied
    (next((store.root / "features").iterdir()) / "data.txt").write_text("FEATURES"[:8])
    (next((store.root / "skeletons").iterdir()) / "data.txt").write_text("")
    card = next((store.root / "embeddings").iterdir()) / "card.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"id": "0" * 64}))
    found = lineage(store, run)
    states = {origin.stage: origin.state for origin in found.unsound}
    assert states == {"features": "changed", "skeletons": "damaged", "embeddings": "replaced"}
    assert "data.txt" in found.origins["features"].remark


def test_prompts_that_changed_since_are_told(made: tuple[Store, Artifact], repository: Path, tmp_path: Path) -> None:
    prompts = Path(shutil.copytree(repository / "prompts", tmp_path / "prompts"))
    template = next((prompts / "motion" / "v1").glob("*.j2"))
    template.write_text(template.read_text() + "Be brief.\n")
    shutil.rmtree(prompts / "label")
    states = {origin.name: origin.state for origin in lineage(*made, prompts).unsound}
    assert states == {"motion@v1": "replaced", "label@v1": "gone"}
    proven = {item.family: item.proven for item in class_origin(*made, "0", prompts).prompts}
    assert proven == {"motion@v1": False, "codebook@v1": True}


def test_the_very_prompt_of_a_class_is_proven_by_its_hash(made: tuple[Store, Artifact]) -> None:
    found = class_origin(*made, DATASET.class_names[2].upper())
    assert {row.slot for row in found.texts} == {"codebook", "motion"}
    assert all(item.proven for item in found.prompts) and not found.remark
    assert f"Action: {DATASET.class_names[2]}" in render_class_origin(found)
    with pytest.raises(UsageError):
        class_origin(*made, "juggle")


def test_texts_cannot_be_shown_without_their_bank(copied: tuple[Store, Artifact]) -> None:
    shutil.rmtree(copied[0].root / "banks")
    with pytest.raises(InputError, match="no artifact"):
        class_origin(*copied, "0")
