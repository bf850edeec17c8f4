"""Arrays in the files of other people: clips, features, pickles, and what a path holds.

Layouts of clips are readers (:data:`zsl_skeleton.skeletons.readers.READERS`); layouts of features stand in this table.
"""

from __future__ import annotations

LAYOUTS = {
    "features": "zsl_skeleton.skeletons.arrays.features.own:OwnFeatures",
    "flora": "zsl_skeleton.skeletons.arrays.features.flora:FloraLayout",
    "synse": "zsl_skeleton.skeletons.arrays.features.synse:SynseLayout",
}
"""Layout of pre-extracted features -> ``module:Class``; listing imports nothing."""
