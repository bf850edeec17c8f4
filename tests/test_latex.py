"""LaTeX tables: nothing in a cell can become a command, and none swallows what follows it."""

from __future__ import annotations

import pytest

from zsl_skeleton.latex import cell, escaped, float_of, tabular


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a_b & 5 %", r"a\_b \& 5 \%"),
        ("{x}\\y", r"\{x\}\textbackslash{}y"),
        ("two\n\n  lines", "two lines"),
        ("p < .05", "p $<$ .05"),
    ],
)
def test_special_characters(text: str, expected: str) -> None:
    assert escaped(text) == expected


def test_signs_and_brackets_of_cells() -> None:
    assert cell("-7.2 [-8.9, -5.1]") == "$-$7.2 [$-$8.9, $-$5.1]"
    assert cell("+-1.9") == r"$\pm$1.9"
    assert cell("random-1 0-0-3") == "random-1 0-0-3"
    assert cell("[1] set") == "{[1] set}"  # after \\\\ it would be a length


def test_a_float_has_every_tabular_and_one_caption() -> None:
    one = tabular([["", "ZSL"], ["mla", "62.1"]], "lr")
    text = float_of([one, one], "5 % of all", "table*")
    assert text.count(r"\begin{tabular}{lr}") == text.count(r"\end{tabular}") == 2
    assert text.count(r"\caption{5 \% of all}") == 1
    assert text.count("{") == text.count("}")
    assert text.endswith(r"\end{table*}")
