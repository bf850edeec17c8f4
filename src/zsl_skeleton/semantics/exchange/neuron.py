"""The layout of Neuron's class texts: JSON objects from class name to texts, one per turn of its two dialogues."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from zsl_skeleton.errors import InputError
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.exchange.layout import Reading, Texts, bind_names, read_object, slot_texts


class NeuronLayout:
    """``spatial/spatial_{cg,mg,fg}.json`` and ``temporal/temporal_{fp,sp,tp}.json`` in a folder, or one such file."""

    parts: ClassVar[Mapping[str, str]] = {
        "spatial_cg": "spatial.coarse",
        "spatial_mg": "spatial.medium",
        "spatial_fg": "spatial.fine",
        "temporal_fp": "temporal.start",
        "temporal_sp": "temporal.main",
        "temporal_tp": "temporal.end",
    }

    @staticmethod
    def recognises(path: Path) -> bool:
        """Whether a folder holds one of the files, or a JSON object has nothing but lists."""
        if path.is_dir():
            return bool(_found(path))
        content = read_object(path) if path.is_file() and path.suffix.lower() == ".json" else {}
        return bool(content) and all(isinstance(texts, list) for texts in content.values())

    @staticmethod
    def read(path: Path, reading: Reading) -> Texts:
        """The texts of all files that are there.

        Raises:
            InputError: a file has other classes than the catalog, something else than texts, or an unknown name.
        """
        files = _found(path) if path.is_dir() else {path.stem.lower(): path}
        texts = Texts({}, {file.name: file for file in files.values()})
        for part, file in files.items():
            if part not in NeuronLayout.parts:
                mend = f"call it one of: {', '.join(f'{name}.json' for name in NeuronLayout.parts)}"
                raise InputError(f"the name of {file} does not say which turn it holds", mend=mend)
            content = read_object(file)
            for name, lines in content.items():
                if not isinstance(lines, list) or not lines or not all(isinstance(line, str) for line in lines):
                    raise InputError(f"{file}: {name!r} is not a list of texts", mend=f"edit {file}")
            order, remarks = bind_names(list(content), reading, str(file))
            rows: list[list[str]] = [[] for _ in order]
            for index, lines in zip(order, content.values(), strict=True):
                rows[index] = lines
            texts.slots[reading.slots[part]] = rows
            texts.remarks += remarks
        return texts

    @staticmethod
    def files(bank: SemanticBank, slots: Mapping[str, str]) -> dict[str, str]:
        """Six objects in two folders."""
        found = {}
        for part, slot in slots.items():
            content = dict(zip(bank.class_names, slot_texts(bank, slot, "neuron"), strict=True))
            folder = part.partition("_")[0]
            found[f"{folder}/{part}.json"] = json.dumps(content, indent=4, ensure_ascii=False) + "\n"
        return found


def _found(folder: Path) -> dict[str, Path]:
    places = {
        part: (folder / f"{part}.json", folder / part.partition("_")[0] / f"{part}.json") for part in NeuronLayout.parts
    }
    return {part: path for part, paths in places.items() for path in paths if path.is_file()}
