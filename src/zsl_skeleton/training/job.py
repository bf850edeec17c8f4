"""One training: what it may see, and a method of the right sizes trained on some of the seen classes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from zsl_skeleton.methods.base import ClassText, Method
from zsl_skeleton.skeletons.features import FeatureSet
from zsl_skeleton.training.data import Clips, load_clips
from zsl_skeleton.training.loop import Plan, Record, fit
from zsl_skeleton.training.settings import Settings


@dataclass(frozen=True)
class Job:
    """Everything a training may see: no clip of an unseen class.

    Args:
        settings: method and optimisation.
        seen: training clips of the seen classes.
        text: texts of *all* classes, on the device that computes.
        classes: the seen classes.
        held_out: sets of seen classes that a validation treats as unseen, one validation for each.
        seed: of weights, order and draws.
        work: folder for checkpoints.
        seconds: shortest time between two checkpoints.
        validation: the same clips through a backbone that does not know the first set of held-out classes; None: the
            validations use ``seen``, whose backbone does.
    """

    settings: Settings
    seen: FeatureSet
    text: ClassText
    classes: tuple[int, ...]
    held_out: tuple[tuple[int, ...], ...]
    seed: int
    work: Path
    seconds: float = 60.0
    validation: FeatureSet | None = None

    @property
    def familiar(self) -> bool:
        """Whether the features of some validation come from a backbone that was trained on its held-out classes."""
        without_own = self.held_out[1:] if self.validation else self.held_out
        return any(set(classes) & set(self.seen.trained_on) for classes in without_own)

    def clips(self, classes: tuple[int, ...], features: FeatureSet | None = None) -> Clips:
        """Clips of some of the seen classes: all training clips, or those in ``features``."""
        return load_clips(features or self.seen, self.text, classes, self.settings.method.needed_inputs)


def build_method(settings: Settings, clips: Clips, seed: int) -> Method:
    """A method of the right sizes on the clips' device: seeded weights, then whatever it solves in closed form."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        method = settings.kind(settings.method, clips.sizes).to(clips.device)
    with torch.no_grad():
        state = method.solve(clips.whole())
    method.load_state_dict({**method.state_dict(), **state})
    return method


def train_on(job: Job, clips: Clips, plan: Plan) -> tuple[Method, list[Record]]:
    """A method trained on ``clips``, and a record per epoch (none for a closed-form method)."""
    method = build_method(job.settings, clips, job.seed)
    if job.settings.train is None:
        return method, []
    plan = replace(plan, checkpoint=job.work / f"{plan.label}.safetensors", seconds=job.seconds)
    return method, fit(method, clips, job.settings.train, plan)
