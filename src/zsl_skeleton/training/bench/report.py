"""What a bench found, as one JSON object and for people."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

_GIB = 2**30


@dataclass(frozen=True)
class BenchReport:
    """Times in units of ``unit_seconds`` (medians) and peaks in bytes.

    ``step_units`` of a closed-form method is its whole solution. ``epoch_units`` is ``epoch_steps`` times the step plus
    the drawing of the order, unless ``epoch_measured``. ``evaluate_units`` is scoring all ``test_clips`` of the unseen
    classes, extrapolated if only ``test_clips_scored`` were. ``rows`` holds further times in units. Of the
    ``training_clips`` only ``training_clips_held`` lay in memory: ``table_bytes`` instead of ``full_table_bytes``.
    """

    method: str
    size: str
    device: str
    dtype: str
    unit_seconds: float
    step_units: float
    epoch_units: float
    evaluate_units: float
    peak_rss_bytes: int
    peak_device_bytes: int
    training_peak_rss_bytes: int
    rows: dict[str, float]
    preset: str
    overrides: tuple[str, ...]
    threads: int
    environment: dict[str, str]
    batch: int | None
    parameters: int
    steps_timed: int
    epoch_steps: int
    epoch_measured: bool
    training_clips: int
    training_clips_held: int
    table_bytes: int
    full_table_bytes: int
    test_clips: int
    test_clips_scored: int

    def as_json(self) -> dict[str, Any]:
        """All fields as JSON values."""
        return asdict(self)


def render_bench(report: BenchReport) -> str:
    """One line per figure, times in units and in seconds."""
    unit = report.unit_seconds
    epoch = "measured" if report.epoch_measured else f"extrapolated from {report.steps_timed} steps"
    training = {
        f"training step, batch {report.batch}": report.step_units,
        f"epoch of {report.epoch_steps} steps ({epoch})": report.epoch_units,
    }
    part = report.test_clips_scored < report.test_clips
    evaluation = f"extrapolated from {report.test_clips_scored} clips" if part else "measured"
    times = {
        **(training if report.batch else {"training, closed form": report.step_units}),
        f"scoring {report.test_clips} unseen test clips ({evaluation})": report.evaluate_units,
        **report.rows,
    }
    width = max(map(len, times))
    lines = [
        f"{report.method} ({report.preset}), size {report.size}, {report.parameters / 1e6:.2f} M parameters, "
        f"{report.dtype} on {report.device}, {report.threads} threads",
        f"unit: a 1024-cubed float32 matrix product, {1000 * unit:.2f} ms here",
        *(f"  {name:<{width}}  {units:10.2f} units  {_seconds(units * unit):>9}" for name, units in times.items()),
        f"peak memory: {report.peak_rss_bytes / _GIB:.2f} GiB of the whole process, "
        f"{report.training_peak_rss_bytes / _GIB:.2f} GiB after training"
        + (f", {report.peak_device_bytes / _GIB:.2f} GiB on the device" if report.peak_device_bytes else ""),
    ]
    if report.training_clips_held < report.training_clips:
        more = (report.full_table_bytes - report.table_bytes) / _GIB
        held = f"{report.training_clips_held} of {report.training_clips}"
        lines.append(f"  {held} training clips were held; all of them take {more:.2f} GiB more")
    found = " ".join(f"{name}={value}" for name, value in report.environment.items())
    return "\n".join([*lines, f"environment: {found or 'no allocator or thread settings'}"])


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 1 else f"{1000 * value:.3g} ms"
