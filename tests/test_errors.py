"""What an error tells a person who mistyped a name."""

from __future__ import annotations

from zsl_skeleton.errors import unknown_name


def test_a_short_list_is_shown_beside_the_close_name() -> None:
    error = unknown_name("fruit", "aple", ["apple", "pear"])
    assert "Did you mean 'apple'?" in error.what and error.why == "known: apple, pear"


def test_a_long_list_is_shown_only_where_nothing_is_close() -> None:
    names = ["apple", *(f"plum-{number}" for number in range(119))]
    error = unknown_name("fruit", "aple", names)
    assert "Did you mean 'apple'?" in error.what and error.why == "120 names are known"
    assert "plum-118" in unknown_name("fruit", "qqq", names).why
