"""The parts of a run's report: each module holds a function from an opened run to a section, or None.

The tables are literal: listing them imports nothing.
"""

from __future__ import annotations

SECTIONS: dict[str, str] = {
    "results": "zsl_skeleton.reports.sections.results:results",
    "classes": "zsl_skeleton.reports.sections.classes:classes",
    "generalised": "zsl_skeleton.reports.sections.generalised:generalised",
    "training": "zsl_skeleton.reports.sections.training:training",
    "map": "zsl_skeleton.reports.sections.maps:maps",
    "confusable": "zsl_skeleton.reports.sections.confusable:confusable",
}
"""Parts that every run has, in the order of the page."""

OF_METHODS: dict[str, str] = {
    "mla": "zsl_skeleton.reports.sections.descriptions:descriptions",
    "msf": "zsl_skeleton.reports.sections.gate:gate",
    "neuron": "zsl_skeleton.reports.sections.attention:attention",
    "smie": "zsl_skeleton.reports.sections.observed:observed",
}
"""Method -> what it alone can show; a method without an entry shows nothing of its own."""
