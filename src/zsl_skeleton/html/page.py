"""A page is one file that loads nothing, whose texts cannot become markup or script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from zsl_skeleton.errors import InputError
from zsl_skeleton.files import read_text, write_text

_SHARED = Path(__file__).resolve().parent / "template"


class Pages:
    """Renders the templates of a folder inside the shared shell ``shell.html.j2``.

    Args:
        folder: holds ``*.j2``, and what is named next.
        styles, scripts: files of the folder that follow the shared ``base.css`` and ``theme.js``.
    """

    def __init__(self, folder: Path, styles: Sequence[str] = (), scripts: Sequence[str] = ()) -> None:
        self._folder = folder
        self._styles = styles
        self._scripts = scripts

    def render(self, template: str, values: Mapping[str, Any]) -> str:
        """The page that a template makes of ``values``; equal values give equal bytes."""
        return self._environment.get_template(template).render({**self._furniture, **values})

    @cached_property
    def _furniture(self) -> dict[str, Any]:
        style = _joined("base.css", self._folder, self._styles)
        script = _joined("theme.js", self._folder, self._scripts)
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        return {"style": Markup(style), "script": Markup(script), "script_hash": digest}

    @cached_property
    def _environment(self) -> ImmutableSandboxedEnvironment:
        paths = [*sorted(_SHARED.glob("*.j2")), *sorted(self._folder.glob("*.j2"))]
        environment = ImmutableSandboxedEnvironment(
            loader=DictLoader({path.name: read_text(path) for path in paths}),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=visible,
        )
        environment.globals["number"] = number
        return environment


def write_page(path: Path, page: str) -> None:
    """Atomically write a page.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        write_text(path, page)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written", why=error.strerror or str(error), mend="name another file with --out FILE"
        ) from error


def visible(value: Any) -> Any:
    """The value with every character that does not show (line separators, direction marks, controls) spelled out."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in value)


def number(value: float | None, digits: int = 0) -> Markup | str:
    """A number for people, thousands set apart; ``unknown`` for None."""
    return "unknown" if value is None else Markup(f"{value:,.{digits}f}".replace(",", "\N{NARROW NO-BREAK SPACE}"))


def _joined(shared: str, folder: Path, names: Sequence[str]) -> str:
    return "".join(read_text(path) for path in (_SHARED / shared, *(folder / name for name in names)))
