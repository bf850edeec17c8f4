"""Reads a report as a browser would: elements, texts, and what it would load."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

_VOID = {"meta", "input", "br", "hr", "img", "link"}


@dataclass
class Node:
    """An element with its own text pieces and children."""

    tag: str
    attributes: dict[str, str]
    text: list[str] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)

    def all(self, tag: str, kind: str = "") -> list[Node]:
        """Descendants with a tag and, if given, a class."""
        found = []
        for child in self.children:
            if child.tag == tag and (not kind or kind in child.attributes.get("class", "").split()):
                found.append(child)
            found += child.all(tag, kind)
        return found

    def whole(self) -> str:
        """All text in it; only that of the element itself first."""
        return "".join(self.text) + "".join(child.whole() for child in self.children)


class Page(HTMLParser):
    """A parsed report; tags that do not nest end in an error."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("root", {})
        self._open = [self.root]
        self.feed(page)
        self.close()
        assert self._open == [self.root], f"never closed: {[node.tag for node in self._open[1:]]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(node)
        if tag not in _VOID:
            self._open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].text.append(data)

    def classes(self) -> list[str]:
        """Names of the classes, as their sections are headed."""
        return [node.whole() for node in self.root.all("span", "name")]

    def rows(self) -> list[Node]:
        """The elements of all texts."""
        slots = [slot for item in self.root.all("details", "class") for slot in item.all("div", "slot")]
        return [
            row
            for slot in slots
            for listed in slot.all("ol")
            for row in listed.children
            if row.tag == "li" and "none" not in row.attributes.get("class", "")
        ]

    def texts(self) -> list[str]:
        """All texts of the bank in the order of the page."""
        return [row.text[0].rstrip() if row.text else "" for row in self.rows()]

    def data(self) -> Any:
        """What the scripts draw."""
        return json.loads(next(n for n in self.root.all("script") if n.attributes.get("id") == "data").whole())

    def ids(self) -> list[str]:
        """All anchors."""
        return [value for node in self._every(self.root) for name, value in node.attributes.items() if name == "id"]

    def links(self) -> list[str]:
        """All that the page links to or loads."""
        named = ("href", "src", "action", "data", "srcset", "poster")
        return [v for node in self._every(self.root) for k, v in node.attributes.items() if k in named]

    def _every(self, node: Node) -> list[Node]:
        return [node, *(found for child in node.children for found in self._every(child))]
