"""The report of a run: one JSON document, and the same as a table for people."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from zsl_skeleton.evaluation.generalised import GeneralisedReport, render_generalised

SCHEMA_VERSION = 2


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClassResult(_Part):
    """Result of one unseen class; ``accuracy`` in [0, 1], None where it has no test clip."""

    index: int
    name: str
    clips: int
    accuracy: float | None


class SelectionResult(_Part):
    """How the weights were chosen: the rule, the epoch (from 0) and the accuracy that the choice was made by."""

    rule: str
    epoch: int | None
    accuracy: float | None
    oracle: bool


class Report(_Part):
    """Zero-shot evaluation of a run. Accuracies in [0, 1]; rows of ``confusion`` are true classes.

    ``changed`` is ``key=value`` of the settings that were not the preset's.

    ``either_branch``, of a method with branches, counts a clip as right if any branch names it: an oracle figure, which
    papers report. ``generalised``: the same run against all classes. ``published``: what others report for the same
    method, data set and split, one line each.
    """

    schema_version: int = SCHEMA_VERSION
    kind: Literal["zsl"] = "zsl"
    dataset: str
    synthetic: bool
    split: str
    protocol: str
    method: str
    preset: str
    changed: tuple[str, ...] = ()
    seed: int
    control: str
    selection: SelectionResult
    accuracy: float
    mean_class_accuracy: float
    chance: float
    clips: int
    per_class: tuple[ClassResult, ...]
    confusion: tuple[tuple[int, ...], ...]
    either_branch: float | None = None
    generalised: GeneralisedReport | None = None
    slots: tuple[str, ...]
    encoder: str
    bank: str
    backbone: str
    published: tuple[str, ...] = ()

    @property
    def changes(self) -> str:
        """``changed`` in words; empty for a preset as it stands."""
        return f"{', '.join(self.changed)}; the rest as in {self.preset}" if self.changed else ""


def render(report: Report) -> str:
    """The report as plain text."""
    oracle = " (oracle: chosen on the unseen test clips)" if report.selection.oracle else ""
    synthetic = "  SYNTHETIC DATA: says nothing about real recordings" if report.synthetic else ""
    lines = [
        f"{report.method} ({report.preset}) on {report.dataset}, split {report.split} ({report.protocol}){synthetic}",
        f"  ZSL accuracy         {_percent(report.accuracy)}{oracle}",
        f"  mean class accuracy  {_percent(report.mean_class_accuracy)}{oracle}",
        f"  chance               {_percent(report.chance)}   ({len(report.per_class)} classes, {report.clips} clips)",
    ]
    if report.changes:
        lines.append(f"  changed              {report.changes}")
    if report.control != "none":
        lines.append(f"  control              {report.control}: the class texts were altered on purpose")
    lines += [
        f"  selection            {_selection(report.selection)}; seed {report.seed}",
        f"  text                 {', '.join(report.slots)}; encoder {report.encoder}; bank {report.bank}",
        f"  backbone             {report.backbone}",
    ]
    if report.either_branch is not None:
        lines.insert(
            2, f"  either branch        {_percent(report.either_branch)} (oracle: the label chooses the branch)"
        )
    lines += [f"  published            {line}" for line in report.published]
    width = max(len(row.name) for row in report.per_class)
    lines += [f"    {row.name:<{width}}  {_percent(row.accuracy)}  {row.clips:5d} clips" for row in report.per_class]
    lines += render_generalised(report.generalised, oracle=report.selection.oracle) if report.generalised else []
    return "\n".join(lines)


def _selection(selection: SelectionResult) -> str:
    by = "" if selection.accuracy is None else f", at {_percent(selection.accuracy).strip()}"
    if selection.epoch is None:
        return f"none: solved in closed form{by}"
    return f"{selection.rule}: epoch {selection.epoch}{by}"


def _percent(value: float | None) -> str:
    return "    -  " if value is None else f"{100 * value:5.1f} %"
