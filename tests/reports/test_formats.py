"""Tables in other formats: nothing in a cell can break out of it."""

from __future__ import annotations

import csv as csv_module
import io

from accessibility import problems
from zsl_skeleton.reports.document import Document, Figures, Section, Share, Table, Text
from zsl_skeleton.reports.formats import csv, latex, markdown
from zsl_skeleton.reports.render import html

HOSTILE = r'a|b & 50 % of $x_1$ {~} \end{tabular} "q", <script>alert(1)</script>' + "\nnext line"
TABLE = Table(
    f"Figures of {HOSTILE}",
    ("class", "accuracy", "clips", "taken for"),
    ((HOSTILE, Share(0.5, 0.25, 0.75), 12, HOSTILE), ("plain", None, 3, "")),
    look="bars",
)
DOCUMENT = Document("Title", HOSTILE, (Section("one", "One", (TABLE, Text(HOSTILE), Figures(()))),))


def test_csv_reads_back() -> None:
    rows = list(csv_module.reader(io.StringIO(csv(DOCUMENT))))
    assert rows[1] == ["one-1", HOSTILE, "accuracy", "50.0000", "25.0000", "75.0000"]
    assert rows[3][3] == HOSTILE and rows[4][1:] == ["plain", "accuracy", "", "", ""]
    assert {len(row) for row in rows} == {6}


def test_markdown_keeps_its_columns() -> None:
    rows = [line.replace(r"\|", "") for line in markdown(DOCUMENT).splitlines() if line.startswith("|")]
    assert len(rows) == 4 and {row.count("|") for row in rows} == {5}
    assert "50.0 [25.0, 75.0]" in rows[2]


def test_latex_escapes_what_means_something_to_it() -> None:
    body = latex(DOCUMENT).split(r"\midrule")[1]
    assert body.count(r"\end{tabular}") == 1 and body.count(r"\\") == 2
    first = body.strip().splitlines()[0]
    assert first.replace(r"\&", "").count("&") == 3 and r"\$x\_1\$" in first and r"50 \%" in first


def test_html_keeps_hostile_words_words() -> None:
    page = html(DOCUMENT)
    assert "<script>alert" not in page and problems(page) == []
