"""A user's own data set of three classes."""

from __future__ import annotations

from pathlib import Path

import yaml


def write_catalog(folder: Path) -> Path:
    """Write the catalog file of the data set ``three`` into a folder."""
    content = {
        "name": "three",
        "title": "Three classes",
        "synthetic": True,
        "layout": "ntu-25",
        "fps": 30,
        "persons": 1,
        "classes": [{"name": "greeting"}, {"name": "squat"}, {"name": "kicking sideways"}],
        "protocols": {"xsub": {"by": "subject", "train": [1]}},
        "default_protocol": "xsub",
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "three.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return folder
