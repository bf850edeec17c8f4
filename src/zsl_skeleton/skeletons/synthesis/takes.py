"""A take: one composition, performed once by one subject before one camera."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from pydantic import Field

from zsl_skeleton.skeletons.synthesis.classes import Composition
from zsl_skeleton.skeletons.synthesis.movements import movement
from zsl_skeleton.skeletons.synthesis.performer import Performer, generator, perform
from zsl_skeleton.skeletons.synthesis.sensor import Recording, View, record, see

Camera = Annotated[int, Field(ge=1, le=3)]
"""Number of a camera, a key of ``sensor.YAWS``."""

_STRANGER = 500  # the other person of an action is a performer of another number
_APART = 0.9  # metres between two people


@dataclass(frozen=True)
class Take:
    """Everything that decides a recording; equal takes give byte-equal recordings.

    Args:
        composition: what is performed.
        subject: number of the performer, from 1.
        camera: 1, 2 or 3 (see ``sensor.YAWS``).
        repetition: number of the performance, from 1; the cameras see the same performance.
        setup: number of the camera set-up, from 1: distance and height.
        seed: another seed, other people and performances.
    """

    composition: Composition
    subject: int
    camera: int
    repetition: int
    setup: int = 1
    seed: int = 0

    def shoot(self) -> Recording:
        """The recording as the sensor delivers it."""
        key = (self.composition.name, self.setup, self.subject, self.repetition, self.seed)
        performer = Performer.of(self.subject, self.seed)
        joints = perform(performer, movement(self.composition), generator("performance", *key))
        random = generator("sensor", *key, self.camera)
        seen = see(joints, View.of(self.setup, self.camera, self.seed), random)
        return record(seen, performer.noise, random)

    def shoot_persons(self, persons: int) -> list[Recording]:
        """One recording, or those of two people who perform beside each other, as long as that of the first."""
        first = self.shoot()
        if persons == 1:
            return [first]
        other = replace(self, subject=self.subject + _STRANGER).shoot()
        rows = np.minimum(np.arange(len(first.joints)), len(other.joints) - 1)  # whoever is done first stands still
        beside = np.array([_APART / 2.0, 0.0, 0.0])
        return [
            Recording(first.joints - beside, first.guessed),
            Recording(other.joints[rows] + beside, other.guessed[rows]),
        ]
