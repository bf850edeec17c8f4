from __future__ import annotations

import numpy as np
import pytest

from zsl_skeleton.skeletons.readers.decimals import NotANumberError, parse_decimals


def parse(tokens: list[str], text: str | None = None) -> np.ndarray:
    text = " ".join(tokens) if text is None else text
    ends = np.cumsum([len(token) + 1 for token in tokens]) - 1
    starts = ends - [len(token) for token in tokens]
    return parse_decimals(np.frombuffer(text.encode(), np.uint8), starts, ends)


def same(tokens: list[str]) -> None:
    expected = np.array([float(token) for token in tokens])
    np.testing.assert_array_equal(parse(tokens).view(np.uint64), expected.view(np.uint64))


def test_every_spelling_gives_the_very_number_of_float() -> None:
    same(["0", "-0", "7", "-7.5", ".5", "-.5", "5.", "007.250", "0.2181153", "-0.05349901", "1036.233", "1e-5"])
    same(["5.960464E-08", "+3", "99999999999999", "999999999999999999999", "0.1234567890123456789", "12345678.1234567"])
    same(
        [
            "-0.0",
            "0.000000000000",
            "9007199254740993",
            "1e22",
            "1e-400",
            "179769313486231570000e290",
            "inf",
            "-Infinity",
        ]
    )
    assert np.isnan(parse(["NaN"])).all()


@pytest.mark.parametrize("form", ["%.7g", "%.3f", "%.17g", "%.12f", "%d", "%.4e"])
def test_random_numbers(form: str) -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=3000) * 10.0 ** random.integers(-6, 7, size=3000)
    same([form % value for value in values])


def test_all_short_digit_strings() -> None:
    same([f"{sign}{a}.{b:03}" for sign in ("", "-") for a in range(12) for b in range(0, 1000, 7)])


def test_what_stands_around_a_token_does_not_matter() -> None:
    text = np.frombuffer(b"9999999999999.9-12.5-9999999", np.uint8)
    assert parse_decimals(text, np.array([15]), np.array([20])).tolist() == [-12.5]
    assert parse_decimals(text, np.array([0]), np.array([2])).tolist() == [99.0]
    assert parse_decimals(text, np.array([], dtype=np.int64), np.array([], dtype=np.int64)).tolist() == []


@pytest.mark.parametrize(
    "token", ["1_0", "--1", "1.2.3", "-", ".", "e5", "0x10", "1e", "ten", "1-", "1.-5", "١", "nanny"]
)
def test_no_number(token: str) -> None:
    tokens = ["1.5", "2", token, "3"]
    text = " ".join(tokens).encode()
    ends = np.cumsum([len(word) + 1 for word in text.split()]) - 1
    starts = np.concatenate([[0], ends[:-1] + 1])
    with pytest.raises(NotANumberError) as caught:
        parse_decimals(np.frombuffer(text, np.uint8), starts, ends)
    assert (caught.value.index, caught.value.token) == (2, token.encode())
