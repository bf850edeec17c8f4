"""Our figures on a split beside those that papers report for the same method on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict

from zsl_skeleton.evaluation.comparison.groups import RunGroup
from zsl_skeleton.evaluation.comparison.rows import Estimate, RowMaker
from zsl_skeleton.evaluation.published import PublishedResult, published


class Reported(BaseModel):
    """ZSL accuracy of a row on one ``split`` (``ours``, in [0, 1], interval over seeds) and what is ``reported``.

    Papers differ from us, and from each other, in features, texts, protocol and in how they choose the epoch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    split: str
    ours: Estimate
    reported: tuple[PublishedResult, ...]


def reported_beside(groups: Sequence[RunGroup], maker: RowMaker) -> Iterator[Reported]:
    """For every row of real texts and preset settings, the splits on which its method has printable figures."""
    for group in groups:
        if group.key.control != "none" or group.overrides:
            continue
        for split in group.splits:
            found = published(group.any_report.dataset, split, group.key.method)
            if found:
                yield Reported(name=group.name, split=split, ours=maker.on_split(group, split), reported=found)
