"""All rules, each with its severity, its reason and an example."""

from __future__ import annotations

from zsl_skeleton.semantics.lint.model import Finding, Rule, Severity, Spot

RULES: tuple[Rule, ...] = (
    Rule(
        "class-name-leak",
        "error",
        "A text that spells its class's name lets an encoder match names instead of movements.",
        "Waves one hand at head height. (hand waving)",
    ),
    Rule(
        "no-body-part",
        "error",
        "A skeleton is made of body parts; a text that names none has nothing to be matched with.",
        "The person gets ready and starts.",
    ),
    Rule(
        "no-motion-verb",
        "warning",
        "A text without a word for moving, holding still or standing describes no movement.",
        "The right arm, with its elbow and wrist.",
    ),
    Rule(
        "affect-word",
        "error",
        "Feelings, faces and intentions have no joints, and texts full of them resemble each other.",
        "The person happily lifts both arms.",
    ),
    Rule(
        "object-word",
        "error",
        "A skeleton shows the hand, not what it holds; things pull classes together that move differently.",
        "The right hand lifts a cup to the mouth.",
    ),
    Rule(
        "scene-word",
        "error",
        "Places, looks and sounds are not recorded in a skeleton.",
        "The person walks through the kitchen with swinging arms.",
    ),
    Rule(
        "hedge-word",
        "warning",
        "Doubt and comparison describe what the writer thinks instead of what the joints do.",
        "The arm might swing as if it were heavy.",
    ),
    Rule(
        "wrong-sense",
        "error",
        "The class name has several senses, and the text takes one that no recording of the class shows.",
        "The hips drop to the floor. (drop: a hand that opens and lets something go)",
    ),
    Rule(
        "sense-not-shown",
        "warning",
        "The class name has several senses, and nearly no text of a family shows the one that was recorded.",
        "The person lets the whole body sink. (hands up: both hands raised beside or above the head)",
    ),
    Rule(
        "second-person-missing",
        "error",
        "Two people act; a text about one of them fits actions of one person as well.",
        "Pushes both hands forward at chest height. (pushing other person)",
    ),
    Rule(
        "duplicate-within",
        "error",
        "The same text twice in a family of a class adds nothing and weighs that text double.",
        "Lifts the right hand. / Lifts the right hand.",
    ),
    Rule(
        "duplicate-across",
        "error",
        "Two classes with the same text cannot be told apart by it, worst when one of them is unseen.",
        "Moves the right hand down to the hip. (in two classes)",
    ),
    Rule(
        "near-duplicate-within",
        "warning",
        "Nearly the same sentence twice in a slot of a class costs time and adds nothing.",
        "... swings the right arm slowly forward ... / ... slowly swings the right arm forward ...",
    ),
    Rule(
        "near-duplicate-across",
        "warning",
        "Nearly the same sentence in two classes, without a difference in body part, direction or number.",
        "... lifts the right hand to the hip ... / ... raises the right hand to the hip ... (in two classes)",
    ),
    Rule(
        "style-drift",
        "warning",
        "Where the style changes between groups of classes, an embedding can tell the group instead of the action.",
        "classes 0-59 begin with a capital, classes 60-119 do not",
    ),
    Rule(
        "too-long-for-encoder",
        "warning",
        "The encoder cuts the text off; what stands at its end is lost.",
        "a text of 130 tokens for an encoder that reads 77",
    ),
    Rule("too-short", "error", "A text of one or two words says nothing about the movement.", "Raises arm."),
    Rule("refusal", "error", "The writer answered about itself instead of the action.", "Sorry, but I cannot help."),
    Rule(
        "markdown", "error", "Marks, lists and brackets become tokens that no recording matches.", "- **Lifts** the arm"
    ),
    Rule(
        "quotes",
        "error",
        "Quotation marks, straight in one class and curly in another, change the tokens and mark the batch.",
        'The "wave" starts at the elbow.',
    ),
    Rule(
        "non-ascii",
        "error",
        "Curly quotes, dashes and odd blanks split words into rare tokens.",
        "the arm \u2013 raised",
    ),
    Rule(
        "placeholder",
        "error",
        "A stand-in for a text that was never written; as an embedding it looks like any other.",
        "n/a / the same sentence for every class",
    ),
    Rule("class-missing", "error", "A class without text cannot be recognised.", "57 rows for 60 classes"),
    Rule(
        "class-order",
        "error",
        "Rows are bound to labels by number: in another order every class gets another class's text.",
        "row 3 is called 'clapping', class 3 is 'drop'",
    ),
    Rule("unknown-slot", "error", "No prompt family fills such a slot, so no method reads it.", "spatial.corse"),
    Rule(
        "uneven-count",
        "error",
        "Classes with fewer texts in a slot than others weigh differently and leave gaps in the embeddings.",
        "9 texts in spatial.fine, other classes have 10",
    ),
)

_SEVERITY: dict[str, Severity] = {rule.name: rule.severity for rule in RULES}
_NOWHERE = Spot()


def finding(rule: str, message: str, spot: Spot = _NOWHERE) -> Finding:
    """A finding of a rule, with the rule's severity."""
    where = (spot.class_index, spot.class_name, spot.slot, spot.index, spot.text)
    return Finding(rule, _SEVERITY[rule], *where, message)
