"""Text of tables: what numpy reads back is what was written, to the decimals asked for."""

from __future__ import annotations

import numpy as np
import pytest

from zsl_skeleton.skeletons.synthesis.decimals import LIMIT, table_text

PLACES = (7, 4, 0, 8, 1)


def test_numbers_are_read_back_to_their_decimals() -> None:
    random = np.random.default_rng(0)
    numbers = random.normal(0.0, 1.0, (500, 5)) * 10.0 ** random.integers(-9, 4, (500, 5))
    text = table_text(numbers, PLACES).decode()
    found = np.array([[float(field) for field in line.split(" ")] for line in text.splitlines()])
    assert text.endswith("\n")
    for column, places in enumerate(PLACES):
        np.testing.assert_allclose(found[:, column], numbers[:, column], rtol=0, atol=0.5 * 10.0**-places + 1e-12)


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (-1e-9, "0"),
        (0.0000001, "0.0000001"),
        (0.99999999, "1"),
        (-1.5, "-1.5"),
        (-0.05, "-0.05"),
        (12.00005, "12.00005"),
        (9.9999, "9.9999"),
        (10.0001, "10.0001"),
        (1234.0, "1234"),
        (9999.9999999, "9999.9999999"),
    ],
)
def test_a_number_is_written_as_people_write_it(number: float, written: str) -> None:
    assert table_text(np.array([[number, number]]), (7, 7)) == f"{written} {written}\n".encode()


@pytest.mark.parametrize("number", [LIMIT, -LIMIT, 9999.99999999, np.nan, np.inf])
def test_what_does_not_fit_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="finite and smaller"):
        table_text(np.array([[0.0, number]]), (7, 7))
