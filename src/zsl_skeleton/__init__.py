"""Zero-shot skeleton action recognition, from prompt to accuracy."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zsl_skeleton.prediction.predictor import Predictor

__all__ = ["load"]
__version__ = "0.1.0"


def load(export: str | os.PathLike[str], device: str = "auto") -> Predictor:
    """Open an export made by ``zsl-train export RUN --out DIR``; hashes and sizes are checked, nothing is unpickled.

    Raises:
        InputError: it is no export, damaged, changed, or of another version.
        UsageError: there is no such device.
    """
    from zsl_skeleton.prediction.predictor import load as open_predictor

    return open_predictor(export, device)
