"""The figures as Markdown, for the page of their run."""

from collections.abc import Iterator

from seclab.programme.measures import changes, written
from seclab.programme.records import Figures

_TOLD = 20  # open failures that are named one by one


def render_markdown(now: Figures, before: Figures | None) -> str:
    """The figures with their trend, how each is counted, and what is open.

    Args:
        now: The figures.
        before: Those that were recorded last.
    """
    return "\n".join(_lines(now, before)) + "\n"


def _lines(now: Figures, before: Figures | None) -> Iterator[str]:
    last = f"trend since {before.at:%Y-%m-%d %H:%M}" if before else "nothing was recorded before"
    yield f"**Programme figures** of {now.at:%Y-%m-%d %H:%M} UTC, {last}."
    yield ""
    yield "| figure | now | before | trend | how it is counted |"
    yield "| --- | --- | --- | --- | --- |"
    for change in changes(now, before):
        measure = change.measure
        values = (written(measure, value) for value in (change.now, change.before))
        yield f"| {measure.name} | {' | '.join(values)} | {change.trend} | {measure.counted} |"
    if now.open:
        yield ""
        yield f"{len(now.open)} failures are open:"
        yield ""
        for each in now.open[:_TOLD]:
            yield (
                f"- {each.risk} on `{each.subject}` for {each.age_days:.1f} days, "
                f"first in run {each.run[:12]}"
            )
    if now.models.lacking:
        yield ""
        yield f"Without a threat model: {', '.join(f'`{name}`' for name in now.models.lacking)}."
