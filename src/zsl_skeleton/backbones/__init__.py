"""Backbones: what turns a clip into vectors. Adding one = one file and one line in the table."""

from __future__ import annotations

BACKBONES: dict[str, str] = {
    "st-gcn": "zsl_skeleton.backbones.st_gcn:STGCN",
    "shift-gcn": "zsl_skeleton.backbones.shift_gcn:ShiftGCN",
    "raw-joints": "zsl_skeleton.backbones.raw_joints:RawJoints",
}
"""name -> ``module:Class`` of a :class:`zsl_skeleton.backbones.base.Backbone`."""
