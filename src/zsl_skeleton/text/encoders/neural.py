"""What encoders with weights share: batches in which the vector of a text does not depend on its neighbours."""

from __future__ import annotations

import functools
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.registry import find_name
from zsl_skeleton.text.encoders import DTYPES

if TYPE_CHECKING:
    import torch

# Every forward pass has the same number of rows and a width that depends on the text alone, so that the same arithmetic
# is done for a text whatever else is encoded: measured, its vector is then equal to the last bit. In batches padded to
# their longest text it differs in the 7th decimal; one text per pass is as good but three times slower.
_ROWS = {"cpu": 16, "cuda": 64}
_STEP = 16


@dataclass(frozen=True)
class Tower:
    """A loaded model.

    Args:
        tokenizer: as of transformers.
        embed: what the tokenizer returns for n texts -> vectors [n, D] of any length; may be called by several threads.
        max_tokens: longest text that is read whole; None: no limit.
        prompt: what the model wants to see before every text.
    """

    tokenizer: Any
    embed: Callable[[dict[str, torch.Tensor]], torch.Tensor]
    max_tokens: int | None
    prompt: str = ""


class NeuralEncoder(ABC):
    """An encoder with weights; a subclass says which ones.

    Args:
        device: ``auto`` (the GPU where there is one), ``cpu``, ``cuda`` or ``cuda:N``.
        dtype: of ``DTYPES``; with bf16 the revision says so.

    Raises:
        UsageError: there is no such dtype, or bf16 is wanted on the CPU.
    """

    def __init__(self, device: str = "auto", dtype: str = "float32") -> None:
        self._dtype = find_name("dtype", dtype, dict.fromkeys(DTYPES))
        self._wanted = device
        if self._half and device == "cpu":
            raise _needs_gpu(device)

    @abstractmethod
    def _load(self, device: torch.device) -> Tower:
        """Load the weights, in float32."""

    @property
    @abstractmethod
    def name(self) -> str:
        """How cards name it; never a path."""

    @property
    @abstractmethod
    def pooling(self) -> str:
        """How the vectors of tokens become that of a text."""

    @property
    @abstractmethod
    def weights(self) -> str:
        """Which weights and settings are read: a hash of their content, or a commit on the hub."""

    @property
    def revision(self) -> str:
        """``weights``, and the precision where it is not float32."""
        return f"{self.weights}+{self._dtype}" if self._half else self.weights

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.encode(["a"]).shape[1])

    @property
    def max_tokens(self) -> int | None:
        """Longest text that is read whole, in tokens; None: no limit."""
        limit = self._tower.max_tokens
        if limit is None or not self._tower.prompt:
            return limit
        alone, prompted = self._ids(["a", self._tower.prompt + "a"])
        return limit - (prompted - alone)

    @property
    def device(self) -> str:
        """Where vectors are computed: ``cpu`` or ``cuda``."""
        return self._device.type

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors [n, dim] of length 1; of texts longer than ``max_tokens`` the end is not read.

        Raises:
            InputError: the weights are missing or not as they should be, or do not fit into the GPU's memory.
            UsageError: there is no such device, or it cannot do the dtype.
        """
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        prompted = [self._tower.prompt + text for text in texts]
        parts = list(self._parts(prompted))
        # The tokenizer is not thread-safe, the model is.
        inputs = [self._tokens([prompted[row] for row in rows], width) for rows, width in parts]
        found = self._all_forward(inputs)
        vectors = np.zeros((len(texts), found[0].shape[1]), np.float32)
        for (rows, _), part in zip(parts, found, strict=True):
            vectors[rows] = part[: len(rows)]
        return vectors

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens per text, markers included."""
        return self._ids(texts) if texts else []

    @property
    def _half(self) -> bool:
        return self._dtype != "float32"

    @functools.cached_property
    def _device(self) -> torch.device:
        from zsl_skeleton.training.device import choose_device

        chosen = choose_device(self._wanted)
        if self._half and chosen.device.type == "cpu":
            raise _needs_gpu(str(chosen))
        return chosen.device

    @functools.cached_property
    def _tower(self) -> Tower:
        return self._load(self._device)

    def _ids(self, texts: Sequence[str]) -> list[int]:
        return [len(ids) for ids in self._tower.tokenizer(list(texts), verbose=False)["input_ids"]]

    def _parts(self, texts: Sequence[str]) -> Iterator[tuple[list[int], int]]:
        """The rows of a pass and its width, shortest texts first."""
        size, limit = _ROWS[self.device], self._tower.max_tokens
        by_width: dict[int, list[int]] = {}
        for row, tokens in enumerate(self._ids(texts)):
            width = -(-tokens // _STEP) * _STEP
            by_width.setdefault(width if limit is None else min(width, limit), []).append(row)
        for width, rows in sorted(by_width.items()):
            for start in range(0, len(rows), size):
                yield rows[start : start + size], width

    def _tokens(self, texts: list[str], width: int) -> dict[str, torch.Tensor]:
        filled = texts + texts[:1] * (_ROWS[self.device] - len(texts))
        options = {"padding": "max_length", "truncation": True, "max_length": width, "return_tensors": "pt"}
        return dict(self._tower.tokenizer(filled, **options))

    def _all_forward(self, inputs: Sequence[dict[str, torch.Tensor]]) -> list[NDArray[np.float32]]:
        import torch

        if self.device == "cpu":
            with _single_threaded(), ThreadPoolExecutor(max_workers=os.cpu_count()) as workers:
                return list(workers.map(self._forward, inputs))
        try:
            return [self._forward(tokens) for tokens in inputs]
        except torch.OutOfMemoryError as error:
            why, mend = str(error).partition(". ")[0], "add --device cpu, or free the GPU"
            raise InputError(f"{self.name} does not fit into the memory of the GPU", why=why, mend=mend) from error

    def _forward(self, tokens: dict[str, torch.Tensor]) -> NDArray[np.float32]:
        import torch

        placed = {key: value.to(self._device) for key, value in tokens.items()}
        # Weights stay float32: cast whole, the position tables of some models would lose more than their matrices do.
        with torch.inference_mode(), torch.autocast(self.device, torch.bfloat16, enabled=self._half):
            found = self._tower.embed(placed)
        return np.asarray(torch.nn.functional.normalize(found.float(), dim=1).cpu().numpy(), dtype=np.float32)


def _needs_gpu(device: str) -> UsageError:
    return UsageError(
        f"bf16 needs a GPU, and the device is {device}",
        why="on the CPU vectors are exact and float32",
        mend="leave out --dtype bf16",
    )


@contextmanager
def _single_threaded() -> Iterator[None]:
    """One thread per forward pass: with more, small models mostly wait (measured on a busy machine: 10x)."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def quiet_and_offline() -> Iterator[None]:
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
