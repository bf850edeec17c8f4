"""Texts and vectors in the files of other people: one small file per layout, and one line in the table."""

from __future__ import annotations

LAYOUTS = {
    "csv": "zsl_skeleton.semantics.exchange.csv_layout:CsvLayout",
    "json": "zsl_skeleton.semantics.exchange.json_layout:JsonLayout",
    "msf": "zsl_skeleton.semantics.exchange.msf:MsfLayout",
    "neuron": "zsl_skeleton.semantics.exchange.neuron:NeuronLayout",
    "smie": "zsl_skeleton.semantics.exchange.smie:SmieLayout",
}
