"""Whether a threat model answers every question that STRIDE and PASTA ask."""

from collections import defaultdict
from collections.abc import Iterator

from seclab.threat_models.context import Noted
from seclab.threat_models.records import PASTA_STAGES, STRIDE_NAMES, STRIDE_OF, ThreatModel


def answer_findings(model: ThreatModel) -> Iterator[Noted]:
    """Findings about cells without an answer, letters that do not apply, and stages."""
    yield from _unanswered(model)
    yield from _letters(model)
    yield from _contradictions(model)
    yield from _stages(model)


def _unanswered(model: ThreatModel) -> Iterator[Noted]:
    missing: dict[str, list[str]] = defaultdict(list)
    for target, letter in model.unanswered():
        missing[target].append(letter)
    for target, letters in missing.items():
        words = ", ".join(f"{letter} ({STRIDE_NAMES[letter]})" for letter in letters)
        yield Noted(
            "unanswered-stride",
            where=target,
            column="stride",
            message=f"{target} says nothing about {words}",
            suggestion="write a threat for each, or dismiss it with the reason",
        )


def _letters(model: ThreatModel) -> Iterator[Noted]:
    """Letters that the kind of their target does not have."""
    kinds = model.kinds()
    named: list[tuple[str, str, tuple[str, ...]]] = [
        (each.id, each.target, (each.stride,)) for each in model.threats
    ]
    named += [
        (f"dismissed[{index}]", each.target, each.stride)
        for index, each in enumerate(model.dismissed)
    ]
    for where, target, letters in named:
        kind = kinds.get(target)
        for letter in letters:
            if kind and letter not in STRIDE_OF[kind]:
                yield Noted(
                    "wrong-stride",
                    where=where,
                    column="stride",
                    message=f"{letter} ({STRIDE_NAMES[letter]}) is not asked of {target}, which is "
                    f"{'an' if kind == 'actor' else 'a'} {kind}",
                    suggestion=f"a {kind} has {', '.join(STRIDE_OF[kind])}; move the threat to the "
                    "element that it is done to",
                )


def _contradictions(model: ThreatModel) -> Iterator[Noted]:
    """What is dismissed although there is such a threat, or twice."""
    threats = {(each.target, each.stride): each.id for each in model.threats}
    dismissed: set[tuple[str, str]] = set()
    for index, each in enumerate(model.dismissed):
        for letter in each.stride:
            cell = (each.target, letter)
            if cell in threats or cell in dismissed:
                already = f"is {threats[cell]}" if cell in threats else "is dismissed above"
                yield Noted(
                    "contradictory-dismissal",
                    where=f"dismissed[{index}]",
                    column="stride",
                    message=f"{letter} of {each.target} {already}",
                    suggestion="leave the letter out here",
                )
            dismissed.add(cell)


def _stages(model: ThreatModel) -> Iterator[Noted]:
    numbers = [stage.number for stage in model.pasta]
    if numbers != list(range(1, PASTA_STAGES + 1)):
        yield Noted(
            "pasta-stages",
            where="pasta",
            column="pasta",
            message=f"the stages are {', '.join(map(str, numbers)) or 'missing'}",
            suggestion=f"give all of 1 to {PASTA_STAGES}, each once and in order",
        )
