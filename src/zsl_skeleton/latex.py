"""Tables as LaTeX: floats of one or more tabulars. They need the packages ``booktabs`` and ``graphicx``."""

from __future__ import annotations

import re
from collections.abc import Sequence

NEEDED = r"% needs \usepackage{booktabs,graphicx}"
_ESCAPED = str.maketrans({character: f"\\{character}" for character in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": "$<$", ">": "$>$",
    "±": r"$\pm$", "→": r"$\to$", "…": r"\dots{}", "·": r"$\cdot$", '"': r"\textquotedbl{}",
})  # fmt: skip


def escaped(text: str) -> str:
    """Text on one line with nothing left that LaTeX would take for a command."""
    return " ".join(text.split()).translate(_ESCAPED)


def cell(text: str) -> str:
    """As :func:`escaped`, with true signs before figures; braced where ``[`` would be an option of the line before."""
    signed = re.sub(r"(?<![\w.])-(?=\d)", "$-$", escaped(text).replace("+-", r"$\pm$"))
    return f"{{{signed}}}" if signed.startswith("[") else signed


def tabular(table: Sequence[Sequence[str]], columns: str) -> str:
    """Cells with a heading, no wider than the column; ``columns`` aligns them, as ``lrr``."""
    head, *rows = (" & ".join(map(cell, line)) + r" \\" for line in table)
    return "\n".join([
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{columns}}}", r"\toprule", head, r"\midrule", *rows, r"\bottomrule", r"\end{tabular}}",
    ])  # fmt: skip


def float_of(tabulars: Sequence[str], caption: str, name: str = "table") -> str:
    """A float: its caption above, then the tabulars below each other; ``name`` ``table*`` spans both columns."""
    below = "\n\n\\medskip\n".join(tabulars)
    head = [rf"\begin{{{name}}}", r"\centering", r"\footnotesize", rf"\caption{{{escaped(caption)}}}"]
    return "\n".join([*head, below, rf"\end{{{name}}}"])
