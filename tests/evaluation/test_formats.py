"""What a comparison says besides its rows: corrected tests, the effect of texts, reported figures; CSV and LaTeX."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from evaluation.written_runs import add
from zsl_skeleton.artifacts import Store
from zsl_skeleton.evaluation.comparison.compare import Comparison, compare_runs
from zsl_skeleton.evaluation.comparison.formats import comparison_csv, latex, render_all
from zsl_skeleton.evaluation.comparison.options import ComparisonOptions
from zsl_skeleton.evaluation.comparison.table import markdown, render_comparison

FAST = ComparisonOptions(resamples=200)
SPLITS = ("random-1", "random-2", "random-3")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Three methods, a control, and one method with the texts of another encoder."""
    store = Store(tmp_path_factory.mktemp("formats"))
    cells = [(split, seed) for split in SPLITS for seed in (0, 1)]
    add(store, "ridge", dict.fromkeys(cells, 0.4), gzsl=0.3)
    add(store, "mla", {cell: 0.5 + place / 100 for place, cell in enumerate(cells)}, gzsl=0.35)
    add(store, "smie", {cell: 0.4 + (-1) ** place * (1 + place) / 50 for place, cell in enumerate(cells)}, gzsl=0.2)
    add(store, "mla", {cell: 0.1 + place / 100 for place, cell in enumerate(cells)}, control="shuffled")
    add(store, "mla", dict.fromkeys(cells[:4], 0.45), encoder="clip")
    return compare_runs(store, FAST)


def test_wins_and_corrected_p_values(found: Comparison) -> None:
    rows = {(row.method, row.control): row for section in found.sections for row in section.rows if section.rows[1:]}
    mla, smie, control = (rows[key].difference for key in (("mla", "none"), ("smie", "none"), ("mla", "shuffled")))
    assert mla is not None
    assert smie is not None
    assert control is not None
    assert (mla.wins, mla.ties, mla.losses) == (6, 0, 0)
    assert mla.wilcoxon == pytest.approx(2 / 2**6)
    assert mla.wilcoxon_holm == pytest.approx(2 * mla.wilcoxon)  # two methods are compared
    assert (smie.wins, smie.losses) == (3, 3)
    assert smie.wilcoxon_holm == smie.wilcoxon
    assert (control.wins, control.losses, control.wilcoxon_holm) == (0, 6, control.wilcoxon)  # the only control
    assert mla.p_holm == pytest.approx(min(1, 2 * mla.p))


def test_the_effect_of_texts_is_told_per_method(found: Comparison) -> None:
    (effect,) = found.effects
    assert (effect.name, effect.difference.pairs) == ("mla default", 4)
    assert "clip" in effect.texts
    assert "minilm" in effect.difference.against
    assert effect.difference.value == pytest.approx((0.45 - 0.505 + 0.45 - 0.525) / 2)
    for text in (render_comparison(found), markdown(found), latex(found)):
        assert "with these texts minus with" in text


def test_a_single_split_tells_no_p_and_is_no_member_of_the_family(store: Store) -> None:
    add(store, "ridge", {("random-1", 0): 0.5, ("random-1", 1): 0.5})
    add(store, "mla", {("random-1", 0): 0.6, ("random-1", 1): 0.7})
    add(store, "smie", {("random-1", 0): 0.6})
    alone = compare_runs(store, FAST)
    mla, smie = (row.difference for section in alone.sections for row in section.rows if row.difference)
    assert mla is not None
    assert (mla.p_tells, mla.wilcoxon_tells, smie and smie.wilcoxon_tells) == (False, True, False)
    assert mla.wilcoxon_holm == mla.wilcoxon == 0.5  # one pair of smie could not have told anything
    text = render_comparison(alone)
    assert "one split alone cannot tell" in text
    assert "of rows on one split over its seeds alone" in text


def test_no_figure_stands_without_its_interval(found: Comparison) -> None:
    table = markdown(found)
    rows = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith(("|  |", "| ---"))]
    assert rows
    for line in rows:
        for cell in line.split("|")[2:]:
            if re.match(r"^ [-+]?\d+\.\d ", cell):
                assert re.match(r"^ [-+]?\d+\.\d \[([-+]?\d+\.\d, [-+]?\d+\.\d|one run)\] $", cell), cell


def test_csv_has_a_line_per_row_with_both_ends(found: Comparison) -> None:
    lines = list(csv.DictReader(comparison_csv([found, found]).splitlines()))
    assert len(lines) == 2 * (5 + 1)
    ridge = next(line for line in lines if line["method"] == "ridge")
    assert (ridge["accuracy"], ridge["harmonic"], ridge["protocol"]) == ("0.4", "0.3", "xsub")
    assert all(line["accuracy_low"] and line["accuracy_high"] for line in lines if line["kind"] == "row")
    assert [line["kind"] for line in lines].count("effect of texts") == 2


def test_latex_is_whole_and_escaped(found: Comparison) -> None:
    text = latex(found)
    assert text.count(r"\begin{table*}") == text.count(r"\end{table*}") == len(found.sections) + 1
    assert text.count(r"\caption{") == len(found.sections) + 1
    assert not re.search(r"(?<!\\)[%_#&](?! )", re.sub(r"^% .*|\{%$|\$[<>]\$", "", text, flags=re.M)), "unescaped"
    tables = text.split(r"\begin{tabular}")[1:]
    assert len(tables) > len(found.sections) + 1  # the wide ones are cut into parts
    for table in tables:
        cells = {len(re.findall(r"(?<!\\)&", line)) for line in table.splitlines() if line.endswith(r"\\")}
        assert len(cells) == 1
    assert "$-$" in text


def test_every_caption_names_protocol_and_selection(found: Comparison) -> None:
    for form in ("text", "md", "latex"):
        text = render_all([found], form)
        assert "protocol xsub" in text
        assert "epoch: the last" in text
        assert "by the rule held-out" in text


def test_reported_figures_stand_beside_ours(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zsl_skeleton.evaluation.comparison import reported
    from zsl_skeleton.evaluation.published import published

    add(store, "mla", {("random-1", 0): 0.5, ("random-1", 1): 0.6})
    real = published("ntu60", "synse-55-5", "msf")
    monkeypatch.setattr(reported, "published", lambda dataset, split, method: real[:1])
    found = compare_runs(store, FAST)
    (one,) = found.reported
    assert (one.name, one.split, one.reported) == ("mla default", "random-1", real[:1])
    assert one.ours.value == pytest.approx(0.55)
    text = " ".join(render_comparison(found).split())
    assert "mla default on random-1: ours 55.0 [50.0, 60.0]; reported MSF: ZSL 79.42 %" in text
    lines = list(csv.DictReader(comparison_csv([found]).splitlines()))
    assert [line["accuracy"] for line in lines if line["kind"] == "reported"] == ["0.7942"]
