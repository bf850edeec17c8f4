"""The page: all texts, each once, as text and never as markup; nothing loaded; the same bytes again."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from pathlib import Path

import pytest

from semantics.report.banks import bank_of, changed, dataset_of, vectors_of
from semantics.report.reading import Page
from zsl_skeleton.artifacts import Card, Made
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.semantics.bank import Edit
from zsl_skeleton.semantics.lint import lint_bank
from zsl_skeleton.semantics.lint.model import Finding
from zsl_skeleton.semantics.report import About, bank_report, write_report

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    """double " and single ' quotes, & and &amp; and &lt;""",
    "{{ 7 * 7 }} {% raw %} ${7} <!-- ]]>",
    'javascript:alert(1) https://example.org/x.js " onmouseover="alert(1)',
)
NAMES = ("<b>wave</b>", 'bow "deep"', "kick & step", "</script>turn", "sit'down")
DATASET = dataset_of(NAMES, {"odd": [1, 3], "first": [0]})
BANK = bank_of(
    DATASET,
    {
        "label": [[name] for name in NAMES],
        "motion": [[text] for text in HOSTILE],
        "spatial.coarse": [[f"The {side} hand of {n} rises." for side in ("left", "right", "other")] for n in range(5)],
        "codebook": [[f"Text {k} of class {n} lifts an arm." for k in range(30)] for n in range(5)],
    },
)
CARD = Card(
    stage="banks",
    name="toy-echo",
    id=BANK.id,
    what="texts for the 5 classes of Toy set",
    synthetic=True,
    format=1,
    config={},
    inputs={},
    files={},
    summary={
        "account": {
            "motion@v1": {"requests": 5, "cached": 2, "calls": 4, "prompt_tokens": 1234, "cost": 0.25, "seconds": 2.0},
            "codebook@v1": {
                "requests": 15,
                "cached": 0,
                "calls": 15,
                "prompt_tokens": 2000,
                "cost": None,
                "seconds": 3,
            },
        }
    },
    versions={"zsl-skeleton": "9.9"},
    device="cpu",
    git_commit=None,
    made=Made(at="2030-01-02T03:04:05.678+00:00", seconds=5.0, command="zsl-semantics generate"),
)


def _page(**about: str) -> str:
    return bank_report(BANK, DATASET, lint_bank(BANK, DATASET), vectors_of(BANK), About(CARD, **about))


def test_every_class_and_every_text_stands_there_once() -> None:
    page = Page(_page())
    assert page.classes() == list(NAMES)
    assert Counter(page.texts()) == Counter(row.text for row in BANK.descriptions)


def test_hostile_texts_stay_texts() -> None:
    source = _page()
    page = Page(source)
    assert "<script>alert" not in source and "<img" not in source and "<b>wave" not in source
    assert [set(node.attributes) for node in page.root.all("script")] == [{"type", "id"}, set()]
    assert all("onmouseover" not in node.attributes for row in page.rows() for node in [row, *row.all("div")])
    assert len(set(page.ids())) == len(page.ids())


def test_characters_that_do_not_show_are_spelled_out() -> None:
    text = "The arm\u2028rises\u202e to\u00a0the\x00 left\n."
    bank = bank_of(DATASET, {"motion": [[text], *[["An arm rises."]] * 4]})
    page = bank_report(bank, DATASET, lint_bank(bank, DATASET))
    assert not set("\u2028\u202e\u00a0\x00") & set(page)
    assert r"The arm\u2028rises\u202e to\xa0the\x00 left\n." in Page(page).texts()


def test_nothing_is_loaded_and_only_our_script_runs() -> None:
    source = _page()
    page = Page(source)
    assert page.links() and all(link.startswith("#") for link in page.links())
    assert not page.root.all("link") and "url(" not in source and "@import" not in source
    policy = next(n.attributes["content"] for n in page.root.all("meta") if "http-equiv" in n.attributes)
    script = page.root.all("script")[-1].whole()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'") and f"script-src 'sha256-{digest}'" in policy
    assert "fetch(" not in script and "XMLHttpRequest" not in script and "innerHTML" not in script


def test_every_link_leads_somewhere() -> None:
    page = Page(_page())
    assert {link[1:] for link in page.links()} <= set(page.ids())


def test_findings_are_counted_by_rule_and_marked_at_their_text() -> None:
    found = [
        Finding("hedge-word", "warning", 3, NAMES[3], "codebook", 7, "x", "might: a guess"),
        Finding("uneven-count", "error", 2, NAMES[2], "motion", None, None, "has 1 text"),
        Finding("wrong-sense", "error", 1, NAMES[1], "spatial", None, None, "<u>not</u> this"),
        Finding("style-drift", "warning", None, None, None, None, None, "0-1 differ from 2-4"),
    ]
    page = Page(bank_report(BANK, DATASET, found))
    rules = {node.attributes["id"]: node for node in page.root.all("article", "rule")}
    assert list(rules) == ["rule-hedge-word", "rule-wrong-sense", "rule-style-drift", "rule-uneven-count"]
    assert "0-1 differ from 2-4" in rules["rule-style-drift"].whole()
    links = {rule: [a.attributes["href"] for a in node.all("a")] for rule, node in rules.items()}
    assert links["rule-hedge-word"] == ["#t3-codebook-7"] and links["rule-uneven-count"] == ["#s2-motion"]
    assert links["rule-wrong-sense"] == ["#c1"]
    row = next(row for row in page.rows() if row.attributes.get("id") == "t3-codebook-7")
    assert row.text[0].rstrip() == "Text 7 of class 3 lifts an arm." and "might: a guess" in row.whole()
    assert [len(node.all("div", "mark")) for node in page.root.all("details", "class")] == [0, 1, 1, 1, 0]
    assert "<u>not</u> this" in page.root.all("details", "class")[1].whole()


def test_more_findings_than_links_are_counted_and_all_marked() -> None:
    dataset = dataset_of(("wave", "bow"))
    bank = bank_of(dataset, {"codebook": [[f"{k}" for k in range(150)] for _ in range(2)]})
    found = [
        Finding("too-short", "error", row.class_index, row.class_name, row.slot, row.index, row.text, "1 word")
        for row in bank.descriptions
    ]
    page = Page(bank_report(bank, dataset, found))
    rule = page.root.all("article", "rule")[0]
    assert len(rule.all("a")) == 200 and "and 100 more" in rule.whole()
    assert len([row for row in page.rows() if row.all("div", "mark")]) == 300


def test_states_reasons_and_history() -> None:
    edit = Edit(at="2030-01-02T03:04:05Z", by="Ada", what="edit", old="<i>before</i>", reason="too short")
    bank = changed(BANK, (0, "codebook", 3), state="rejected", reason="says nothing")
    bank = changed(bank, (1, "codebook", 4), state="edited", history=(edit,))
    page = Page(bank_report(bank, DATASET, ()))
    rows = {row.attributes["id"]: row for row in page.rows() if "id" in row.attributes}
    assert list(rows) == ["t0-codebook-3", "t1-codebook-4"]
    assert rows["t0-codebook-3"].all("span", "rejected") and "says nothing" in rows["t0-codebook-3"].whole()
    assert "Ada: edit, too short; before: <i>before</i>" in rows["t1-codebook-4"].all("details")[0].whole()
    assert "34 texts" in page.root.all("details", "class")[0].whole()
    assert "35 texts" in page.root.all("details", "class")[1].whole()


def test_numbers_of_texts_survive_gaps() -> None:
    rows = tuple(row for row in BANK.descriptions if row.place != (2, "spatial.coarse", 1))
    bank = type(BANK)(BANK.dataset, BANK.class_names, rows, BANK.id)
    page = Page(bank_report(bank, DATASET, ()))
    row = next(row for row in page.rows() if row.text[0].rstrip() == "The other hand of 2 rises.")
    assert row.attributes["value"] == "2"


def test_the_head_tells_who_wrote_what_when_and_what_it_took() -> None:
    header = Page(_page().replace("\N{NARROW NO-BREAK SPACE}", " ")).root.all("header")[0]
    for told in ("toy-echo", "f0" * 6, "echo, parrot", "2030-01-02 03:04 UTC", "codebook@v1", "ab" * 6, "9.9"):
        assert told in header.whole()
    table = [[cell.whole() for cell in row.all("td")] for row in header.all("table")[1].all("tr")]
    assert table[1][:4] == ["motion@v1", "5", "2", "4"] and table[1][5] == "1 234" and table[1][7] == "0.2500"
    assert table[3][0] == "all" and table[3][5] == "3 234" and table[3][7] == "unknown"


def test_without_embeddings_the_rest_is_there_with_the_command() -> None:
    source = bank_report(BANK, DATASET, ())
    page = Page(source)
    assert len(page.texts()) == len(BANK.descriptions)
    assert "zsl-semantics report --dataset toy --encoder minilm" in source
    assert len(page.root.all("script")) == 1 and not page.root.all("canvas")


def test_the_chosen_split_comes_first() -> None:
    assert [s["name"] for s in Page(_page()).data()["splits"]] == ["odd", "first", ""]
    assert [s["name"] for s in Page(_page(split="First")).data()["splits"]] == ["first", "odd", ""]
    with pytest.raises(UsageError, match="odds"):
        _page(split="odds")


def test_same_input_same_bytes() -> None:
    assert _page() == _page()


def test_foreign_banks_and_vectors_are_refused() -> None:
    with pytest.raises(InputError, match="does not fit"):
        bank_report(BANK, dataset_of([*NAMES[:4], "other"]), ())
    fewer = bank_of(DATASET, {"motion": [[text] for text in HOSTILE]})
    with pytest.raises(InputError, match="not those of this bank"):
        bank_report(fewer, DATASET, (), vectors_of(BANK))
    rejected = changed(fewer, (0, "motion", 0), state="rejected")
    with pytest.raises(InputError, match="not those of this bank"):
        bank_report(rejected, DATASET, (), vectors_of(fewer))


def test_a_large_bank_stays_small() -> None:
    names = [f"some class number {n}" for n in range(120)]
    dataset = dataset_of(names, {f"split-{n}": list(range(n, n + 24)) for n in range(10)})
    sizes = {"label": 1, "action": 1, "motion": 1, "codebook": 100}
    sizes |= {f"body-parts.p{n}": 1 for n in range(6)} | {f"spatial.l{n}": 10 for n in range(3)}
    sizes |= {f"temporal.t{n}": 10 for n in range(3)}
    sentence = "{}, class {}, text {}: the right hand rises to the height of the shoulder and sinks back to the hip."
    texts = {
        slot: [[sentence.format(slot, n, k) for k in range(size)] for n in range(120)] for slot, size in sizes.items()
    }
    bank = bank_of(dataset, texts)
    page = bank_report(bank, dataset, (), vectors_of(bank, 8), About(CARD))
    assert len(bank.descriptions) == 120 * 169
    assert len(page.encode()) < 6e6
    assert page.count(sentence.format("codebook", 77, 42)) == 1


def test_writing_replaces_the_file_whole_or_says_why(tmp_path: Path) -> None:
    path = tmp_path / "new" / "bank.html"
    write_report(path, "one")
    write_report(path, "two \u00e9")
    assert path.read_text(encoding="utf-8") == "two \u00e9" and list(path.parent.iterdir()) == [path]
    with pytest.raises(InputError, match="cannot be written"):
        write_report(path / "below", "three")
