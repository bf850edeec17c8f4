"""One self-contained HTML page about a bank: its texts with lint marks, their geometry, coverage and diversity."""

from zsl_skeleton.html import write_page as write_report
from zsl_skeleton.semantics.report.contents import About
from zsl_skeleton.semantics.report.page import bank_report

__all__ = ["About", "bank_report", "write_report"]
