"""How a report says that a part of it cannot be shown."""

from __future__ import annotations

from zsl_skeleton.errors import ZslError
from zsl_skeleton.reports.document import Text


def gone(what: str, error: ZslError) -> Text:
    """A hint that says why ``what`` is not shown, and the command that brings it back."""
    why = f" ({error.why})" if error.why else ""
    return Text(f"{what} cannot be shown: {error.what}{why}.", "hint", error.mend)
