from __future__ import annotations

import pytest

from zsl_skeleton.catalog import load_dataset
from zsl_skeleton.evaluation.published import _table, published

MEANS = {"smie-mean", "sadvae-random-mean"}


def test_every_row_is_on_a_split_of_the_catalog() -> None:
    results, _ = _table()
    assert len(results) > 150
    for result in results:
        data = load_dataset(result.dataset)
        assert result.split in data.splits.keys() | MEANS
        assert result.protocol_id in {"P1", "P2", "P3", "P3'", "P4"}


def test_every_row_has_a_figure_and_harmonic_means_are_harmonic_means() -> None:
    for result in _table()[0]:
        assert any(value is not None for value in (result.zsl, result.seen, result.unseen, result.harmonic))
        if result.seen is not None and result.unseen is not None and result.harmonic is not None:
            expected = 2 * result.seen * result.unseen / (result.seen + result.unseen)
            assert result.harmonic == pytest.approx(expected, abs=0.6), result


def test_our_methods_find_their_papers() -> None:
    (mla,) = published("ntu120", "synse-110-10", "mla")
    assert (mla.zsl, mla.protocol_id) == (74.8, "P1")
    assert published("ntu120", "synse-110-10", "InfoCPL (MLA)") == (mla,)
    logs = [r for r in published("NTU60", "synse_55_5", "msf") if r.source.kind == "logs"]
    assert len(logs) == 10
    assert {r.method for r in logs} == {"MSF"}


def test_what_was_not_published_is_not_printed() -> None:
    assert published("utd-mhad", "random-1", "mla") == ()
    assert published("ntu60", "synse-55-5", "mla") == ()  # known only from places without a source
    assert published("ntu60", "synse-55-5", "ridge") == ()


def test_notes_are_part_of_the_line() -> None:
    lines = [str(result) for result in published("ntu60", "synse-55-5", "neuron")]
    assert lines
    assert all("either-branch rule" in line and "source: " in line for line in lines)
    assert any("Neuron: ZSL 86.9 %" in line for line in lines)
