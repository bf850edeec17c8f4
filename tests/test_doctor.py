"""The doctor against stores that the real pipeline filled, and that were then harmed."""

from __future__ import annotations

import json
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from zsl_skeleton.artifacts import Store
from zsl_skeleton.doctor.diagnosis import Diagnosis, render
from zsl_skeleton.doctor.inventory import take_stock
from zsl_skeleton.doctor.machine import PURPOSES, examine
from zsl_skeleton.doctor.question import Question
from zsl_skeleton.doctor.training import Training, examine_training
from zsl_skeleton.errors import UsageError
from zsl_skeleton.files import write_json
from zsl_skeleton.pipeline import Sources, Words, tasks_for
from zsl_skeleton.semantics.generate import GenerateConfig, generate
from zsl_skeleton.setting import Setting, open_setting
from zsl_skeleton.skeletons.synthesis.demo_set import SynthesisConfig, synthesize_set
from zsl_skeleton.training.config import RunConfig

RIDGE = RunConfig(method="ridge")
QUICK = Sources("raw-joints", words=Words("demo-compose", "hashing"))


def setting_of(store: Store, dataset: str = "demo") -> Setting:
    return open_setting(store, None, {"dataset": dataset})


def states(training: Training) -> list[tuple[str, str]]:
    return [(step.role, step.state) for step in training.steps]


def copied(filled: Store, folder: Path) -> Store:
    shutil.copytree(filled.root, folder)
    return Store(folder)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """What a ridge on raw joints needs, made by the pipeline."""
    store = Store(tmp_path_factory.mktemp("doctor") / "artifacts")
    setting = setting_of(store)
    synthesize_set(store, setting.dataset, SynthesisConfig(subjects=2, repetitions=1), "hip-32")
    generate(store, setting.dataset, GenerateConfig(families=("codebook", "motion")))
    tasks_for(setting, [RIDGE], QUICK)
    return store


def test_everything_is_ready_exactly_when_the_pipeline_has_nothing_left_to_make(filled: Store) -> None:
    found = examine_training(Question(setting_of(filled), RIDGE, QUICK))
    assert states(found) == [(role, "ready") for role in ("recordings", "features", "texts", "class embeddings")]
    assert found.possible
    assert found.command.startswith("zsl-train --dataset demo --split random-1 --method ridge --backbone raw-joints")


def test_a_trained_backbone_and_another_encoder_are_what_is_left_to_make(filled: Store) -> None:
    smie = RunConfig(method="smie", overrides=("text=[motion]",))
    sources = Sources(words=Words("demo-compose"))
    found = examine_training(Question(setting_of(filled), smie, sources, place=("--artifacts", "a b")))
    assert states(found)[1:] == [
        ("backbone", "made"),
        ("features", "made"),
        ("texts", "ready"),
        ("class embeddings", "made"),
    ]
    commands = {step.role: step.command for step in found.steps}
    # SMIE declares that it needs masked views.
    assert commands["features"] == (
        "zsl-data extract --dataset demo --split random-1 --masked-views 8 --artifacts 'a b'"
    )
    assert commands["class embeddings"] == "zsl-semantics encode --dataset demo --bank demo-compose --artifacts 'a b'"


def test_unknown_names_are_usage_errors(store: Store) -> None:
    for question in (
        Question(setting_of(store), RunConfig(method="smy")),
        Question(setting_of(store), sources=Sources("st-gnc")),
    ):
        with pytest.raises(UsageError, match="Did you mean"):
            examine_training(question)


def test_looking_makes_nothing(store: Store) -> None:
    found = examine_training(Question(setting_of(store)))
    assert [state for _, state in states(found)] == ["made"] * 5
    assert found.possible
    assert take_stock(store).exists is False
    assert not store.root.exists()


def test_recordings_of_a_real_data_set_are_the_users(store: Store) -> None:
    neuron = RunConfig(method="neuron", preset="paper")
    found = examine_training(Question(setting_of(store, "utd-mhad"), neuron, Sources("shift-gcn")))
    first, *rest = found.steps
    assert (first.role, first.state) == ("recordings", "yours")
    assert first.command == "zsl-data import --dataset utd-mhad --recipe ctr-64 --root DIR"
    assert {step.state for step in rest} == {"made"}
    assert "--join temporal" in rest[-1].command
    assert not found.possible


def test_a_bank_that_is_not_there_and_one_without_the_slots(filled: Store) -> None:
    words = replace(QUICK.words, bank="nowhere")
    found = examine_training(Question(setting_of(filled), RIDGE, replace(QUICK, words=words)))
    assert ("texts", "yours") in states(found)
    other = RunConfig(method="ridge", overrides=("text=[poem]",))
    lacking = examine_training(Question(setting_of(filled), other, QUICK))
    text = next(step for step in lacking.steps if step.role == "texts")
    assert text.state == "yours" and "poem" in text.what and "--family poem" in text.command


def test_features_that_lack_what_the_method_reads_do_not_fit(filled: Store) -> None:
    name = filled.all("features")[0].path.name
    smie = RunConfig(method="smie", overrides=("text=[motion]",))
    found = examine_training(Question(setting_of(filled), smie, replace(QUICK, features=name)))
    assert states(found)[-1] == ("they fit", "yours")
    assert "'masked'" in found.steps[-1].what


def test_stock_counts_per_stage_and_data_set(filled: Store) -> None:
    stock = take_stock(filled, deep=True)
    assert [shelf.stage for shelf in stock.shelves] == ["skeletons", "features", "banks", "embeddings"]
    clips = stock.shelves[0]
    assert (clips.count, clips.datasets) == (1, {"demo": 1})
    files = (p for p in (filled.root / "skeletons" / clips.newest).iterdir() if p.name != "card.json")
    assert clips.bytes == sum(path.stat().st_size for path in files)
    assert not stock.damaged and not stock.unfinished


def test_a_cut_file_is_damage_and_a_flipped_byte_is_if_one_looks_deep(filled: Store, tmp_path: Path) -> None:
    store = copied(filled, tmp_path / "artifacts")
    cut = next(store.root.glob("skeletons/*/clips.npy"))
    cut.write_bytes(cut.read_bytes()[:-1])
    (flipped,) = store.root.glob("features/*/features.safetensors")
    content = flipped.read_bytes()
    flipped.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    shallow, deep = take_stock(store), take_stock(store, deep=True)
    assert [bad.path for bad in shallow.damaged] == [cut.parent]
    assert [bad.path for bad in deep.damaged] == [cut.parent, flipped.parent]
    assert all(bad.mend.startswith(f"rm -r {bad.path} && ") for bad in deep.damaged)
    found = Diagnosis(examine(store.root), shallow)
    assert not found.sound
    assert "1 bytes" not in render(found) and "DAMAGED" in render(found)
    training = examine_training(Question(setting_of(store), RIDGE, QUICK))
    assert states(training)[0] == ("recordings", "yours")


def test_a_broken_card_is_damage(filled: Store, tmp_path: Path) -> None:
    store = copied(filled, tmp_path / "artifacts")
    card = next(store.root.glob("banks/*/card.json"))
    card.write_text("{")
    (bad,) = take_stock(store).damaged
    assert (bad.path, bad.mend) == (card.parent, f"rm -r {card.parent}")


def test_what_a_stopped_command_left_can_go_on_or_be_given_up(store: Store) -> None:
    partial = store.root / "runs" / ".mla-demo-0123abcd.partial"
    write_json(partial / "work" / "command.json", ["zsl-train", "--method", "mla", "--set", "text=[a, b]"])
    (store.root / ".locks").mkdir()
    (left,) = take_stock(store).unfinished
    assert (left.path, left.busy) == (partial, False)
    assert left.resume == "zsl-train --method mla --set 'text=[a, b]'"
    assert left.remove == f"rm -r {partial}"
    shutil.rmtree(partial / "work")
    assert take_stock(store).unfinished[0].resume == ""


def test_what_is_being_made_is_not_offered_for_removal(store: Store) -> None:
    import fcntl

    name = "mla-demo-0123abcd"
    write_json(store.root / "runs" / f".{name}.partial" / "work" / "command.json", ["zsl-train"])
    lock = store.root / ".locks" / f"runs-{name}"
    lock.parent.mkdir()
    with lock.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        stock = take_stock(store)
        assert stock.unfinished[0].busy
        page = render(Diagnosis(examine(store.root), stock))
    assert "a process works on it" in page and "give up" not in page


def test_keys_are_never_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("OPENAI_API_KEY", "HF_TOKEN", "ZSL_SOME_TOKEN", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, "hunter2")
    monkeypatch.setenv("ZSL_CATALOG", str(tmp_path / "gone"))
    machine = examine(tmp_path)
    found = Diagnosis(machine, take_stock(Store(tmp_path)))
    assert "hunter2" not in render(found) + json.dumps(found.as_json())
    assert machine.variables["OPENAI_API_KEY"] == "set"
    assert machine.variables["ZSL_CATALOG"].endswith("gone (does not exist)")


def test_the_device_is_asked_of_torch_only_on_request(tmp_path: Path) -> None:
    assert examine(tmp_path, "cpu").device == "cpu (as asked for)"
    assert examine(tmp_path).device.partition(" ")[0].rstrip(",") in ("cpu", "cuda")


def test_every_extra_says_what_it_is_for(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    assert set(project["optional-dependencies"]) <= set(PURPOSES)
