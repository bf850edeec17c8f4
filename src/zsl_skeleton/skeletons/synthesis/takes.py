"""A take: one composition, performed once by one subject before one camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from zsl_skeleton.skeletons.synthesis.classes import Composition
from zsl_skeleton.skeletons.synthesis.movements import movement
from zsl_skeleton.skeletons.synthesis.performer import Performer, generator, perform
from zsl_skeleton.skeletons.synthesis.sensor import Recording, View, record, see

Camera = Annotated[int, Field(ge=1, le=3)]
"""Number of a camera, a key of ``sensor.YAWS``."""


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
