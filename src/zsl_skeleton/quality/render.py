"""A comparison for people, and as JSON values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from zsl_skeleton.quality.candidates import NAME_ONLY, RANDOM_WORDS, REAL, TextSet
from zsl_skeleton.quality.compare import Comparison, Difference, Measured
from zsl_skeleton.quality.diversity import Neighbour
from zsl_skeleton.quality.measures import Interval, PermutationTest

SYNTHETIC = "SYNTHETIC recordings: this says nothing about real ones"
TRAINED = "the backbone was trained on the held-out classes too, so predictions are a little high"
ONE_DRAW = "random-words is one draw of words: the next one can differ by 10 points, whatever the interval says"
TEXT_ONLY = "texts alone: NOT a measure of quality, richer texts lie closer together"


def notes(comparison: Comparison) -> list[str]:
    """What a reader must know before trusting the figures."""
    clips = comparison.seen.clips
    drawn = any(row.name.control == RANDOM_WORDS for row in comparison.rows)
    return [SYNTHETIC] * clips.synthetic + [TRAINED] * bool(clips.trained_on) + [ONE_DRAW] * drawn


def render(comparison: Comparison) -> str:
    """The comparison as plain text: measures, verdict, nearest classes of the unseen ones."""
    return "\n".join(
        [*_heading(comparison), "", *_measures(comparison), "", *_verdict(comparison), "", *_unseen(comparison)]
    )


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as JSON values; accuracies in [0, 1], None for what could not be computed."""
    seen, best = comparison.seen, comparison.best
    document: dict[str, Any] = {
        "kind": "comparison",
        "dataset": seen.dataset.name,
        "split": seen.split.name,
        "protocol": seen.protocol.name,
        "backbone": seen.clips.backbone,
        "synthetic": seen.clips.synthetic,
        "config": comparison.config.model_dump(mode="json"),
        "seen_classes": list(seen.classes),
        "clips": len(seen.clips),
        "held_out": comparison.held_out,
        "chance": comparison.chance,
        "notes": notes(comparison),
        "text_sets": [_row(row, seen.dataset.class_names) for row in comparison.rows],
        "verdict": {
            "best": asdict(best.name),
            "predicted": asdict(best.accuracy) | {"single_draw": list(best.single)},
            "against_best": [
                asdict(item.name) | {"difference": asdict(item.difference), "shown": item.shown}
                for item in comparison.differences
            ],
        },
    }
    cleaned: dict[str, Any] = _without_nan(document)
    return cleaned


def _row(row: Measured, names: Sequence[str]) -> dict[str, Any]:
    return {
        **asdict(row.name),
        "accuracy": asdict(row.accuracy) | {"single_draw": list(row.single), "per_fold": row.cells.per_fold.tolist()},
        "agreement": asdict(row.agreement),
        "diversity": asdict(row.diversity) if row.diversity else None,
        "unseen_text_only": [
            asdict(item) | {"name": names[item.index], "nearest_name": names[item.nearest]} for item in row.unseen
        ],
    }


def _heading(comparison: Comparison) -> Iterator[str]:
    seen, banks = comparison.seen, dict.fromkeys(row.name.bank for row in comparison.rows)
    where = f"{seen.dataset.name}, split {seen.split.name}, protocol {seen.protocol.name}"
    looked_at = f"{len(seen.clips)} training clips of {len(seen.classes)} seen classes"
    yield f"{where}: {looked_at}; no clip of the {len(seen.split.unseen)} unseen ones was looked at"
    yield (
        f"  accuracy: ridge on {seen.clips.backbone}, {comparison.config.folds} times {comparison.held_out} seen "
        f"classes held out, chance {_percent(comparison.chance)}"
    )
    yield "  intervals: 95 %; p by renaming classes at random; neighbours beside what unrelated spaces share"
    yield from (f"  NOTE: {note}" for note in notes(comparison))
    if len(banks) == 1:
        yield f"  bank: {next(iter(banks))}"


def _measures(comparison: Comparison) -> Iterator[str]:
    head = ["accuracy", "RSA", "p", "CKA", "p", "neighbours", "hubness", "different texts", "cosine"]
    yield from _table(comparison, [(None, head), *((row.name, _cells(row)) for row in comparison.rows)])


def _cells(row: Measured) -> list[str]:
    agree, own = row.agreement, row.diversity
    diverse = ["", "", ""]
    if own:
        diverse = [_number(own.hubness), f"{own.effective:.1f} of {own.texts:.0f}", _number(own.cosine)]
    return [
        _percents(row.accuracy),
        _numbers(agree.rsa),
        _p(agree.rsa_test),
        _numbers(agree.cka),
        _p(agree.cka_test),
        f"{_number(agree.neighbours.value)} / {_number(agree.neighbours_chance)}",
        *diverse,
    ]


def _verdict(comparison: Comparison) -> Iterator[str]:
    best = comparison.best
    low, high = map(_percent, best.single)
    yield f"train with {_name(best.name)}"
    yield f"  predicted accuracy {_percents(best.accuracy)}; for one draw of classes {low} to {high}"
    if comparison.differences:
        rows = [(item.name, _against(item)) for item in comparison.differences]
        yield from _table(comparison, [(None, ["against it", ""]), *rows])


def _against(item: Difference) -> list[str]:
    points = [f"{100 * value:+.1f}" for value in (item.difference.value, item.difference.low, item.difference.high)]
    difference = f"{points[0]} points [{points[1]}, {points[2]}]"
    return [difference, "worse" if item.shown else "no difference shown"]


def _unseen(comparison: Comparison) -> Iterator[str]:
    names = comparison.seen.dataset.class_names
    unseen = set(comparison.seen.split.unseen)
    yield f"nearest class of each unseen class ({TEXT_ONLY})"

    def cells(item: Neighbour) -> list[str]:
        side = "unseen too" if item.nearest in unseen else "seen"
        return [names[item.index], names[item.nearest], side, f"cosine {item.cosine:.3f}", f"gap {_number(item.gap)}"]

    yield from _aligned([cells(item) for item in comparison.best.unseen], left=3)


def _name(name: TextSet) -> str:
    return f"{_texts(name)} ({name.encoder}, {name.bank})"


def _texts(name: TextSet) -> str:
    if name.control == NAME_ONLY:
        return name.control
    return name.group if name.control == REAL else f"{name.group}, {name.control}"


def _table(comparison: Comparison, rows: Sequence[tuple[TextSet | None, list[str]]]) -> Iterator[str]:
    """Rows that begin with the name of a text set (None: the heading), with the bank if there are several."""
    several = len({row.name.bank for row in comparison.rows}) > 1
    lines = []
    for name, cells in rows:
        begin = [_texts(name), name.encoder, name.bank] if name else ["texts", "encoder", "bank"]
        lines.append((begin if several else begin[:2]) + cells)
    return _aligned(lines, left=3 if several else 2)


def _aligned(rows: Sequence[Sequence[str]], left: int) -> Iterator[str]:
    """Columns two blanks apart, the first ``left`` of them flush left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(w) if i < left else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        yield ("  " + "  ".join(cells)).rstrip()


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _percents(interval: Interval) -> str:
    return f"{_percent(interval.value)} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def _numbers(interval: Interval) -> str:
    if math.isnan(interval.value):
        return "-"
    return f"{interval.value:.2f} [{_number(interval.low)}, {_number(interval.high)}]"


def _p(test: PermutationTest | None) -> str:
    return "" if test is None or math.isnan(test.p) else f"{test.p:.3f}"


def _without_nan(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
