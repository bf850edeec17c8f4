"""Where presets lie: ``presets/<method>/<preset>.yaml``. Light, since ``zsl-train list`` must not wait for torch."""

from __future__ import annotations

from pathlib import Path

from zsl_skeleton.methods import METHODS
from zsl_skeleton.registry import find_name

_FOLDER = Path(__file__).parent


def preset_names(method: str) -> tuple[str, ...]:
    """The presets of a method, whose name may be spelled forgivingly.

    Raises:
        UsageError: there is no such method.
    """
    return tuple(sorted(path.stem for path in (_FOLDER / find_name("method", method, METHODS)).glob("*.yaml")))


def preset_path(method: str, preset: str) -> Path:
    """The file of a preset, both names in their canonical spelling."""
    return _FOLDER / method / f"{preset}.yaml"
