"""The layout of SMIE's class texts: a text file in which line i describes class i."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from zsl_skeleton.errors import InputError
from zsl_skeleton.files import read_text
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.exchange.layout import Reading, Texts, single_texts


class SmieLayout:
    """One sentence a line, in label order, without names."""

    parts: ClassVar[Mapping[str, str]] = {"texts": "action"}

    @staticmethod
    def recognises(path: Path) -> bool:
        """Whether it is a text file."""
        return path.is_file() and path.suffix.lower() == ".txt"

    @staticmethod
    def read(path: Path, reading: Reading) -> Texts:
        """The lines, one per class.

        Raises:
            InputError: there are not as many lines as classes, or a line is blank.
        """
        lines = [line.strip() for line in read_text(path).removeprefix("\ufeff").split("\n")]
        while lines and not lines[-1]:
            lines.pop()
        size = len(reading.dataset.classes)
        blank = [number for number, line in enumerate(lines, start=1) if not line]
        if blank or len(lines) != size:
            why = f"line {blank[0]} is blank" if blank else f"{len(lines)} lines for {size} classes"
            mend = "line i must describe class i of the catalog"
            raise InputError(f"{path} does not fit the data set {reading.dataset.name}", why=why, mend=mend)
        return Texts({reading.slots["texts"]: [[line] for line in lines]}, {path.name: path})

    @staticmethod
    def files(bank: SemanticBank, slots: Mapping[str, str]) -> dict[str, str]:
        """One text file."""
        return {"": "".join(f"{text}\n" for text in single_texts(bank, slots["texts"], "smie"))}
