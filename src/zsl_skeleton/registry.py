"""Literal tables ``name -> "module:Class"``: listing them imports nothing, using a name imports one module."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from zsl_skeleton.errors import unknown_name


def normalise(name: str) -> str:
    """Canonical spelling of a name: lower case, hyphens; ``"ST_GCN "`` -> ``"st-gcn"``."""
    return name.strip().lower().replace("_", "-").replace(" ", "-")


def find_name(kind: str, name: str, known: Mapping[str, Any]) -> str:
    """The key of ``known`` that ``name`` means, forgiving case, hyphens, underscores and blanks.

    Raises:
        UsageError: no key is meant; the message names a close one, or lists them.
    """
    squeezed = {normalise(key).replace("-", ""): key for key in known}
    found = squeezed.get(normalise(name).replace("-", ""))
    if found is None:
        raise unknown_name(kind, name, known)
    return found


def resolve(kind: str, name: str, table: Mapping[str, str]) -> Any:
    """Import and return the object that ``table`` registers under ``name``.

    Raises:
        UsageError: the name is not in the table.
    """
    module, _, attribute = table[find_name(kind, name, table)].partition(":")
    return getattr(importlib.import_module(module), attribute)
