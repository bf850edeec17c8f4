"""Names of a small folder of NTU's files, and what an import makes of them."""

from __future__ import annotations

from typing import Any

from zsl_skeleton.artifacts import Artifact

A, B = "72057594037908990", "72057594037908991"


def name(number: int) -> str:
    return f"S001C{number % 3 + 1:03}P{number // 6 + 1:03}R001A{number // 3 % 2 + 1:03}"


def content(artifact: Artifact) -> dict[str, Any]:
    files = {path.name: path.read_bytes() for path in artifact.path.iterdir() if path.name != "card.json"}
    return {**files, "card": artifact.card.model_dump(exclude={"made"})}
