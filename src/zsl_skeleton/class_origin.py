"""The texts that one class had in a run, and the very prompts that they answer.

The dialogues are held again with the bank's own texts as answers, which renders every prompt as it was sent. A prompt
whose hash stands beside its text *is* the prompt; otherwise templates, names or earlier texts have changed since.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.catalog import ActionClass
from zsl_skeleton.errors import InputError
from zsl_skeleton.resources import data_folder
from zsl_skeleton.semantics.asking import Desk, hold
from zsl_skeleton.semantics.backends import Answer, Message, Request, UnusableAnswerError
from zsl_skeleton.semantics.bank import Description, SemanticBank, family_provenance
from zsl_skeleton.semantics.dialogue import Dialogue
from zsl_skeleton.semantics.prompts import load_families
from zsl_skeleton.semantics.show import class_index

_DIGITS = 16


@dataclass(frozen=True)
class Prompt:
    """One call: the dialogue as it was sent, and whether its hash is the one that the texts carry."""

    family: str
    turn: str
    messages: tuple[Message, ...]
    hash: str
    proven: bool


@dataclass(frozen=True)
class ClassOrigin:
    """Where the texts of a class come from.

    Args:
        bank: folder name of the bank.
        name: the class.
        texts: its texts in the slots that the run reads.
        prompts: what was asked for them; empty where nobody was asked, or the prompts are gone.
        remark: why there are none, or why they are not certain.
    """

    bank: str
    name: str
    texts: tuple[Description, ...]
    prompts: tuple[Prompt, ...]
    remark: str = ""

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "bank": self.bank,
            "class": self.name,
            "texts": [{"slot": row.slot, "index": row.index, "text": row.text} for row in self.texts],
            "prompts": [
                vars(item) | {"messages": [vars(message) for message in item.messages]} for item in self.prompts
            ],
            "remark": self.remark,
        }


def class_origin(store: Store, run: Artifact, name: str, prompts: Path | None = None) -> ClassOrigin:
    """The texts of the class ``name`` (or its number) in the slots that a run reads, and the prompts behind them.

    Args:
        store: where the artifacts behind the run lie.
        run: finished.
        name: of the class, forgiving.
        prompts: folder of prompt families; None: the packaged one.

    Raises:
        UsageError: there is no such class.
        InputError: the class embeddings or the bank are gone, or the vectors were imported without texts.
    """
    from zsl_skeleton.training.settings import settings_from_json

    slots = settings_from_json(run.card.config["method"], run.card.config["settings"]).method.needed_slots
    embeddings = _behind(store, run, "embeddings")
    bank = _behind(store, embeddings, "bank")
    words = SemanticBank.open(bank)
    index = class_index(name, words.class_names, words.dataset)
    rows = tuple(row for row in words.descriptions if row.class_index == index and row.slot in slots and row.in_use)
    found, remark = _prompts(bank, words, index, slots, prompts)
    return ClassOrigin(bank.path.name, words.class_names[index], rows, found, remark)


def render_class_origin(origin: ClassOrigin, most: int = 3) -> str:
    """Prompts, and the first ``most`` texts of every slot, for people."""
    lines = [f"{origin.name}, in the bank {origin.bank}"]
    shown: tuple[Message, ...] = ()
    for item in origin.prompts:
        proof = "the prompt that the texts name" if item.proven else "NOT the prompt that the texts name: changed since"
        lines.append(f"=== {item.family}, turn {item.turn}, request {item.hash[:_DIGITS]}: {proof}")
        lines += [f"[{message.role}]\n{message.content}" for message in item.messages if message not in shown]
        shown = item.messages
    lines += [f"note: {origin.remark}"] if origin.remark else []
    for slot in dict.fromkeys(row.slot for row in origin.texts):
        rows = [row for row in origin.texts if row.slot == slot]
        lines.append(f"--- {slot}: {len(rows)} texts")
        lines += [f"  {row.text}" for row in rows[:most]]
        lines += [f"  and {len(rows) - most} more (--json prints all)"] if len(rows) > most else []
    return "\n".join(lines)


def _behind(store: Store, artifact: Artifact, role: str) -> Artifact:
    found = store.origin(artifact, role)
    if found is None:
        why = "they were imported as vectors"
        raise InputError(f"the texts of {artifact.path.name} are not known", why=why)
    return found


@dataclass
class _Teller:
    """Answers a dialogue with the texts that a bank holds, and notes what was asked."""

    rows: Mapping[tuple[str, int], Description]
    asked: list[Request] = field(default_factory=list)
    concurrency: int = 1

    async def answer(self, request: Request) -> Answer:
        self.asked.append(request)
        texts = {}
        for slot, count in request.counts.items():
            first = len(request.given.get(slot, ()))
            found = [self.rows.get((slot, first + number)) for number in range(count)]
            if None in found:
                raise UnusableAnswerError(f"the bank lacks a text of {slot}")
            texts[slot] = tuple(row.text for row in found if row is not None)
        return Answer(texts)

    async def close(self) -> None:
        """Nothing is open."""


def _prompts(
    bank: Artifact, words: SemanticBank, index: int, slots: tuple[str, ...], folder: Path | None
) -> tuple[tuple[Prompt, ...], str]:
    config = bank.card.config
    families = [name for name in config["families"] if any(slot.partition(".")[0] == name for slot in slots)]
    if config["backend"]["name"] == "import":
        return (), "the texts were imported: nobody was asked"
    try:
        wanted = [f"{name}@{config['families'][name]['version']}" for name in families]
        known = load_families(data_folder("prompts", folder), wanted)
    except (InputError, ValueError) as error:
        return (), f"the prompts cannot be shown: {error}"
    rows = {(row.slot, row.index): row for row in words.descriptions if row.class_index == index}
    action = ActionClass(index=index, code="", name=words.class_names[index], persons=config["persons"][index])
    teller = _Teller(rows)
    desk = Desk(teller)
    common = {name: family_provenance(bank.card, name) for name in families}
    dialogues = [
        Dialogue(desk.ask, config["backend"], family, words.dataset, action, common[name])
        for name, family in known.items()
    ]
    hold(dialogues, desk, "prompts", lambda *_: None)
    sent = {row.provenance.request for row in rows.values()}
    found = tuple(_prompt(request, config["backend"], sent) for request in teller.asked)
    changed = any(not item.proven for item in found)
    return found, "texts were edited, or templates changed, since they were asked for" if changed else ""


def _prompt(request: Request, fingerprint: Mapping[str, Any], sent: set[str | None]) -> Prompt:
    digest = request.hash(fingerprint)
    return Prompt(request.family, request.turn.name, request.messages, digest, digest[:_DIGITS] in sent)
