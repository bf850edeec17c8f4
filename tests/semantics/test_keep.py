"""What people decided about an earlier bank survives a new generation."""

from __future__ import annotations

from pathlib import Path

import pytest

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.curation import Curator, Selection, approve, copy_for_curation, edit, reject
from zsl_skeleton.semantics.generate import GenerateConfig, generate, plan_bank

EVA = Curator("Eva")
OWN = "The right forearm sweeps from side to side beside the head while the trunk stays upright and both legs rest."


@pytest.fixture
def config(semantics: Path) -> GenerateConfig:
    return GenerateConfig(semantics=semantics, families=("motion", "spatial", "body-parts"))


@pytest.fixture
def curated(store: Store, pair: Dataset, config: GenerateConfig) -> Path:
    return copy_for_curation(store, generate(store, pair, config))


def _regenerate(store: Store, pair: Dataset, config: GenerateConfig, curated: Path) -> SemanticBank:
    return SemanticBank.open(generate(store, pair, config, keep=Artifact.open(curated)))


def test_edited_and_approved_texts_stay_and_others_are_made_anew(
    store: Store, pair: Dataset, semantics: Path, config: GenerateConfig, curated: Path
) -> None:
    before = SemanticBank.open(Artifact.open(curated))
    edit(curated, Selection("0", "motion"), OWN, EVA)
    approve(curated, Selection("1", "spatial.coarse", 3), EVA)
    facts = semantics / "pair" / "facts.yaml"
    facts.write_text(facts.read_text().replace("lowers the hips", "sinks the hips"))
    after = _regenerate(store, pair, config, curated)
    assert after.texts("motion")[0] == [OWN]
    kept = before.texts("spatial.coarse")[1][3]
    assert after.texts("spatial.coarse")[1][3] == kept
    assert kept not in after.texts("spatial.coarse")[1][:3] + after.texts("spatial.coarse")[1][4:]
    assert after.texts("motion")[1] != before.texts("motion")[1]
    states = {row.place: row.provenance for row in after.descriptions if row.provenance.state != "generated"}
    assert {place: p.state for place, p in states.items()} == {
        (0, "motion", 0): "edited",
        (1, "spatial.coarse", 3): "approved",
    }
    assert [e.by for p in states.values() for e in p.history] == ["Eva", "Eva"]


def test_rejected_texts_do_not_come_again(store: Store, pair: Dataset, config: GenerateConfig, curated: Path) -> None:
    before = SemanticBank.open(Artifact.open(curated)).texts("spatial.fine")[0]
    reject(curated, Selection("0", "spatial.fine", 4), "the elbow is not straight", EVA)
    after = _regenerate(store, pair, config, curated).texts("spatial.fine")[0]
    assert len(after) == len(before) == 10
    assert before[4] not in after


def test_a_kept_slot_of_a_turn_with_many_slots_is_not_asked_for(
    store: Store, pair: Dataset, config: GenerateConfig, curated: Path
) -> None:
    before = SemanticBank.open(Artifact.open(curated))
    approve(curated, Selection("0", "body-parts.head"), EVA)
    after = _regenerate(store, pair, config, curated)
    assert after.texts("body-parts.head") == before.texts("body-parts.head")
    requests = {row.slot: row.provenance.request for row in after.descriptions if row.place[0] == 0}
    former = {row.slot: row.provenance.request for row in before.descriptions if row.place[0] == 0}
    assert requests["body-parts.head"] == former["body-parts.head"], "its own provenance"
    assert requests["body-parts.torso"] != former["body-parts.torso"], "another question"


def test_without_decisions_the_bank_is_the_same(
    store: Store, pair: Dataset, config: GenerateConfig, curated: Path
) -> None:
    assert _regenerate(store, pair, config, curated).id == generate(store, pair, config).id


def test_a_bank_of_other_classes_is_refused(store: Store, pair: Dataset, config: GenerateConfig, curated: Path) -> None:
    bank = Artifact.open(curated)
    content = pair.model_dump()
    content["classes"][1]["name"] = "deep knee bend"
    with pytest.raises(InputError, match="knee bend"):
        plan_bank(store, Dataset.model_validate(content), config.model_copy(update={"backend": "echo"}), bank)
