"""MLA: which descriptions the clips of every class chose, head by head."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.reports.document import Block, Cell, Section, Share, Table, Text
from zsl_skeleton.reports.missing import gone
from zsl_skeleton.reports.opened import Inside, OpenedRun
from zsl_skeleton.reports.sampling import some_clips, worst

_MOST_TEXTS = 4
_MOST_HEADS = 4
_ABOUT = (
    "Every head lets the clip choose the k descriptions of a class that fit it best. Shown is how the weight of the "
    "head is spread over the class's descriptions, averaged over its test clips: a uniform choice among K would give "
    "100 / K."
)


def descriptions(opened: OpenedRun, inside: Inside) -> Section | None:
    """A table per class with its most chosen descriptions, and what the worst clips chose."""
    rows = some_clips(opened.labels)
    chosen = inside.explain(rows)["chosen"].numpy()
    heads = _heads(inside, chosen.shape[2])
    blocks: list[Block] = [Text(_ABOUT)]
    texts: list[list[str]] | None = None
    try:
        texts = _texts(opened, inside)
    except InputError as error:
        blocks.append(gone("The words of the descriptions", error))
    blocks += [_class_table(opened, rows, chosen, place, (heads, texts)) for place in range(len(opened.names))]
    blocks.append(_worst_table(opened, inside, texts))
    return Section("descriptions", "Descriptions", tuple(blocks))


def _class_table(
    opened: OpenedRun,
    rows: NDArray[np.int64],
    chosen: NDArray[np.float32],
    place: int,
    told: tuple[list[tuple[int, str]], list[list[str]] | None],
) -> Table:
    heads, texts = told
    own = opened.labels[rows] == place
    mean = chosen[own][:, place].mean(0) if own.any() else np.zeros(chosen.shape[2:])  # [H, K]
    order = np.argsort(-mean[heads[0][0]], kind="stable")[:_MOST_TEXTS]
    table: list[tuple[Cell, ...]] = []
    for k in order:
        words = texts[place][k] if texts else f"description {k}"
        table.append((words, *(Share(float(mean[head, k])) for head, _ in heads)))
    who = f"{opened.numbers[place]} {opened.names[place]}"
    return Table(
        f"{who}: descriptions by their mean weight over {int(own.sum())} clips, in percent",
        ("description", *(name for _, name in heads)),
        tuple(table),
        look="prose",
    )


def _worst_table(opened: OpenedRun, inside: Inside, texts: list[list[str]] | None) -> Table:
    rows = worst(opened.scores, opened.labels)
    chosen = inside.explain(rows)["chosen"].numpy()
    first = _heads(inside, chosen.shape[2])[0][0]
    table: list[tuple[Cell, ...]] = []
    for row, weights in zip(rows, chosen, strict=True):
        cells = []
        for place in (int(opened.labels[row]), int(opened.predicted[row])):
            best = int(weights[place, first].argmax())
            cells.append(f"{opened.names[place]}: {texts[place][best] if texts else f'description {best}'}")
        table.append((opened.ids[int(row)], *cells))
    return Table(
        "The description that each clip of the worst margins liked best, of its own class and of the one it was given",
        ("clip", "of its own class", "of the class it was given"),
        tuple(table),
    )


def _heads(inside: Inside, count: int) -> list[tuple[int, str]]:
    """Some heads, the most selective first, each with its name."""
    ks = getattr(inside.inputs.settings.method, "ks", tuple(range(count)))
    places = (
        list(range(count))
        if count <= _MOST_HEADS
        else [round(k * (count - 1) / (_MOST_HEADS - 1)) for k in range(_MOST_HEADS)]
    )
    return [(place, f"k = {ks[place]}") for place in places]


def _texts(opened: OpenedRun, inside: Inside) -> list[list[str]]:
    """Descriptions of every unseen class, as the run read them: those of another class under ``shuffled``.

    Raises:
        InputError: the bank is gone.
    """
    bank = opened.bank()
    texts = bank.texts(inside.method.slots[0])
    return [list(texts[int(inside.text_rows[number])]) for number in opened.numbers]
