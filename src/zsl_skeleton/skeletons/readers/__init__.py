"""Readers of recordings, one file per format. A new format is one file and one line here."""

from __future__ import annotations

from typing import Any

from zsl_skeleton.registry import resolve
from zsl_skeleton.skeletons.readers.base import ClipRef, Listing, RawClip, Reader, Rejected

__all__ = ["READERS", "ClipRef", "Listing", "RawClip", "Reader", "Rejected", "open_reader"]

READERS = {
    "aimclr": "zsl_skeleton.skeletons.arrays.clips.aimclr:AimclrReader",
    "ctr-gcn": "zsl_skeleton.skeletons.arrays.clips.ctr_gcn:CtrGcnReader",
    "msr-action3d": "zsl_skeleton.skeletons.readers.msr_action3d:MsrAction3DReader",
    "ntu": "zsl_skeleton.skeletons.readers.ntu:NtuReader",
    "npz": "zsl_skeleton.skeletons.readers.npz:NpzReader",
    "nw-ucla": "zsl_skeleton.skeletons.readers.nw_ucla:NwUclaReader",
    "pku-mmd": "zsl_skeleton.skeletons.readers.pku_mmd:PkuMmdReader",
    "pku-mmd-2": "zsl_skeleton.skeletons.readers.pku_mmd:PkuMmd2Reader",
    "precog": "zsl_skeleton.skeletons.readers.precog:PrecogReader",
    "smie": "zsl_skeleton.skeletons.arrays.clips.smie:SmieReader",
    "utd-mhad": "zsl_skeleton.skeletons.readers.utd_mhad:UtdMhadReader",
}
"""Name -> ``module:Class``; listing imports nothing."""


def open_reader(name: str, **options: Any) -> Reader:
    """The reader registered under a (forgivingly spelled) name, made with the options that it takes.

    Raises:
        UsageError: there is none.
    """
    reader: Reader = resolve("reader", name, READERS)(**options)
    return reader
