"""The rules by which registers are checked: when each fires, and what it proposes."""

from collections.abc import Mapping

from seclab.findings import Rule

_ALL = (
    Rule(
        "malformed",
        "error",
        "A file, row or cell has not the form that registers/README.md describes.",
        "What can have been meant. Safe where only blanks, case, separators, a prefix, leading "
        "zeros, a repetition, the current name beside an id, or the order of a date that can be "
        "one day only is wrong.",
    ),
    Rule(
        "unknown-id",
        "error",
        "A framework id has the right form, and no edition has it.",
        "The nearest id; never safe.",
    ),
    Rule(
        "id-in-wrong-column",
        "error",
        "An id exists, and is of another framework or kind than the column is for.",
        "To move it.",
    ),
    Rule(
        "missing-edition",
        "error",
        "A number of an OWASP list stands without its edition, and means another risk in another.",
        "The number with an edition. Safe where the list has one edition only, or the other ids of "
        "the risk fit one edition only.",
    ),
    Rule(
        "owasp-name-of-other-edition",
        "error",
        "A number of an OWASP list stands beside a name that it carries in another edition.",
        "The number that carries the name. Safe where number and name together are one entry of "
        "one edition, or the other ids of the risk fit one of the two readings only.",
    ),
    Rule(
        "retired-id",
        "warning",
        "An id was retired from ATLAS.",
        "The id that took its place; safe where there is one.",
    ),
    Rule(
        "renamed",
        "error",
        "A name that an id once carried stands in the place of the id, or beside it.",
        "The id; safe where only one carried the name.",
    ),
    Rule(
        "attack-id-in-atlas-column",
        "error",
        "An id of ATT&CK stands where one of ATLAS belongs.",
        "The technique of ATLAS that fits the other ids and words of the risk, never the number "
        "with another prefix. Safe where these leave one only; else what ATLAS made after it, and "
        "techniques of the risk's threat.",
    ),
    Rule(
        "technique-does-not-fit",
        "warning",
        "An id belongs to threats of the crosswalk that no other id of the risk points to, nor to "
        "one akin to them; or no STRIDE letter is one of the risk's threats.",
        "To replace or to drop it.",
    ),
    Rule(
        "technique-not-of-risk",
        "error",
        "A row of the matrix carries out a technique that its risk does not name.",
        "To name it at the risk as well, or to drop it.",
    ),
    Rule(
        "unsupported-control",
        "warning",
        "The control of a risk, there or in the matrix, names a mitigation that ATLAS links to "
        "none of its techniques, or claims to work where ATLAS links no mitigation to any of them.",
        "The mitigations that ATLAS links.",
    ),
    Rule(
        "unknown-evaluation",
        "error",
        "A register names an evaluation that does not exist.",
        "The nearest name; never safe.",
    ),
    Rule(
        "unknown-metric",
        "error",
        "A register names a metric that its evaluation does not report.",
        "The nearest name; never safe.",
    ),
    Rule(
        "unknown-suite",
        "error",
        "The evidence of a risk names a check suite that does not exist.",
        "The nearest name; never safe.",
    ),
    Rule(
        "evidence-mismatch",
        "error",
        "Register, matrix, thresholds and evaluations do not say the same about what measures a "
        "risk.",
        "To make them agree.",
    ),
    Rule(
        "owner-missing",
        "error",
        "A risk has no owner, or a word for none.",
        "To name the role that answers for it.",
    ),
    Rule(
        "review-missing", "error", "A risk has no review date, or a word for none.", "To set one."
    ),
    Rule(
        "review-past",
        "warning",
        "The review date of a risk or of a threat model has passed.",
        "To look at it again, and to set the next date.",
    ),
    Rule(
        "duplicate-risk",
        "error",
        "Two risks have the same id; or one asset and title, or one asset, goal and pattern, "
        "stand under two ids. Order, endings and small words of a text do not count.",
        "To merge them; a new id for another risk.",
    ),
    Rule(
        "orphan-row",
        "error",
        "A row of the matrix is about a risk that does not exist, or a risk has no row there.",
        "The nearest id, or to add the row; never safe.",
    ),
)

RULES: Mapping[str, Rule] = {rule.name: rule for rule in _ALL}
"""Every rule by name, in the order of the documentation."""
