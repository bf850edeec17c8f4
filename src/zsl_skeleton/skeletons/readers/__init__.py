"""Readers of recordings, one file per format. A new format is one file and one line here."""

from __future__ import annotations

from zsl_skeleton.registry import resolve
from zsl_skeleton.skeletons.readers.base import ClipRef, Listing, RawClip, Reader, Rejected

__all__ = ["READERS", "ClipRef", "Listing", "RawClip", "Reader", "Rejected", "open_reader"]

READERS = {
    "msr-action3d": "zsl_skeleton.skeletons.readers.msr_action3d:MsrAction3DReader",
    "npz": "zsl_skeleton.skeletons.readers.npz:NpzReader",
    "nw-ucla": "zsl_skeleton.skeletons.readers.nw_ucla:NwUclaReader",
    "precog": "zsl_skeleton.skeletons.readers.precog:PrecogReader",
    "utd-mhad": "zsl_skeleton.skeletons.readers.utd_mhad:UtdMhadReader",
}
"""Name -> ``module:Class``; listing imports nothing."""


def open_reader(name: str) -> Reader:
    """The reader registered under a (forgivingly spelled) name.

    Raises:
        UsageError: there is none.
    """
    reader: Reader = resolve("reader", name, READERS)()
    return reader
