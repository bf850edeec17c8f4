"""Everything that was found, as one JSON document and as a page for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from zsl_skeleton.doctor.inventory import Inventory
from zsl_skeleton.doctor.machine import Machine

if TYPE_CHECKING:
    from zsl_skeleton.doctor.training import Training

_STATES = {"ready": "ready", "made": "zsl-train makes it", "yours": "NEEDS YOU"}
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True)
class Diagnosis:
    """The machine, the store and, if one was asked about, a training."""

    machine: Machine
    inventory: Inventory
    training: Training | None = None

    @property
    def sound(self) -> bool:
        """Whether nothing is damaged and nothing is missing that only the user can provide."""
        return not self.inventory.damaged and (self.training is None or self.training.possible)

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        machine = asdict(self.machine)
        for plain, extra in zip(machine["extras"], self.machine.extras, strict=True):
            plain["command"] = extra.command
        stock = asdict(self.inventory)
        for plain, left in zip(stock["unfinished"], self.inventory.unfinished, strict=True):
            plain["remove"] = left.remove
        for entry in (stock, *stock["unfinished"], *stock["damaged"]):
            entry |= {key: str(entry[key]) for key in ("path", "root") if key in entry}
        training = {**asdict(self.training), "possible": self.training.possible} if self.training else None
        return {"sound": self.sound, "machine": machine, "store": stock, "training": training}


def render(diagnosis: Diagnosis) -> str:
    """The same for people: aligned lines under headings."""
    stock = diagnosis.inventory
    sections: dict[str, list[tuple[str, ...]]] = {
        "machine": _machine(diagnosis.machine),
        "extras": [
            (extra.name, "missing" if extra.missing else "installed", _joined(extra.purpose, extra.command))
            for extra in diagnosis.machine.extras
        ],
        "environment": [*diagnosis.machine.variables.items()],
        f"store {stock.root}": _shelves(stock),
        "unfinished": [row for left in stock.unfinished for row in _unfinished(stock, left)],
        "DAMAGED": [
            row
            for bad in stock.damaged
            for row in ((str(bad.path.relative_to(stock.root)), bad.why), ("", f"mend: {bad.mend}"))
        ],
    }
    if diagnosis.training:
        sections["training"] = list(_steps(diagnosis.training))
    lines = [line for title, rows in sections.items() if rows for line in (title, *_aligned(rows), "")]
    return "\n".join([*lines, _verdict(diagnosis)])


def _machine(machine: Machine) -> list[tuple[str, ...]]:
    lacking = [name for name, version in machine.packages.items() if version is None]
    torch = machine.packages.get("torch")
    memory = machine.memory and f"{_size(machine.memory[0])} of {_size(machine.memory[1])} free"
    rows: list[tuple[str, ...]] = [
        ("zsl-skeleton", f"{machine.version}, python {machine.python}, torch {torch or '?'}, {machine.system}"),
        ("packages", f"missing: {', '.join(lacking)}" if lacking else f"all {len(machine.packages)} are installed"),
        ("device", machine.device),
        ("cores", str(machine.cores)),
        ("memory", memory or "unknown"),
        ("disk", f"{_size(machine.disk)} free"),
    ]
    if lacking:
        rows.insert(2, ("", f"pip install {' '.join(lacking)}"))
    return rows if machine.packages else [row for row in rows if row[0] != "packages"]


def _shelves(stock: Inventory) -> list[tuple[str, ...]]:
    if not stock.shelves:
        return [("empty" if stock.exists else "does not exist yet: the first command that makes something makes it",)]
    return [
        (
            shelf.stage,
            str(shelf.count),
            _size(shelf.bytes),
            f"newest: {shelf.newest} ({shelf.at[:16].replace('T', ' ')})",
            ", ".join(f"{name} {count}" for name, count in shelf.datasets.items()),
        )
        for shelf in stock.shelves
    ]


def _unfinished(stock: Inventory, left: Any) -> Iterator[tuple[str, ...]]:
    yield str(left.path.relative_to(stock.root)), f"{_size(left.bytes)}{', a process works on it' * left.busy}"
    if left.busy:
        return
    if left.resume:
        yield "", f"go on: {left.resume}"
    yield "", f"give up: {left.remove}"


def _steps(training: Training) -> Iterator[tuple[str, ...]]:
    for number, step in enumerate(training.steps, 1):
        role = f"{number} {step.role}"
        if step.state == "ready":
            yield role, _STATES["ready"], step.what
        elif step.state == "made":
            yield role, _STATES["made"], step.command
        else:
            yield role, _STATES["yours"], step.what
            if step.command:
                yield "", "", f"mend: {step.command}"


def _verdict(diagnosis: Diagnosis) -> str:
    training = diagnosis.training
    if diagnosis.sound:
        command = training.command if training else "zsl-train --method mla --dataset demo"
        about = "nothing is wrong; a first training, on made-up recordings"
        if training:
            complete = all(step.state == "ready" for step in training.steps)
            about = "everything is there; train by" if complete else "nothing more is needed from you; train by"
        return f"{about}: {command}"
    lacking = [step.role for step in training.steps if step.state == "yours"] if training else []
    reasons = [f"damaged artifacts: {len(diagnosis.inventory.damaged)}"] * bool(diagnosis.inventory.damaged)
    return "; ".join([*reasons, *([f"see to: {', '.join(lacking)}"] if lacking else [])])


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as their widest entry that has something to its right."""
    inner = [[len(row[column]) for row in rows if len(row) > column + 1] for column in range(max(map(len, rows)))]
    widths = [max(lengths, default=0) for lengths in inner]
    for row in rows:
        yield "  " + "  ".join(entry.ljust(width) for entry, width in zip(row, widths, strict=False)).rstrip()


def _joined(*parts: str) -> str:
    return ": ".join(filter(None, parts))


def _size(count: float) -> str:
    for unit in _UNITS:
        if count < 1024 or unit == _UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return ""
