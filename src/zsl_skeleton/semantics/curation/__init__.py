"""Texts in the hands of people: a copy of a bank whose texts they edit, approve and reject."""

from __future__ import annotations

from zsl_skeleton.semantics.curation.changes import Outcome, approve, edit, reject
from zsl_skeleton.semantics.curation.curator import Curator, person_name
from zsl_skeleton.semantics.curation.editor import apply_file, edit_in_editor
from zsl_skeleton.semantics.curation.folder import copy_for_curation
from zsl_skeleton.semantics.curation.kept import kept_rows, rejected_texts
from zsl_skeleton.semantics.curation.selection import Selection
from zsl_skeleton.semantics.curation.table import apply_table

__all__ = [
    "Curator",
    "Outcome",
    "Selection",
    "apply_file",
    "apply_table",
    "approve",
    "copy_for_curation",
    "edit",
    "edit_in_editor",
    "kept_rows",
    "person_name",
    "reject",
    "rejected_texts",
]
