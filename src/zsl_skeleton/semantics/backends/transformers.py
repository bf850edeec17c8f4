"""A Hugging Face model on this machine, on a GPU where there is one: batched, its answers held to their schema."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from zsl_skeleton.cache import open_text_cache
from zsl_skeleton.errors import BackendError, UsageError, ZslError
from zsl_skeleton.progress import say
from zsl_skeleton.semantics.backends.base import Answer, Request, Setting
from zsl_skeleton.semantics.backends.chat import Call, Reply
from zsl_skeleton.semantics.backends.constrained import Sampling, Words, require_llguidance
from zsl_skeleton.semantics.backends.language_model import LanguageModel
from zsl_skeleton.semantics.backends.local_model import Job, LocalModel
from zsl_skeleton.semantics.backends.model_source import ModelSource, find_model
from zsl_skeleton.semantics.options import Options

if TYPE_CHECKING:
    from zsl_skeleton.training.device import DeviceChoice

_VERSION = 1
"""Raised when the same model would be asked in another way, so that old answers are not taken for new ones."""

_GATHER = 0.005  # seconds without a new call after which a batch that is not full begins
_words: ContextVar[Words] = ContextVar("words", default=MappingProxyType({}))
"""Word limits of the request that is being answered; a call does not carry them."""


class TransformersBackend(LanguageModel):
    """A language model that is a :class:`TransformersChat`."""

    @classmethod
    def open(cls, setting: Setting) -> Self:
        """Find the model; it is loaded when the first question is asked.

        Raises:
            UsageError: no model is named, or the device does not exist.
            InputError: the model does not exist, or llguidance is not installed.
        """
        options = setting.options
        if options.model is None:
            mend = "add --model with a folder, or an id on the Hugging Face hub"
            raise UsageError("transformers needs the name of a model", mend=mend)
        require_llguidance()
        from zsl_skeleton.training.device import choose_device

        chat = TransformersChat(find_model(options.model), choose_device(options.device), options)
        cache = open_text_cache(setting.cache, "response cache") if setting.cache is not None else None
        return cls(chat, cache, options)

    async def answer(self, request: Request) -> Answer:
        """Answer from the cache or from the model.

        Raises:
            UnusableAnswerError: this request has no usable answer.
            BackendError: nothing can be answered any more.
        """
        _words.set({field.key: field.words for field in request.fields})
        return await super().answer(request)


class TransformersChat:
    """A chat model on this machine. Calls that arrive together are answered in one batch.

    Greedy unless a temperature (or ``top_p``) is set; then every call draws with a generator of its own, seeded by the
    seed and the call. The timeout of the options is not used: nothing is lost on the way.

    Args:
        source: which model.
        device: where it runs.
        options: sampling, limit of tokens and size of a batch.
    """

    name = "transformers"

    def __init__(self, source: ModelSource, device: DeviceChoice, options: Options) -> None:
        self.model = source.name
        self.concurrency = options.max_concurrency
        self._source = source
        self._device = device
        self._options = options
        self._precision = _precision(device)
        self._loaded: LocalModel | None = None
        self._waiting: list[tuple[Job, asyncio.Future[Reply]]] = []
        self._writer: asyncio.Task[None] | None = None

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """Name, version, model with its revision, precision, and the sampling parameters that were set."""
        wanted = {"temperature", "top_p", "max_tokens", "seed"}
        return {
            "name": self.name,
            "version": _VERSION,
            "model": self.model,
            "revision": self._source.revision,
            "precision": self._precision,
            "parameters": self._options.model_dump(include=wanted, exclude_none=True),
        }

    async def complete(self, call: Call) -> Reply:
        """Answer one call, together with others.

        Raises:
            UnusableAnswerError: this call cannot be answered.
            BackendError: the model does not work.
            InputError: it cannot be loaded.
        """
        options = self._options
        temperature = (1.0 if options.top_p else 0.0) if options.temperature is None else options.temperature
        sampling = Sampling(temperature, options.top_p or 1.0)
        job = Job(call, _words.get(), sampling, options.seed or 0, options.max_tokens)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, future))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return await future

    async def close(self) -> None:
        """Stop writing and give the memory back; a later call loads the model again."""
        writer, self._writer, self._loaded = self._writer, None, None
        if writer is not None and writer.get_loop() is asyncio.get_running_loop():
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        for _, future in self._waiting:
            future.cancel()
        self._waiting.clear()

    async def _write(self) -> None:
        """Answer batch after batch until nobody waits."""
        while self._waiting:
            await self._gather()
            batch = self._waiting[: self.concurrency]
            replies = await self._answered([job for job, _ in batch])
            del self._waiting[: self.concurrency]
            for (_, future), reply in zip(batch, replies, strict=True):
                if future.done():  # nobody waits any more
                    continue
                if isinstance(reply, Reply):
                    future.set_result(reply)
                else:
                    future.set_exception(reply)

    async def _gather(self) -> None:
        """Wait for those who have just got an answer and ask on."""
        count = 0
        while count < len(self._waiting) < self.concurrency:
            count = len(self._waiting)
            await asyncio.sleep(_GATHER)

    async def _answered(self, jobs: list[Job]) -> list[Reply | ZslError]:
        stop = threading.Event()
        try:
            return [*await asyncio.to_thread(self._in_thread, jobs, stop)]
        except ZslError as error:
            # A fresh copy for each: one exception raised by many tasks would collect all their tracebacks.
            return [type(error)(error.what, why=error.why, mend=error.mend) for _ in jobs]
        except Exception as error:  # whatever a model's own code raises: the others must not wait for ever
            return [BackendError(f"the model {self.model} does not work", why=repr(error)) for _ in jobs]
        finally:
            stop.set()

    def _in_thread(self, jobs: list[Job], stop: threading.Event) -> list[Reply | ZslError]:
        if self._loaded is None:
            say(f"transformers: {self.model} on {self._device}, {self._precision}")
            self._loaded = LocalModel(self._source, self._device.device, self._precision)
        return [*self._loaded.answer(jobs, stop)]


def _precision(device: DeviceChoice) -> str:
    """Half of single precision on a GPU; bfloat16 where the GPU computes with it."""
    if device.device.type != "cuda":
        return "float32"
    import torch

    return "bfloat16" if torch.cuda.get_device_capability(device.device) >= (8, 0) else "float16"
