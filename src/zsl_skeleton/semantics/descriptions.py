"""A text of a bank: what it says, of which class, and where it comes from."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

State = Literal["generated", "edited", "approved", "rejected", "failed"]
"""``generated``: as a backend or an imported file wrote it. ``edited``, ``approved``, ``rejected``: what a person last
did with it. ``failed``: no usable text came."""

EditKind = Literal["edit", "approve", "reject", "import"]
"""``import``: an edit that came from a table instead of being typed in."""

STATES_IN_USE: frozenset[State] = frozenset({"generated", "edited", "approved"})
"""Texts in the other states are kept for the record, but they are no texts of their class."""


class Edit(BaseModel):
    """What a person did with a text: when (ISO 8601, UTC), who, what, the text before (where it changed), and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: str
    by: str
    what: EditKind
    old: str | None = None
    reason: str = ""


class Provenance(BaseModel):
    """Where a text comes from.

    ``family`` is ``<family>@<version>``, ``template`` the hash of that version, ``parent`` the slot whose answer this
    one continues, ``request`` the beginning of the request's hash, ``reason`` why a failed text failed or a rejected
    one was rejected, ``history`` what people did with it, oldest first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str
    template: str
    backend: str
    model: str | None = None
    parameters: dict[str, Any] = {}
    parent: str | None = None
    request: str | None = None
    state: State = "generated"
    reason: str = ""
    history: tuple[Edit, ...] = ()


class Description(BaseModel):
    """One text of one class: number ``index`` of its slot."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    class_index: int
    class_name: str
    slot: str
    index: int
    text: str
    provenance: Provenance

    @property
    def place(self) -> tuple[int, str, int]:
        """Class index, slot and number: what names a text within its bank."""
        return self.class_index, self.slot, self.index

    @property
    def in_use(self) -> bool:
        """Whether it counts as a text of its class."""
        return self.provenance.state in STATES_IN_USE
