"""From recordings as published to a skeleton set: the root, the plan, the clips, their shards, the processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zsl_skeleton.skeletons.importing.plan import ImportOptions
    from zsl_skeleton.skeletons.importing.stage import LEFT_OUT, import_recordings

__all__ = ["LEFT_OUT", "ImportOptions", "import_recordings"]


def __getattr__(name: str) -> Any:
    """The public names, loaded when they are asked for: reading processes pass through here and must stay light."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from zsl_skeleton.skeletons.importing import stage

    return getattr(stage, name)
