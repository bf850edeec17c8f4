"""A first version of the facts of an own data set, for a person to correct: references where a class is known, else a
language model's answer to one question per class.

The prompts (``system.j2``, ``question.j2``) stand beside the code: they ask for phrases of facts, not for texts of a
bank, and so are no prompt family.
"""

from zsl_skeleton.semantics.draft.drafting import Draft, DraftConfig, draft_facts

__all__ = ["Draft", "DraftConfig", "draft_facts"]
