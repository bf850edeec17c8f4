"""Alignment methods, one paper per file; ``linear`` and ``shared`` hold what several have in common.

The table is literal: listing it imports nothing.
"""

from __future__ import annotations

METHODS: dict[str, str] = {
    "devise": "zsl_skeleton.methods.devise:DeViSE",
    "eszsl": "zsl_skeleton.methods.eszsl:ESZSL",
    "mla": "zsl_skeleton.methods.mla:MLA",
    "msf": "zsl_skeleton.methods.msf:MSF",
    "neuron": "zsl_skeleton.methods.neuron:Neuron",
    "ridge": "zsl_skeleton.methods.ridge:Ridge",
    "smie": "zsl_skeleton.methods.smie:SMIE",
}
