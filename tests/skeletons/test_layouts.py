from __future__ import annotations

import numpy as np
import pytest

from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.skeletons.layouts import BONES, JOINTS, KINECT_V1, MADE_UP, NTU, match_layout, to_kinect_v1, to_ntu

PRECOG_HEADER = (
    "HipCenter; Spine; ShoulderCenter; Head; ShoulderLeft; ElbowLeft; WristLeft; HandLeft; ShoulderRight; ElbowRight; "
    "WristRight; HandRight; HipLeft; KneeLeft; AnkleLeft; FootLeft; HipRight; KneeRight; AnkleRight; FootRight"
)


@pytest.fixture
def kinect() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, 5, 20, 3))


def test_there_and_back_is_the_identity(kinect: np.ndarray) -> None:
    np.testing.assert_array_equal(to_kinect_v1(to_ntu(kinect, KINECT_V1)), kinect)


def test_every_joint_lands_on_its_name(kinect: np.ndarray) -> None:
    ntu = to_ntu(kinect, KINECT_V1)
    renamed = {"hip-center": "spine-base", "spine": "spine-middle", "shoulder-center": "spine-shoulder"}
    for row, name in enumerate(JOINTS[KINECT_V1]):
        np.testing.assert_array_equal(ntu[..., JOINTS[NTU].index(renamed.get(name, name)), :], kinect[..., row, :])


def test_made_up_joints(kinect: np.ndarray) -> None:
    ntu = to_ntu(kinect, "KINECT_V1")
    at = JOINTS[NTU].index
    np.testing.assert_allclose(ntu[..., at("neck"), :], (kinect[..., 2, :] + kinect[..., 3, :]) / 2)
    for side, hand in (("left", 7), ("right", 11)):
        for tip in ("hand-tip", "thumb"):
            np.testing.assert_array_equal(ntu[..., at(f"{side}-{tip}"), :], kinect[..., hand, :])
    assert set(MADE_UP[KINECT_V1]) == set(JOINTS[NTU]) - set(JOINTS[KINECT_V1]) - {
        "spine-base",
        "spine-middle",
        "spine-shoulder",
    }


@pytest.mark.parametrize("layout", [NTU, KINECT_V1])
def test_bones_are_a_tree_over_all_joints(layout: str) -> None:
    parents = dict(BONES[layout])
    assert len(parents) == len(BONES[layout]) == len(JOINTS[layout]) - 1
    for joint in range(len(JOINTS[layout])):
        steps = 0
        while joint:
            joint, steps = parents[joint], steps + 1
            assert steps < 25


def test_wrong_joint_count_and_unknown_layout(kinect: np.ndarray) -> None:
    with pytest.raises(InputError, match="expected 20 joints"):
        to_ntu(kinect[:, :, :19], KINECT_V1)
    with pytest.raises(UsageError, match="kinect-v1"):
        to_ntu(kinect, "kinect-v11")


def test_match_layout_reads_foreign_spellings_in_any_order() -> None:
    names = PRECOG_HEADER.split("; ")
    assert match_layout(names) == (KINECT_V1, list(range(20)))
    assert match_layout(["extra", *reversed(names)]) == (KINECT_V1, list(range(20, 0, -1)))
    assert match_layout([name.replace("-", "_").upper() for name in JOINTS[NTU]])[0] == NTU


def test_match_layout_names_what_is_missing() -> None:
    with pytest.raises(InputError) as caught:
        match_layout(PRECOG_HEADER.replace("KneeLeft", "Knie").split("; "))
    assert "left-knee" in caught.value.why
