"""Prompt families: what is loaded, refused, rendered, and that released versions stay as they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from zsl_skeleton.catalog import load_dataset
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.semantics.backends import Message, Request
from zsl_skeleton.semantics.dialogue import template_values
from zsl_skeleton.semantics.prompts import PromptFamily, load_families, load_family

FAMILIES = ("action", "body-parts", "codebook", "label", "motion", "spatial", "temporal")

# Released versions never change: a different wording is a new version. (prefix of the hash)
RELEASED: dict[str, str] = {
    "action@v1": "d2751a4cffabe60b",
    "body-parts@v1": "8ded8e7f3a95bf23",
    "codebook@v1": "8788dd71e2be72d3",
    "label@v1": "b09fdf89184ea119",
    "motion@v1": "035507532a7432b1",
    "spatial@v1": "affcca9d4aed4d29",
    "temporal@v1": "3639a186240e72c6",
}


@pytest.fixture(scope="module")
def families(repository: Path) -> dict[str, PromptFamily]:
    return load_families(repository / "prompts")


@pytest.fixture
def spatial(repository: Path, tmp_path: Path) -> Path:
    """A copy of a version folder, to be spoilt."""
    folder = tmp_path / "prompts" / "spatial" / "v1"
    shutil.copytree(repository / "prompts" / "spatial" / "v1", folder)
    return folder


def test_all_families_and_slots(families: dict[str, PromptFamily]) -> None:
    slots = {slot: count for family in families.values() for slot, count in family.slots.items()}
    assert tuple(families) == FAMILIES
    parts = ("head", "torso", "left-arm", "right-arm", "left-leg", "right-leg")
    assert slots == {
        "label": 1,
        "action": 1,
        "motion": 1,
        **{f"body-parts.{part}": 1 for part in parts},
        "codebook": 100,
        **{f"spatial.{level}": 10 for level in ("coarse", "medium", "fine")},
        **{f"temporal.{phase}": 10 for phase in ("start", "main", "end")},
    }


def test_released_versions_are_frozen(families: dict[str, PromptFamily]) -> None:
    now = {family.id: family.hash[:16] for family in families.values()}
    changed = {name: now.get(name) for name, digest in RELEASED.items() if now.get(name) != digest}
    assert changed == {}, "copy the folder to the next version and edit that one"
    assert set(now) == set(RELEASED)


@pytest.mark.parametrize("name", ["ntu120", "pku-mmd", "utd-mhad"])
def test_every_turn_renders_for_every_class(families: dict[str, PromptFamily], name: str) -> None:
    for family in families.values():
        for action in load_dataset(name).classes:
            for turn in family.card.turns:
                values = template_values(
                    turn, action, turn.calls()[0], {a.slot: ("Said before.",) for a in turn.answers}
                )
                text = family.render(turn.template, values)
                assert "{{" not in text and "\n\n\n" not in text
                if turn.literal:
                    assert text == action.name
                    continue
                assert turn is not family.card.turns[0] or f"Action: {action.name}" in text
                system = family.render(family.card.system or "", values)
                two = "Two people take part" in system
                assert two == (action.persons == 2)
                for answer in turn.answers:
                    assert f'"{answer.key}"' in text
                    assert answer.texts == 1 or f"exactly {turn.calls()[0][answer.slot]} strings" in text


def test_codebook_is_told_what_was_said(families: dict[str, PromptFamily]) -> None:
    family, action = families["codebook"], load_dataset("utd-mhad").classes[0]
    turn = family.card.turns[0]
    assert [count["codebook"] for count in turn.calls()] == [20] * 5
    said = family.render(turn.template, template_values(turn, action, {"codebook": 20}, {"codebook": ("One.", "Two.")}))
    fresh = family.render(turn.template, template_values(turn, action, {"codebook": 20}, {"codebook": ()}))
    assert "- One.\n- Two.\n" in said
    assert "have been given already" not in fresh


def test_schema_asks_for_exact_counts(families: dict[str, PromptFamily]) -> None:
    action = load_dataset("utd-mhad").classes[0]
    chat = (Message("user", "?"),)
    turn = families["spatial"].card.turns[0]
    many = Request("spatial@v1", turn, action, chat, turn.calls()[0], {}).schema
    assert many["properties"]["descriptions"]["minItems"] == many["properties"]["descriptions"]["maxItems"] == 10
    turn = families["body-parts"].card.turns[0]
    one = Request("body-parts@v1", turn, action, chat, turn.calls()[0], {}).schema
    assert one["properties"]["left_arm"]["type"] == "string"
    assert one["additionalProperties"] is False and len(one["required"]) == 6


def test_request_hash_follows_all_that_decides_the_answer(families: dict[str, PromptFamily]) -> None:
    action = load_dataset("utd-mhad").classes[0]
    turn = families["spatial"].card.turns[0]

    def digest(text: str = "?", sample: int = 0, model: str = "m", count: int = 10) -> str:
        request = Request("f", turn, action, (Message("user", text),), {"spatial.coarse": count}, {}, sample)
        return request.hash({"model": model})

    assert digest() == digest()
    assert len({digest(), digest("!"), digest(sample=1), digest(model="n"), digest(count=9)}) == 5


def test_hash_follows_templates_and_card(spatial: Path) -> None:
    before = load_family(spatial).hash
    (spatial / "fine.j2").write_text((spatial / "fine.j2").read_text() + "!")
    after = load_family(spatial).hash
    (spatial / "card.yaml").write_text((spatial / "card.yaml").read_text().replace("texts: 10", "texts: 11"))
    assert len({before, after, load_family(spatial).hash}) == 3


def test_newest_version_unless_one_is_named(spatial: Path) -> None:
    for number in (2, 10):
        folder = spatial.parent / f"v{number}"
        shutil.copytree(spatial, folder)
        (folder / "card.yaml").write_text(
            (folder / "card.yaml").read_text().replace("version: v1", f"version: v{number}")
        )
    prompts = spatial.parents[1]
    assert load_families(prompts)["spatial"].id == "spatial@v10"
    assert load_families(prompts, ["Spatial@v2"])["spatial"].id == "spatial@v2"
    with pytest.raises(UsageError, match="v3"):
        load_families(prompts, ["spatial@v3"])


def test_unknown_and_doubled_names(repository: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'temporal'"):
        load_families(repository / "prompts", ["temporl"])
    with pytest.raises(UsageError, match="named twice"):
        load_families(repository / "prompts", ["spatial", "spatial@v1"])


@pytest.mark.parametrize(
    "attack",
    [
        "{{ action.__class__ }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ action['__class__'].__bases__ }}",
        "{{ said.append('x') }}",
        "{% include '../../motion/v1/system.j2' %}",
        "{% include '/etc/passwd' %}",
        "{{ action.nmae }}",
        "{{ 1 / 0 }}",
    ],
)
def test_templates_cannot_leave_their_sandbox(spatial: Path, attack: str) -> None:
    (spatial / "coarse.j2").write_text(attack)
    card = spatial / "card.yaml"
    card.write_text(card.read_text().replace("placeholders: [action", "placeholders: [said, action"))
    family = load_family(spatial)
    turn, action = family.card.turns[0], load_dataset("utd-mhad").classes[0]
    with pytest.raises(InputError, match=r"coarse\.j2 cannot be rendered"):
        family.render("coarse.j2", template_values(turn, action, turn.calls()[0], {"spatial.coarse": ("a",)}))


@pytest.mark.parametrize("name", ["lipsum", "range", "cycler", "actoin", "said"])
def test_undeclared_names_are_refused_at_loading(spatial: Path, name: str) -> None:
    (spatial / "coarse.j2").write_text("{{ " + name + " }}")
    with pytest.raises(InputError, match=f"undeclared placeholder '{name}'"):
        load_family(spatial)


def test_link_out_of_the_folder_is_refused(spatial: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (spatial / "more.j2").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(InputError, match="leads out of its folder"):
        load_family(spatial)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("family: spatial", "family: spacial", "not the card of its folder|does not begin"),
        ("slot: spatial.fine", "slot: spatial.coarse", "filled twice"),
        ("slot: spatial.fine", "slot: temporal.fine", "does not begin with the name"),
        ("template: fine.j2", "template: finer.j2", "finer.j2 is missing"),
        ("placeholders: [action", "placeholders: [weather, action", "unknown placeholder 'weather'"),
        ("texts: 10", "texts: 0", "greater than or equal to 1"),
        ("purpose:", "porpoise:", "porpoise"),
    ],
)
def test_wrong_cards_are_refused(spatial: Path, old: str, new: str, expected: str) -> None:
    card = spatial / "card.yaml"
    card.write_text(card.read_text().replace(old, new))
    with pytest.raises(InputError, match=expected):
        load_family(spatial)


def test_template_syntax_error_names_file_and_line(spatial: Path) -> None:
    (spatial / "coarse.j2").write_text("a\n{% if %}")
    with pytest.raises(InputError, match=r"coarse\.j2 is not a valid template") as caught:
        load_family(spatial)
    assert "line 2" in caught.value.why
