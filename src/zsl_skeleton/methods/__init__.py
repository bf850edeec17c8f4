"""Alignment methods, one paper per file. The table is literal: listing it imports nothing."""

from __future__ import annotations

METHODS: dict[str, str] = {
    "mla": "zsl_skeleton.methods.mla:MLA",
    "ridge": "zsl_skeleton.methods.ridge:Ridge",
}
