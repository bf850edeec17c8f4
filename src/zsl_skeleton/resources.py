"""Finds the folders of data that people edit: ``prompts`` and ``semantics``.

Looked up in this order: an explicit folder (``--prompts``), the environment (``ZSL_PROMPTS``, ``ZSL_SEMANTICS``), the
copy packaged in the wheel, the root of the repository.
"""

from __future__ import annotations

import os
from pathlib import Path

from zsl_skeleton.errors import InputError

_PACKAGE = Path(__file__).resolve().parent
_OPTIONS = {"prompts": "--prompts", "semantics": "--facts"}


def data_folder(name: str, explicit: Path | None = None) -> Path:
    """Folder that holds the data called ``name`` (``"prompts"`` or ``"semantics"``).

    Raises:
        InputError: the folder named by the user, or every known place, does not exist.
    """
    variable = f"ZSL_{name.upper()}"
    chosen = explicit or (Path(os.environ[variable]) if os.environ.get(variable) else None)
    if chosen is not None:
        if not chosen.is_dir():
            raise InputError(
                f"the {name} folder {chosen} does not exist",
                mend=f"name an existing folder, or leave out {_OPTIONS[name]} / {variable} to use the packaged one",
            )
        return chosen
    found = packaged_folder(name)
    if found is not None:
        return found
    raise InputError(
        f"no {name} folder was found",
        why="looked in " + " and ".join(map(str, _places(name))),
        mend=f"install the package again, or set {variable}=DIR",
    )


def packaged_folder(name: str) -> Path | None:
    """The folder that comes with the project, whatever the user has named; None where it was left out."""
    return next((place for place in _places(name) if place.is_dir()), None)


def _places(name: str) -> tuple[Path, Path]:
    return _PACKAGE / "_packaged" / name, _PACKAGE.parents[1] / name
