"""Classes that are known already: the facts of another data set hold them under the same name or as a synonym."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from zsl_skeleton.catalog import Dataset
from zsl_skeleton.semantics.facts import ClassFacts, Library, class_problems
from zsl_skeleton.semantics.facts.references import Reference
from zsl_skeleton.semantics.words import same_key


def known_classes(dataset: Dataset, library: Library) -> dict[str, Reference]:
    """Class name -> the class of another data set that it is; classes that are not known are left out.

    A name counts before a synonym, the facts of a larger data set before those of a smaller one. A class is not taken
    if its texts would give the new name away, or if another number of people takes part.

    Raises:
        InputError: facts cannot be read, or refer to something that is not there.
    """
    names: dict[str, list[Reference]] = {}
    synonyms: dict[str, list[Reference]] = {}
    others = [name for name in library.datasets if name != dataset.name]
    for other in sorted(others, key=lambda name: (-len(library.entries(name)), name)):
        for name, entry in library.entries(other).items():
            if "same_as" not in entry:
                names.setdefault(same_key(name), []).append((other, name))
                for synonym in entry.get("synonyms") or ():
                    synonyms.setdefault(same_key(str(synonym)), []).append((other, name))
    found: dict[str, Reference] = {}
    for action in dataset.classes:
        key = same_key(action.name)
        candidates = names.get(key, []) + synonyms.get(key, [])
        fitting = (item for item in candidates if _fits(item, action.name, action.persons, library))
        reference = next(fitting, None)
        if reference is not None:
            found[action.name] = reference
    return found


def _fits(reference: Reference, name: str, persons: int, library: Library) -> bool:
    dataset, other = reference
    entry, _ = library.written_out(library.entries(dataset)[other], f"{dataset}: {other!r}")
    content: Mapping[str, object] = entry | {"name": name, "confused_with": []}
    try:
        facts = ClassFacts.model_validate(content)
    except ValidationError:
        return False  # somebody is still writing it
    return (facts.second is not None) == (persons == 2) and not any("gives" in line for line in class_problems(facts))
