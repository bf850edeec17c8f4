from __future__ import annotations

import itertools

from zsl_skeleton.skeletons.numbering import absent_names

# Set-ups, who came there, and what was asked for: nobody else, nothing else.
SESSIONS = {1: ((1, 2, 3), range(1, 4)), 2: ((2, 5), range(1, 4)), 3: ((3, 7), range(4, 7))}
NAMES = [
    f"S{setup:03}C{camera:03}P{performer:03}R{replication:03}A{action:03}"
    for setup, (performers, actions) in SESSIONS.items()
    for performer, camera, replication, action in itertools.product(performers, (1, 2, 3), (1, 2), actions)
]


def test_gaps_of_a_sparse_numbering_are_named() -> None:
    gone = {NAMES[5], NAMES[40], NAMES[-1]}
    never = (NAMES[7], NAMES[90])
    present = [name for name in NAMES if name not in gone and name not in never]
    assert absent_names(present, never, 3) == tuple(sorted(gone))
    assert absent_names([*present, *never], never, 3) == tuple(sorted(gone))


def test_nothing_is_said_where_the_numbers_do_not_add_up() -> None:
    assert absent_names(NAMES, (), 0) == ()
    assert absent_names(NAMES, (), -2) == ()
    assert absent_names(NAMES[3:], (), 2) == ()
    assert absent_names(NAMES[18:], (), 18) == ()  # all that one performer did in a set-up
    assert absent_names([*NAMES[1:], "readme"], (), 1) == ()
    assert absent_names([], (), 4) == ()


def test_a_full_grid_needs_no_ties() -> None:
    names = [f"a{a}_s{s}" for a in range(1, 12) for s in range(1, 4)]
    assert absent_names(names[:7] + names[8:], (), 1) == (names[7],)
