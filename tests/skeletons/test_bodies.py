from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.bodies import Tracked, first_bodies, moving_bodies

TALL, WIDE = (0.3, 1.6), (1.0, 1.0)


def body(frames: int, motion: float, size: tuple[float, float] = TALL, seed: int = 0) -> np.ndarray:
    """[T, 25, 3]: as wide and high as said, swaying by ``motion`` metres."""
    still = np.random.default_rng(seed).uniform(-0.5, 0.5, size=(25, 3)) * [*size, 0.2]
    still[:2] = [[-size[0] / 2, -size[1] / 2, 0], [size[0] / 2, size[1] / 2, 0]]
    sway = motion * np.sin(np.arange(frames))[:, None, None] * [1.0, 0.0, 0.0]
    return still + sway + [0.0, 0.0, 3.0]


def tracked(frames: int, bodies: Iterable[tuple[str, Iterable[int], np.ndarray]]) -> Tracked:
    """Bodies ``(id, frames in which it is seen, joints)``; in each frame they are listed in the order given."""
    rows = [
        (frame, order, name, joints[i])
        for order, (name, seen, joints) in enumerate(bodies)
        for i, frame in enumerate(seen)
    ]
    rows.sort(key=lambda row: row[:2])
    return Tracked(
        frames, np.array([row[0] for row in rows]), tuple(row[2] for row in rows), np.array([r[3] for r in rows])
    )


def test_the_first_two_of_each_frame() -> None:
    a, b, c = (body(3, 0.1, seed=seed) for seed in range(3))
    joints = first_bodies(tracked(5, [("a", [0, 1, 3], a), ("b", [1, 3], b), ("c", [1, 2, 3], c)]))
    assert joints.shape == (2, 5, 25, 3)
    np.testing.assert_array_equal(joints[0, [0, 1, 2, 3]], [a[0], a[1], c[1], a[2]])
    np.testing.assert_array_equal(joints[1, [1, 3]], b[:2])
    assert not joints[:, 4].any()
    assert not joints[1, [0, 2]].any()
    assert first_bodies(tracked(2, [("a", [1], a)])).shape == (1, 2, 25, 3)


def test_a_single_body_is_the_actor_and_its_gaps_close() -> None:
    a = body(6, 0.1)
    joints = moving_bodies(tracked(9, [("a", [1, 2, 4, 5, 6, 8], a)]))
    assert joints.shape == (1, 9, 25, 3)
    np.testing.assert_array_equal(joints[0, [1, 2, 4, 5, 6, 8]], a)
    assert not joints[0, [0, 3, 7]].any()


def test_the_body_that_moves_most_comes_first_and_keeps_its_time() -> None:
    calm, lively = body(20, 0.01), body(15, 0.3, seed=1)
    joints = moving_bodies(tracked(20, [("calm", range(20), calm), ("lively", range(5, 20), lively)]))
    np.testing.assert_array_equal(joints[0, 5:], lively)
    np.testing.assert_array_equal(joints[1], calm)
    assert not joints[0, :5].any()


@pytest.mark.parametrize(("frames", "persons"), [(11, 1), (12, 2)])
def test_what_is_seen_in_eleven_frames_or_fewer_is_noise(frames: int, persons: int) -> None:
    calm, lively = body(20, 0.01), body(frames, 0.3, seed=1)
    joints = moving_bodies(tracked(20, [("calm", range(20), calm), ("lively", range(frames), lively)]))
    assert len(joints) == persons
    np.testing.assert_array_equal(joints[-1], calm)


def test_where_all_are_short_none_is_dropped_for_it() -> None:
    calm, lively = body(8, 0.01), body(8, 0.3, seed=1)
    joints = moving_bodies(tracked(8, [("calm", range(8), calm), ("lively", range(8), lively)]))
    np.testing.assert_array_equal(joints, [lively, calm])


@pytest.mark.parametrize(("flat", "persons"), [(69, 2), (70, 1)])
def test_what_is_wide_in_seventy_percent_of_its_frames_is_furniture(flat: int, persons: int) -> None:
    person = body(100, 0.01)
    thing = np.concatenate([body(flat, 0.4, WIDE, 1), body(100 - flat, 0.4, TALL, 1)])
    joints = moving_bodies(tracked(100, [("person", range(100), person), ("thing", range(100), thing)]))
    assert len(joints) == persons
    if persons == 1:
        np.testing.assert_array_equal(joints[0], person)


def test_a_body_is_wide_beyond_four_fifths_of_its_height() -> None:
    person = body(30, 0.01)
    for width, persons in ((0.79, 2), (0.81, 1)):
        thing = body(30, 0.4, (width, 1.0), 1)
        assert len(moving_bodies(tracked(30, [("person", range(30), person), ("thing", range(30), thing)]))) == persons


def test_the_last_one_left_stays_however_wide() -> None:
    thing = body(30, 0.4, WIDE)
    short = body(5, 0.1, seed=1)
    joints = moving_bodies(tracked(30, [("short", range(5), short), ("thing", range(30), thing)]))
    np.testing.assert_array_equal(joints, [thing])
    other = body(30, 0.2, WIDE, seed=1)
    joints = moving_bodies(tracked(30, [("thing", range(30), thing), ("other", range(30), other)]))
    np.testing.assert_array_equal(joints, [other])


def test_wide_frames_do_not_count_as_motion() -> None:
    """Without its ten wide frames, far away, the second body moves less than the first."""
    first, second = body(40, 0.2), body(40, 0.1, seed=1)
    second[:10] = body(10, 0.1, WIDE, 1) + np.array([5.0, 0.0, 0.0])
    joints = moving_bodies(tracked(40, [("second", range(40), second), ("first", range(40), first)]))
    np.testing.assert_array_equal(joints, [first, second])


def test_one_after_the_other_they_are_one_actor_and_a_third_at_a_time_is_dropped() -> None:
    a, b = body(20, 0.4), body(20, 0.3, seed=1)
    other, extra = body(40, 0.2, seed=2), body(30, 0.1, seed=3)
    bodies = [("a", range(20), a), ("b", range(20, 40), b), ("other", range(40), other), ("extra", range(5, 35), extra)]
    joints = moving_bodies(tracked(40, bodies))
    np.testing.assert_array_equal(joints, [np.concatenate([a, b]), other])


def test_an_actor_whose_id_changes_in_a_frame_may_touch_itself() -> None:
    a, b = body(20, 0.4), body(21, 0.3, seed=1)
    joints = moving_bodies(tracked(40, [("a", range(20), a), ("b", range(19, 40), b)]))
    assert joints.shape[0] == 1
    np.testing.assert_array_equal(joints[0, 19:], b)
    joints = moving_bodies(tracked(40, [("a", range(20), a), ("b", range(18, 39), b)]))
    assert joints.shape[0] == 2


def test_frames_without_bodies_do_not_count_when_a_gap_closes() -> None:
    """Seen in frames 0-14 and 20-34, with nobody in between, a body has one run, and so nothing beside it overlaps."""
    a, b = body(30, 0.4), body(12, 0.3, seed=1)
    joints = moving_bodies(tracked(50, [("a", [*range(15), *range(20, 35)], a), ("b", range(35, 47), b)]))
    assert joints.shape[0] == 1
    shown = [*range(15), *range(20, 47)]
    np.testing.assert_array_equal(joints[0, shown], np.concatenate([a, b]))
    assert not np.delete(joints[0], shown, axis=0).any()


def test_a_body_that_is_listed_twice_in_a_frame() -> None:
    a = body(3, 0.1)
    twice = tracked(3, [("a", range(3), a), ("a", [1], a)])
    assert first_bodies(twice).shape[0] == 2
    with pytest.raises(InputError, match="body a is listed twice"):
        moving_bodies(twice)
