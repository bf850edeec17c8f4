"""What a page must hold to so that nobody is shut out, as far as its source tells; contrast has its own test."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from semantics.report.reading import Node, Page

_LOADS = ("src", "srcset", "data", "poster", "action", "formaction", "xlink:href")


def problems(source: str) -> list[str]:
    """Everything that is wrong with a page."""
    page = Page(source)
    nodes = list(_every(page.root))
    return [
        *(problem for node in nodes for problem in _of(node)),
        *_document(nodes),
        *(f"the address {found} is not in this page" for found in re.findall(r"(?:https?:)?//[\w.-]+\.\w+", source)),
        *(f"style loads {found}" for found in re.findall(r"url\([^)]*\)|@import[^;]*", source)),
    ]


def _of(node: Node) -> Iterator[str]:
    told = node.attributes
    if node.tag == "svg" and (told.get("role") != "img" or not told.get("aria-label", "").strip()):
        yield f"a picture without role or words: {told}"
    if node.tag == "table" and not [
        child for child in node.children if child.tag == "caption" and child.whole().strip()
    ]:
        yield f"a table without a caption: {node.whole()[:60]}"
    if node.tag == "th" and told.get("scope") not in ("row", "col"):
        yield f"a heading without scope: {node.whole()[:60]}"
    if int(told.get("tabindex", 0)) > 0:
        yield f"tabindex {told['tabindex']} breaks the order of the keyboard"
    if node.tag in ("input", "select") and not told.get("aria-label"):
        yield f"{node.tag} without a name"
    if node.tag == "button" and not node.whole().strip():
        yield "a button without words"
    if any(name.startswith("on") for name in told):
        yield f"{node.tag} with a handler in its markup"
    yield from (f"{node.tag} loads {told[name]}" for name in _LOADS if name in told)


def _document(nodes: list[Node]) -> Iterator[str]:
    if [node.attributes.get("lang") for node in nodes if node.tag == "html"] != ["en"]:
        yield "the page does not say its language"
    if not [node for node in nodes if node.tag == "title" and node.whole().strip()]:
        yield "the page has no title"
    ids = [node.attributes["id"] for node in nodes if "id" in node.attributes]
    yield from (f"the id {name} is there twice" for name in {name for name in ids if ids.count(name) > 1})
    targets = {node.attributes["href"][1:] for node in nodes if node.attributes.get("href", "").startswith("#")}
    yield from (f"nothing is called #{name}" for name in targets - set(ids))
    labels = {n.attributes["aria-labelledby"] for n in nodes if "aria-labelledby" in n.attributes}
    yield from (f"nothing is called #{name}" for name in labels - set(ids))
    levels = [int(node.tag[1]) for node in nodes if re.fullmatch("h[1-6]", node.tag)]
    if levels[:1] != [1] or any(after > before + 1 for before, after in itertools.pairwise(levels)):
        yield f"headings skip a level: {levels}"


def _every(node: Node) -> Iterator[Node]:
    for child in node.children:
        yield child
        yield from _every(child)
