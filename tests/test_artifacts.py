from __future__ import annotations

import json
import multiprocessing
import time
from pathlib import Path

import pytest

from zsl_skeleton.artifacts import WORK, Artifact, Recipe, Store
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import write_text


def recipe(**config: object) -> Recipe:
    return Recipe(stage="things", name="thing", what="a thing", config=config)


def build(folder: Path) -> dict[str, object]:
    write_text(folder / "content.txt", "content")
    return {"lines": 1}


def test_same_recipe_is_reused_and_other_recipe_is_another_artifact(store: Store) -> None:
    calls: list[Path] = []

    def counting(folder: Path) -> dict[str, object]:
        calls.append(folder)
        return build(folder)

    first = store.make(recipe(a=1), counting)
    assert store.make(recipe(a=1), counting).path == first.path
    assert store.make(recipe(a=2), counting).path != first.path
    assert len(calls) == 2
    assert first.card.summary == {"lines": 1}


def test_inputs_decide_the_hash(store: Store) -> None:
    one, two = store.make(recipe(a=1), build), store.make(recipe(a=2), build)
    made_from = [Recipe(stage="later", name="x", what="x", config={}, inputs={"from": i}) for i in (one, two)]
    assert made_from[0].id != made_from[1].id
    assert store.make(made_from[0], build).card.inputs["from"].name == one.path.name


def test_failed_build_leaves_nothing_finished_and_its_leftovers_are_found_again(store: Store) -> None:
    def breaking(folder: Path) -> dict[str, object]:
        write_text(folder / WORK / "half.txt", "half")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        store.make(recipe(), breaking)
    assert store.all("things") == []

    def continuing(folder: Path) -> dict[str, object]:
        assert (folder / WORK / "half.txt").read_text() == "half"
        return build(folder)

    made = store.make(recipe(), continuing)
    assert sorted(made.card.files) == ["content.txt"]
    assert not (made.path / WORK).exists()


@pytest.mark.parametrize("damage", ["truncated", "deleted"])
def test_damaged_artifact_is_refused_with_the_command_that_made_it(store: Store, damage: str) -> None:
    made = store.make(recipe(), build)
    file = made.path / "content.txt"
    file.unlink()
    if damage == "truncated":
        file.write_text("cont")
    with pytest.raises(InputError, match=r"is damaged[\s\S]*content\.txt is [\s\S]*run again"):
        Artifact.open(made.path)


def test_broken_card_is_refused(store: Store) -> None:
    made = store.make(recipe(), build)
    card = json.loads((made.path / "card.json").read_text())
    (made.path / "card.json").write_text(json.dumps(card | {"surprise": 1}))
    with pytest.raises(InputError, match="not a valid card"):
        Artifact.open(made.path)
    (made.path / "card.json").write_text("{")
    with pytest.raises(InputError, match="not valid JSON"):
        Artifact.open(made.path)


def test_get_by_path_folder_and_name(store: Store) -> None:
    made = store.make(recipe(a=1), build)
    for reference in (str(made.path), made.path.name, "thing"):
        assert store.get("things", reference, mend="").path == made.path
    with pytest.raises(InputError, match=r"no artifact 'other'[\s\S]*zsl-data import"):
        store.get("things", "other", mend="zsl-data import")


def test_an_unknown_reference_names_the_few_that_may_be_meant(store: Store) -> None:
    made = [store.make(recipe(a=number), build) for number in range(5)]
    with pytest.raises(InputError) as caught:
        store.get("things", "thign", mend="")
    assert caught.value.why.startswith("close to it: thing-") and caught.value.why.endswith("; and 2 more")
    for mistyped in (made[0].path.name + "0", made[0].path.name[:-1]):
        with pytest.raises(InputError, match=f"close to it: .*{made[0].path.name}"):
            store.get("things", mistyped, mend="")
    with pytest.raises(InputError, match="why:  the newest: thing-") as caught:
        store.get("things", "zzz", mend="")
    assert caught.value.why.count("thing-") == 3


def _make_slowly(root: str, name: str) -> None:
    def slow(folder: Path) -> dict[str, object]:
        time.sleep(0.3)
        with (Path(root) / "calls.txt").open("a") as stream:
            stream.write(name + "\n")
        return build(folder)

    Store(Path(root)).make(recipe(), slow)


def test_two_processes_build_an_artifact_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_make_slowly, args=(str(tmp_path), name)) for name in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert len((tmp_path / "calls.txt").read_text().splitlines()) == 1
