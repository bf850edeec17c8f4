"""What every HTML page of the project shares: one self-contained file, its style, its theme switch, drawing as SVG."""

from zsl_skeleton.html.page import Pages, number, visible, write_page

__all__ = ["Pages", "number", "visible", "write_page"]
