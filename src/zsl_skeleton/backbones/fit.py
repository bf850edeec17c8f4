"""The training of a classifier on clips: resumable at any step, bit by bit."""

from __future__ import annotations

import math
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from zsl_skeleton.backbones import distributed
from zsl_skeleton.backbones.batches import Labelled
from zsl_skeleton.backbones.classifier import Classifier
from zsl_skeleton.backbones.config import PretrainConfig
from zsl_skeleton.backbones.reproducible import derived_seed
from zsl_skeleton.checkpoint import (
    Interval,
    load_checkpoint,
    pack_optimizer,
    save_checkpoint,
    unpack_optimizer,
    with_prefix,
    without_prefix,
)
from zsl_skeleton.errors import InputError
from zsl_skeleton.interruption import deferred, requested
from zsl_skeleton.progress import track

_EVALUATION_BATCH = 256


def make_optimizer(model: Classifier, config: PretrainConfig) -> torch.optim.Optimizer:
    """AdamW or SGD over the trainable parameters, grouped by weight decay.

    Unless ``config.sgd`` says otherwise, vectors (biases, norms) are not decayed.
    """
    patterns = config.sgd.weight_decays if config.sgd else {}
    groups: dict[float, list[torch.nn.Parameter]] = {config.weight_decay: [], 0.0: []}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            pattern = max((pattern for pattern in patterns if fnmatchcase(name, pattern)), key=len, default=None)
            usual = config.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault(patterns[pattern] if pattern else usual, []).append(parameter)
    sorted_out = [{"params": members, "weight_decay": decay} for decay, members in groups.items() if members]
    if config.sgd:
        momentum = config.sgd.momentum
        return torch.optim.SGD(sorted_out, lr=config.learning_rate, momentum=momentum, nesterov=True, fused=True)
    return torch.optim.AdamW(sorted_out, lr=config.learning_rate, fused=True)


class Fit:
    """Trains ``model`` in place, together with the other processes if there are any.

    Args:
        model: on its device, freshly initialised.
        train: the clips to learn from.
        validation: clips that select the best epoch; empty = the last epoch is kept.
        config: epochs, batch, optimiser, augmentation, seed.
        checkpoint: file of the resumable state.
    """

    def __init__(self, model: Classifier, train: Labelled, validation: Labelled, config: PretrainConfig) -> None:
        self.model, self.train, self.validation, self.config = model, train, validation, config
        self.optimizer = make_optimizer(model, config)
        self.epoch = self.step = 0
        self.history: list[dict[str, Any]] = []
        self.best: dict[str, Any] | None = None
        self.best_weights: dict[str, Tensor] = {}
        # Sums over the epoch so far: loss, right answers, clips. On the device, so that no step waits for them.
        self.sums = torch.zeros(3, dtype=torch.float64, device=train.labels.device)
        self._unseen_logits = self._masked_logits()

    def run(self, checkpoint: Path) -> dict[str, Tensor]:
        """Train to the end, from the state in the file ``checkpoint`` if there is one, and return the chosen weights.

        Raises:
            InputError: the loss is no longer finite.
        """
        self._restore(checkpoint)
        interval = Interval(self.config.checkpoint_seconds)
        with deferred():
            for epoch in track(range(self.epoch, self.config.epochs), "pretrain", self.config.epochs - self.epoch):
                batches = self._batches(epoch)[self.step :]
                for rows, clips in zip(batches, self.train.read([_own(rows) for rows in batches]), strict=True):
                    self._update(epoch, rows, clips)
                    self.step += 1
                    save, stop = distributed.agreed(interval.due(), requested())
                    if save or stop:
                        self._save(checkpoint)
                    if stop:
                        distributed.stop()
                self._finish(epoch)
        return self.best_weights

    def _batches(self, epoch: int) -> tuple[Tensor, ...]:
        generator = torch.Generator().manual_seed(derived_seed(self.config.seed, epoch))
        batches = torch.split(torch.randperm(len(self.train.labels), generator=generator), self.config.batch)
        short = self.config.drop_last and len(batches[-1]) < self.config.batch
        # A set smaller than one batch still makes one step.
        return batches[: max(1, len(batches) - short)]

    def _update(self, epoch: int, rows: Tensor, clips: Tensor) -> None:
        """One step on the batch ``rows``, of which ``clips`` are this process's."""
        seed = derived_seed(self.config.seed, epoch, self.step)
        torch.manual_seed(seed)  # for dropout
        share, generator = distributed.share(len(rows)), torch.Generator().manual_seed(seed)
        clips = self.config.augmentation(clips, generator, share)
        labels = self.train.labels[rows[share.rows].to(clips.device)]
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(epoch)
        self.model.train()
        logits = self._logits(clips)
        # Weighted so that the sum over the processes is the mean over the batch; a share may be empty.
        loss = functional.cross_entropy(logits, labels, label_smoothing=self.config.label_smoothing)
        loss = loss * (len(labels) / len(rows)) if len(labels) else logits.sum()
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        distributed.sum_gradients(self.model.parameters())
        self.optimizer.step()
        with torch.no_grad():
            hits = (logits.argmax(1) == labels).sum()
            found = [loss.double() * len(rows), hits.double(), hits.new_tensor(len(labels)).double()]
            self.sums += distributed.summed(torch.stack(found))

    def _finish(self, epoch: int) -> None:
        """End an epoch: measure, remember the best, make ready for the next."""
        loss, hits, clips = self.sums.tolist()
        row = {"epoch": epoch + 1, "learning_rate": self.learning_rate(epoch)}
        row |= {"loss": loss / clips, "train_accuracy": hits / clips}
        if len(self.validation.labels):
            row |= self._validate()
        if not all(map(math.isfinite, row.values())):
            raise InputError(
                f"the pre-training diverged in epoch {epoch + 1}",
                why="its loss is not finite",
                mend=f"choose a smaller learning rate than {self.config.learning_rate}",
            )
        self.history.append(row)
        # A tie in accuracy is frequent on small sets; then the smaller loss decides.
        rank = [row.get("validation_accuracy", epoch), -row.get("validation_loss", 0.0)]
        if self.best is None or rank >= self.best["rank"]:
            self.best = {"epoch": epoch + 1, "rank": rank}
            self.best_weights = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        self.epoch, self.step = epoch + 1, 0
        self.sums.zero_()

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        self.model.eval()
        total = torch.zeros(2, dtype=torch.float64, device=self.sums.device)
        batches = torch.split(_own(torch.arange(len(self.validation.labels))), _EVALUATION_BATCH)
        for rows, clips in zip(batches, self.validation.read(batches), strict=True):
            labels = self.validation.labels[rows.to(clips.device)]
            logits = self._logits(clips)
            loss = functional.cross_entropy(logits, labels, reduction="sum")
            total += torch.stack([loss.double(), (logits.argmax(1) == labels).sum().double()])
        loss_sum, hits = (distributed.summed(total) / len(self.validation.labels)).tolist()
        return {"validation_loss": loss_sum, "validation_accuracy": hits}

    def learning_rate(self, epoch: int) -> float:
        """One value per epoch (0-based): cosine from the peak to 0, or, with SGD, smaller from each milestone on."""
        if self.config.sgd:
            passed = sum(epoch >= milestone for milestone in self.config.sgd.milestones)
            return self.config.learning_rate * self.config.sgd.decay**passed
        return self.config.learning_rate * (1 + math.cos(math.pi * epoch / self.config.epochs)) / 2

    def _logits(self, clips: Tensor) -> Tensor:
        with torch.autocast(clips.device.type, torch.bfloat16, enabled=self.config.precision == "bf16"):
            logits: Tensor = self.model(clips)[1]
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        return logits if self._unseen_logits is None else logits + self._unseen_logits

    def _masked_logits(self) -> Tensor | None:
        """[C] with minus infinity at the classes that never occur; None where all take part in the softmax."""
        if self.config.logits == "all":
            return None
        penalty = self.model.head.bias.detach().new_full((self.model.head.out_features,), -math.inf)
        penalty[self.train.labels] = 0
        return penalty

    def _save(self, checkpoint: Path) -> None:
        if distributed.rank() > 0:
            return  # all have the same state
        moments, optimizer = pack_optimizer(self.optimizer)
        tensors = {
            **with_prefix("model", self.model.state_dict()),
            **with_prefix("best", self.best_weights),
            **with_prefix("optimizer", moments),
            "sums": self.sums,
        }
        state = {"epoch": self.epoch, "step": self.step, "history": self.history, "best": self.best}
        save_checkpoint(checkpoint, tensors, {**state, "optimizer": optimizer})

    def _restore(self, checkpoint: Path) -> None:
        found = load_checkpoint(checkpoint)
        if found is None:
            return
        tensors, state = found
        self.model.load_state_dict(without_prefix("model", tensors))
        self.best_weights = without_prefix("best", tensors)
        unpack_optimizer(self.optimizer, without_prefix("optimizer", tensors), state["optimizer"])
        self.sums.copy_(tensors["sums"])
        self.epoch, self.step = state["epoch"], state["step"]
        self.history, self.best = state["history"], state["best"]


def _own(rows: Tensor) -> Tensor:
    """This process's share of ``rows``."""
    return rows[distributed.share(len(rows)).rows]
