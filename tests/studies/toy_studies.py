"""What the tests of studies share."""

from __future__ import annotations

from pathlib import Path

BANK = {"banks": "demo-compose", "set": {"text": ["motion"]}}
"""A bank of one family, which is made in a moment."""
COMMON = {"datasets": "demo", "splits": "random-1", "backbones": "raw-joints", "encoders": "hashing", **BANK}
STEPWISE = {"method": "devise", "set": {"epochs": 40, "steps": 1, "batch": 8, "warmup": 1}}
"""A method that is trained in steps, so that it has checkpoints."""


def files_below(root: Path) -> set[str]:
    """Everything in a folder, but for what symbolic links lead to."""
    return {str(path) for path in root.rglob("*")}
