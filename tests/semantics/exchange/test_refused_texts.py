"""Files that are not quite of their layout: refused with a message that says where, and no bank is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from zsl_skeleton.artifacts import Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.semantics.exchange.texts import import_bank

TABLE = "class,name,slot,text\n0,right hand greeting,motion,An arm rises.\n1,knee bend,motion,The hips sink.\n"

MALFORMED = {
    "csv, wrong name": ("t.csv", TABLE.replace("knee", "elbow"), "line 3 is bound to no class"),
    "csv, wrong class": ("t.csv", TABLE.replace("\n1,", "\n7,"), "line 3 is bound to no class"),
    "csv, class left out": ("t.csv", TABLE.rpartition("1,")[0], "'knee bend' has no text"),
    "csv, empty text": ("t.csv", TABLE.replace("The hips sink.", "  "), "empty text"),
    "csv, slot": ("t.csv", TABLE.replace("motion", "Motion!"), "line 2: 'Motion!' is not a slot"),
    "csv, cells": ("t.csv", TABLE + "1,knee bend,motion,a,b\n", "line 4 has 5 cells"),
    "csv, number twice": (
        "t.csv",
        "class,name,slot,index,text\n1,knee bend,motion,0,a\n1,knee bend,motion,0,b\n",
        "line 3: index '0'",
    ),
    "csv, no rows": ("t.csv", "class,name,slot,text\n", "holds no texts"),
    "not text": ("t.csv", b"class,name,slot,text\n0,\xff\n", "not UTF-8"),
    "no layout": ("t.csv", "a,b\n1,2\n", "no known layout"),
    "json, cut off": ("t.json", '{"dataset": "pair", "classes": [', "not valid JSON"),
    "json, order": (
        "t.json",
        '{"dataset": "pair", "classes": [{"class": 0, "name": "knee bend", "texts": {}}]}',
        "does not fit",
    ),
    "json, type": (
        "t.json",
        '{"dataset": "pair", "classes": [{"class": 0, "name": 1, "texts": {}}]}',
        "classes.0.name",
    ),
    "json, list": ("t.json", "[]", "not a JSON object"),
    "smie, one line less": ("t.txt", "A.\n", "1 lines for 2 classes"),
    "smie, one line more": ("t.txt", "A.\r\nB.\r\nC.\r\n", "3 lines for 2 classes"),
    "smie, blank line": ("t.txt", "A.\n\nB.\n", "line 2 is blank"),
    "msf, from zero": ("md_2.csv", "idx,dcp\n0,a\n1,b\n", "line 2 should hold the number 1"),
    "msf, gap": ("md_2.csv", "idx,dcp\n1,a\n3,b\n", "line 3 should hold the number 2"),
    "msf, count": ("md_2.csv", "idx,dcp\n1,a\n", "1 rows for 2 classes"),
    "msf, comma": ("md_2.csv", "idx,dcp\n1,a, b\n2,c\n", "line 2 should hold"),
    "msf, file name": ("x.csv", "idx,dcp\n1,a\n2,b\n", "does not say what it holds"),
    "msf, labels": ("lb_2.csv", "idx,label\n1,knee bend\n2,right hand greeting\n", "another order"),
    "neuron, class left out": ("spatial_cg.json", '{"knee bend": ["B."]}', "without a row: 'right hand greeting'"),
    "neuron, class twice": ("spatial_cg.json", '{"knee bend": ["B."], "knee bend": ["C."]}', "'knee bend' twice"),
    "neuron, same class": (
        "spatial_cg.json",
        '{"knee bend": ["B."], "Knee Bend": ["C."]}',
        "the same class: 'knee bend', 'Knee Bend'",
    ),
    "neuron, no texts": ("spatial_cg.json", '{"knee bend": [], "right hand greeting": ["A."]}', "not a list of texts"),
    "neuron, numbers": ("spatial_cg.json", '{"knee bend": [1], "right hand greeting": ["A."]}', "not a list of texts"),
    "neuron, file name": ("t.json", '{"knee bend": ["B."], "right hand greeting": ["A."]}', "which turn it holds"),
    "surrogate": ("spatial_cg.json", '{"knee bend": ["\\ud800"], "right hand greeting": ["A."]}', "not valid Unicode"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_files_are_refused(store: Store, pair: Dataset, tmp_path: Path, case: str) -> None:
    name, given, problem = MALFORMED[case]
    path = tmp_path / name
    path.write_bytes(given if isinstance(given, bytes) else given.encode())
    with pytest.raises(InputError) as caught:
        import_bank(store, pair, path)
    assert problem in str(caught.value)
    assert store.all("banks") == []
