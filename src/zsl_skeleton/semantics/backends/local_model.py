"""A Hugging Face model on this machine, asked in batches."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateError

from zsl_skeleton.errors import BackendError, InputError
from zsl_skeleton.files import canonical_json, sha256_text
from zsl_skeleton.semantics.backends.base import Message, UnusableAnswerError
from zsl_skeleton.semantics.backends.chat import Call, Reply
from zsl_skeleton.semantics.backends.constrained import Pen, Sampling, Words, Writing, bounded, longest, new_matcher
from zsl_skeleton.semantics.backends.model_source import ModelSource, load_model

if TYPE_CHECKING:
    import torch

_LEAST_ROOM = 32  # tokens; less holds no answer
_UNBOUNDED = 1 << 31  # tokens that a model without a stated limit reads


@dataclass(frozen=True)
class Job:
    """A call, the word limits of its texts, its sampling, its seed, and the user's limit of tokens, if any."""

    call: Call
    words: Words
    sampling: Sampling
    seed: int = 0
    max_tokens: int | None = None


class LocalModel:
    """A loaded model.

    Args:
        source: which one.
        device: where it runs.
        precision: of its weights, e.g. ``"float32"``.

    Raises:
        InputError: it cannot be loaded.
    """

    def __init__(self, source: ModelSource, device: torch.device, precision: str) -> None:
        from llguidance.hf import from_tokenizer

        self._name = source.name
        self._tokenizer, self._model = load_model(source, device, precision)
        text = self._model.config.get_text_config()
        self._context: int = getattr(text, "max_position_embeddings", None) or _UNBOUNDED
        self._ends = _ends(self._tokenizer, self._model)
        size = max(len(self._tokenizer), text.vocab_size)
        try:
            self._grammar_tokenizer = from_tokenizer(self._tokenizer, n_vocab=size, eos_token=self._ends)
        except ValueError as error:
            mend = "name a model with a tokenizer.json and an end-of-text token"
            raise InputError(f"the tokenizer of {source.name} cannot be used", why=str(error), mend=mend) from error

    def answer(self, jobs: Sequence[Job], stop: threading.Event) -> list[Reply | UnusableAnswerError]:
        """Answer several calls in one padded batch, or in halves of it where the memory does not suffice.

        Returns:
            The reply to every call, or why it has none, in the order of ``jobs``.

        Raises:
            InterruptedError: ``stop`` was set meanwhile.
            BackendError: the model does not work.
        """
        import torch

        try:
            return self._batch(jobs, stop)
        except torch.OutOfMemoryError as error:
            why = str(error).partition(". ")[0]
        except RuntimeError as error:
            raise BackendError(f"the model {self._name} does not work", why=str(error)) from error
        if len(jobs) == 1:
            mend = "name a smaller model, or --device cpu"
            return [UnusableAnswerError("the memory of the device does not suffice", why=why, mend=mend)]
        middle = len(jobs) // 2
        return [*self.answer(jobs[:middle], stop), *self.answer(jobs[middle:], stop)]

    def _batch(self, jobs: Sequence[Job], stop: threading.Event) -> list[Reply | UnusableAnswerError]:
        prompts = [self._prompt(job.call.messages) for job in jobs]
        fitting = [n for n, prompt in enumerate(prompts) if self._context - len(prompt) >= _LEAST_ROOM]
        pens = {n: self._pen(jobs[n], self._context - len(prompts[n])) for n in fitting}
        if pens:
            self._generate([prompts[n] for n in fitting], list(pens.values()), stop)
        return [
            self._reply(pens[n], len(prompt)) if n in pens else self._too_long(len(prompt))
            for n, prompt in enumerate(prompts)
        ]

    def _generate(self, prompts: Sequence[list[int]], pens: Sequence[Pen], stop: threading.Event) -> None:
        import torch
        from transformers import GenerationConfig, LogitsProcessorList

        width = max(map(len, prompts))
        pad = self._ends[0] if self._tokenizer.pad_token_id is None else self._tokenizer.pad_token_id
        # Padded on the left, so that all answers begin in the same column.
        rows = [[pad] * (width - len(prompt)) + prompt for prompt in prompts]
        mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        limit = max(pen.limit for pen in pens) + 1
        config = GenerationConfig(  # type: ignore[no-untyped-call]
            max_new_tokens=limit, do_sample=False, eos_token_id=self._ends, pad_token_id=pad
        )
        with torch.inference_mode():
            self._model.generate(
                torch.tensor(rows, device=self._model.device),
                attention_mask=torch.tensor(mask, device=self._model.device),
                generation_config=config,
                logits_processor=LogitsProcessorList([Writing(pens, stop)]),
            )

    def _prompt(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of a chat, up to where the answer begins."""
        chat = [{"role": message.role, "content": message.content} for message in messages]
        if not self._tokenizer.chat_template:
            lines = [f"{message['role'].capitalize()}: {message['content']}" for message in chat]
            return list(self._tokenizer("\n\n".join([*lines, "Assistant:"]) + " ")["input_ids"])
        try:
            text = self._templated(chat)
        except TemplateError:
            # Some templates refuse a system message; the first question takes it in.
            text = self._templated(_without_system(chat))
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _templated(self, chat: list[dict[str, str]]) -> str:
        # The schema leaves no room for thinking aloud; templates without such a switch ignore it.
        options = {"tokenize": False, "add_generation_prompt": True, "enable_thinking": False}
        return str(self._tokenizer.apply_chat_template(chat, **options))

    def _pen(self, job: Job, room: int) -> Pen:
        import torch

        schema = bounded(job.call.schema, job.words)
        limit = min(job.max_tokens or longest(job.call.schema, job.words), room)
        chat = [[message.role, message.content] for message in job.call.messages]
        asked = sha256_text(canonical_json([job.seed, chat, job.call.schema, job.call.sample]))
        generator = torch.Generator().manual_seed(int(asked, 16) % 2**63)
        return Pen(new_matcher(self._grammar_tokenizer, schema), self._ends[0], limit, job.sampling, generator)

    def _reply(self, pen: Pen, prompt: int) -> Reply:
        text = self._grammar_tokenizer.decode_bytes(pen.tokens).decode(errors="replace")
        finish = "length" if pen.cut else "stop"
        return Reply(text, prompt, len(pen.tokens), finish, self._name)

    def _too_long(self, prompt: int) -> UnusableAnswerError:
        what = f"the prompt takes {prompt} tokens, and {self._name} reads {self._context} with its answer"
        return UnusableAnswerError(what, mend="name a model with a longer context, or shorten the prompt")


def _without_system(chat: list[dict[str, str]]) -> list[dict[str, str]]:
    if len(chat) < 2 or chat[0]["role"] != "system":
        return chat
    first = {"role": "user", "content": f"{chat[0]['content']}\n\n{chat[1]['content']}"}
    return [first, *chat[2:]]


def _ends(tokenizer: Any, model: Any) -> list[int]:
    """Ids of the tokens that end an answer, the tokenizer's own first."""
    named = model.generation_config.eos_token_id
    ends = [tokenizer.eos_token_id, *(named if isinstance(named, list) else [named])]
    return list(dict.fromkeys(end for end in ends if end is not None))
