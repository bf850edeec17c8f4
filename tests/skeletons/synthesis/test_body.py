"""The body: proportions, conventions, contact with the floor."""

from __future__ import annotations

import numpy as np
import pytest

from zsl_skeleton.skeletons.synthesis.body import PARENTS, Body
from zsl_skeleton.skeletons.synthesis.classes import COMPOSITIONS, Composition
from zsl_skeleton.skeletons.synthesis.kinematics import REST, pose
from zsl_skeleton.skeletons.synthesis.movements import movement
from zsl_skeleton.skeletons.synthesis.performer import Performer, generator, perform

BONES = [(joint, parent) for joint, parent in enumerate(PARENTS) if joint != parent]
LEFT_ANKLE, RIGHT_ANKLE, LEFT_FOOT, RIGHT_FOOT = 14, 18, 15, 19
LEFT_HAND, RIGHT_HAND, LEFT_SHOULDER, RIGHT_SHOULDER, HEAD, HIP = 7, 11, 4, 8, 3, 0


def named(name: str) -> Composition:
    return next(composition for composition in COMPOSITIONS if composition.name == name)


def performance(composition: Composition, subject: int = 1) -> np.ndarray:
    performer = Performer.of(subject, 0)
    return perform(performer, movement(composition), generator("test", composition.name))


def lengths(joints: np.ndarray) -> np.ndarray:
    return np.stack([np.linalg.norm(joints[:, a] - joints[:, b], axis=-1) for a, b in BONES], axis=-1)


def test_resting_body_stands_on_the_floor_with_left_at_larger_x() -> None:
    joints = pose(Body.of(1.75), {channel: np.array([point]) for channel, point in REST.items()})[0]
    assert joints.shape == (25, 3)
    assert 1.5 < joints[HEAD, 1] < 1.75
    assert joints[[LEFT_FOOT, RIGHT_FOOT], 1] == pytest.approx(0.02, abs=0.03)
    assert joints[LEFT_SHOULDER, 0] > joints[RIGHT_SHOULDER, 0]
    assert joints[LEFT_FOOT, 2] > joints[LEFT_ANKLE, 2]  # toes forward
    np.testing.assert_allclose(joints[[4, 5, 6, 7]] * [-1, 1, 1], joints[[8, 9, 10, 11]], atol=1e-9)


@pytest.mark.parametrize("composition", COMPOSITIONS, ids=lambda c: c.name)
def test_bone_lengths_never_change(composition: Composition) -> None:
    found = lengths(performance(composition))
    np.testing.assert_allclose(found, np.broadcast_to(found[:1], found.shape), atol=1e-9)


def test_subjects_differ_in_proportions_not_only_in_size() -> None:
    one, two = (lengths(performance(COMPOSITIONS[0], subject))[0] for subject in (1, 2))
    ratios = one / two
    assert ratios.max() / ratios.min() > 1.01
    np.testing.assert_allclose(one, lengths(performance(COMPOSITIONS[1], 1))[0])  # the same person all along


@pytest.mark.parametrize("composition", COMPOSITIONS, ids=lambda c: c.name)
def test_feet_touch_the_floor_but_do_not_pass_it(composition: Composition) -> None:
    joints = performance(composition)
    lowest = joints[:, :, 1].min(axis=1)
    assert lowest.min() > -0.03
    if composition.movement == "jump":
        assert lowest.max() > 0.08
    else:
        assert lowest.max() < 0.06
        planted = {"left": RIGHT_ANKLE, "right": LEFT_ANKLE}.get(composition.limb.split()[0])
        if planted is not None:
            assert np.ptp(joints[:, planted], axis=0).max() < 0.04


@pytest.mark.parametrize(
    "composition", [c for c in COMPOSITIONS if c.limb.endswith(("arm", "arms", "leg"))], ids=lambda c: c.name
)
def test_the_named_limb_travels_and_its_counterpart_rests(composition: Composition) -> None:
    travel = np.ptp(performance(composition), axis=0).max(axis=-1)
    ends = {"left arm": LEFT_HAND, "right arm": RIGHT_HAND, "left leg": LEFT_ANKLE, "right leg": RIGHT_ANKLE}
    moving = ["left arm", "right arm"] if composition.limb == "both arms" else [composition.limb]
    resting = [limb for limb in ends if limb not in moving and limb[-3:] == moving[0][-3:]]
    assert min(travel[ends[limb]] for limb in moving) > 0.3
    assert all(travel[ends[limb]] < 0.15 for limb in resting)


def test_directions_go_where_they_say() -> None:
    def reach(name: str, joint: int) -> np.ndarray:
        away = performance(named(name)) - performance(named(name))[:, RIGHT_SHOULDER, None]
        return away[:, joint][np.abs(away[:, joint] - away[0, joint]).sum(axis=1).argmax()]

    forward = reach("right arm raise forward", RIGHT_HAND)
    sideways = reach("right arm raise sideways", RIGHT_HAND)
    overhead = reach("right arm raise overhead", RIGHT_HAND)
    assert forward.argmax() == 2
    assert (-sideways).argmax() == 0  # to the person's right
    assert overhead.argmax() == 1
    bent_left = performance(named("trunk bend to the left"))
    assert (bent_left[:, HEAD, 0] - bent_left[:, HIP, 0]).max() > 0.15
    turned = performance(named("trunk turn to the left"))
    assert (turned[:, RIGHT_SHOULDER, 2] - turned[:, LEFT_SHOULDER, 2]).max() > 0.15  # right shoulder comes forward


def test_repetitions_are_performed() -> None:
    height = performance(named("right arm circle three times quickly"))[:, RIGHT_HAND, 1]
    middle = (height.max() + height.min()) / 2
    assert np.count_nonzero(np.diff((height > middle).astype(int)) == 1) == 3
