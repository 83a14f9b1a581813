"""The rules by which threat models are checked: when each fires, and what it proposes."""

from collections.abc import Mapping

from seclab.findings import Rule

_ALL = (
    Rule(
        "empty-part",
        "error",
        "A list that every threat model needs has no entry.",
        "To add at least one.",
    ),
    Rule(
        "placeholder",
        "error",
        "A text of the template was left.",
        "To write what is true of this system.",
    ),
    Rule(
        "unknown-reference",
        "error",
        "An id is of no entry of the right kind in the model.",
        "To write the id of one of the model.",
    ),
    Rule(
        "two-boundaries",
        "error",
        "An element is inside two trust boundaries.",
        "To leave it in the one that it trusts from inside.",
    ),
    Rule(
        "element-without-flow",
        "error",
        "No flow begins or ends at an element.",
        "To draw what goes in and out, or to leave the element out.",
    ),
    Rule(
        "asset-without-element",
        "error",
        "No element holds an asset.",
        "To name it in the assets of the element that holds or reaches it.",
    ),
    Rule(
        "idle-actor",
        "error",
        "No threat and no entry point names an actor.",
        "To name what they may do, or to leave the actor out.",
    ),
    Rule(
        "idle-abuse-case",
        "error",
        "An abuse case makes use of no threat.",
        "To name the threats that its steps are.",
    ),
    Rule(
        "idle-control",
        "error",
        "A control stands against no threat.",
        "To name the threats that it makes less likely or less bad, or to leave it out.",
    ),
    Rule(
        "open-crossing",
        "warning",
        "A flow crosses a trust boundary neither encrypted nor authenticated, and no threat is "
        "about it.",
        "To say what may be done to it there, or to protect it.",
    ),
    Rule(
        "unanswered-stride",
        "error",
        "An element or flow has a STRIDE letter to answer, and neither a threat nor a dismissal "
        "does.",
        "To write a threat, or to dismiss the letter with a reason.",
    ),
    Rule(
        "wrong-stride",
        "error",
        "A threat or dismissal has a STRIDE letter that the kind of its target does not have.",
        "To move it to the element that it is done to.",
    ),
    Rule(
        "contradictory-dismissal",
        "error",
        "A STRIDE letter is dismissed twice, or although there is such a threat.",
        "To leave the letter out of the dismissal.",
    ),
    Rule(
        "pasta-stages",
        "error",
        "The stages of PASTA are not 1 to 7, each once and in order.",
        "To give all seven.",
    ),
    Rule(
        "unknown-risk",
        "error",
        "A threat model names a risk that the register does not have.",
        "To write the id of one that it has, or to add the risk.",
    ),
    Rule(
        "unlisted-risk",
        "error",
        "A threat belongs to a risk that is not in the risks of its model.",
        "To add it there, or to give the threat one of those.",
    ),
    Rule(
        "risk-without-threat",
        "error",
        "No threat of a model belongs to one of its risks.",
        "To say how it is done there, or to take it off the list.",
    ),
    Rule(
        "risk-without-system",
        "error",
        "No threat model has a risk of the register.",
        "To add it to the risks of one, with the threats that it is of.",
    ),
    Rule(
        "system-without-risk",
        "error",
        "A threat model has no risk.",
        "To name its risks.",
    ),
    Rule(
        "mitigated-without-control",
        "error",
        "A threat is called mitigated, and no control stands against it.",
        "To name it in the threats of the control, or to leave it open.",
    ),
    Rule(
        "unknown-mitigation",
        "error",
        "A control names a mitigation that ATLAS does not have.",
        "To look it up.",
    ),
    Rule(
        "unsupported-control",
        "warning",
        "A control names a mitigation that ATLAS links to no technique of the risks it stands "
        "against.",
        "To leave it out, or to name the mitigation that ATLAS links.",
    ),
    Rule(
        "unknown-evaluation",
        "error",
        "A control names an evaluation or check suite that does not exist.",
        "To write the name of one that does.",
    ),
    Rule(
        "unfit-evaluation",
        "error",
        "A control is said to be measured by what is no evidence for the risks of its threats.",
        "To leave it out, or to name a threat of the risks that it is evidence for.",
    ),
    Rule(
        "unknown-subject",
        "error",
        "A subject of a model is not in models.yaml.",
        "To write a name of models.yaml, or to add it there.",
    ),
    Rule(
        "understated",
        "error",
        "A subject of a model has a higher sensitivity or criticality than the model.",
        "To raise that of the model.",
    ),
    Rule(
        "unknown-exclusion",
        "error",
        "What a model leaves out is neither a risk of the register nor a technique of ATLAS.",
        "To write the id of what is left out.",
    ),
    Rule(
        "contradictory-exclusion",
        "error",
        "A model leaves out what its risks hold.",
        "To decide which of the two holds.",
    ),
    Rule(
        "review-past",
        "warning",
        "The review date of a model has passed.",
        "To go through the model with its owner, and to set the next day.",
    ),
)

RULES: Mapping[str, Rule] = {rule.name: rule for rule in _ALL}
"""Every rule by name, in the order of the documentation."""
