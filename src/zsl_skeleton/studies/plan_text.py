"""The plan of a study for people: every run, those that are alike on one line, and the time that is left."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from zsl_skeleton.errors import some_of
from zsl_skeleton.studies.plan import PlannedRun, StudyPlan, total_seconds
from zsl_skeleton.studies.telling import duration

_STATES = ("finished", "begun", "failed", "new", "blocked")


def render_plan(plan: StudyPlan, jobs: int = 1) -> str:
    """The plan as plain text.

    Args:
        plan: the plan.
        jobs: processes that will work on it.
    """
    study = plan.file.study
    counts = {state: sum(one.state == state for one in plan.runs) for state in _STATES}
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    lines = [f"{study.name}: {len(plan.runs)} runs: {told}", *([f"  {study.about}"] if study.about else []), ""]
    lines += _lines(plan.runs)
    if plan.inputs:
        lines += ["", "  inputs to be made before (with what is made from them in turn):"]
        lines += [f"    {name}  {_about(seconds)}" for name, seconds in plan.inputs.items()]
    blocked = dict.fromkeys(one.why for one in plan.runs if one.state == "blocked")
    lines += [f"  BLOCKED: {why}" for why in blocked]
    failed = [f"{one.run.name}: {one.why}" for one in plan.runs if one.state == "failed"]
    lines += [f"  FAILED before, will be tried again: {some_of(failed, 5)}"] if failed else []
    return "\n".join([*lines, "", f"  {_time_left(plan, jobs)}"])


def plan_csv(plan: StudyPlan) -> str:
    """One line per run, with a heading."""
    rows = [{key: _cell(value) for key, value in row.items()} for row in plan.as_json()["runs"]]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _lines(runs: Sequence[PlannedRun]) -> Iterator[str]:
    """A line for all runs that differ in split and seed alone."""
    groups: dict[str, list[PlannedRun]] = {}
    for one in runs:
        head = one.run.name.rpartition(", seed ")[0]
        groups.setdefault(head.removesuffix(one.run.split).rstrip(), []).append(one)
    width = max(map(len, groups))
    for name, group in groups.items():
        left = [one for one in group if one.state != "finished"]
        states = ", ".join(
            f"{len(found)} {state}: {_cells(found, len({one.run.split for one in group}))}"
            for state in _STATES[1:]
            if (found := [one for one in left if one.state == state])
        )
        done = f"{len(group) - len(left)}/{len(group)} finished"
        possible = [one.seconds for one in left if one.state != "blocked"]
        time = f"  ({_about_all(possible)})" if possible else ""
        yield f"  {name:<{width}}  {done:>16}{'; ' if states else ''}{states}{time}"


def _cells(runs: Iterable[PlannedRun], splits: int) -> str:
    """``random-1 random-2 seed 0..4, random-3 seed 1,3``; of ``splits`` splits in all."""
    seeds: dict[str, list[int]] = {}
    for one in runs:
        seeds.setdefault(one.run.split, []).append(one.run.config.seed)
    same: dict[str, list[str]] = {}
    for split, found in seeds.items():
        same.setdefault(_ranges(found), []).append(split)
    every = len(seeds) == splits > 1 and len(same) == 1
    return ", ".join(
        f"{f'all {splits} splits' if every else ' '.join(named)} seed {found}" for found, named in same.items()
    )


def _ranges(seeds: Sequence[int]) -> str:
    ordered = sorted(set(seeds))
    if len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"{ordered[0]}..{ordered[-1]}"
    return ",".join(map(str, ordered))


def _time_left(plan: StudyPlan, jobs: int) -> str:
    left = [one.seconds for one in plan.runs if one.state not in ("finished", "blocked")]
    if not left:
        blocked = sum(one.state == "blocked" for one in plan.runs)
        return f"{blocked} runs are blocked: see above" if blocked else "nothing is left to be made"
    known, unknown = total_seconds([*left, *plan.inputs.values()])
    parts = [f"time left: about {duration(known / jobs)}" if known else "time left: unknown"]
    if jobs > 1 and known:
        parts.append(f"with {jobs} processes")
    if unknown and known:
        parts.append(f"and that of {unknown} runs or inputs, unknown as none alike is finished")
    return " ".join(parts) + (
        " (as long as finished runs of the same method, preset and data set took)" if known else ""
    )


def _about_all(seconds: Sequence[float | None]) -> str:
    known, unknown = total_seconds(seconds)
    if not unknown:
        return f"about {duration(known)}"
    return "time unknown" if unknown == len(seconds) else f"about {duration(known)} and {unknown} unknown"


def _about(seconds: float | None) -> str:
    return "time unknown" if seconds is None else f"about {duration(seconds)}"


def _cell(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, list) else "" if value is None else value
