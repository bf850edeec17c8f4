"""What exists: data sets, class names in label order, protocols and zero-shot splits, as data plus one typed loader.

The schema of the YAML files is described in ``catalog/data/README.md``. Nothing here imports torch.
"""

from zsl_skeleton.catalog.loader import dataset_names, load_dataset
from zsl_skeleton.catalog.model import ActionClass, ClipCounts, Dataset, Fault, Protocol, Split, SplitClips

__all__ = [
    "ActionClass",
    "ClipCounts",
    "Dataset",
    "Fault",
    "Protocol",
    "Split",
    "SplitClips",
    "dataset_names",
    "load_dataset",
]
