"""What ``seclab programme`` does: how the programme stands now, and how it went."""

from collections.abc import Sequence
from datetime import UTC, datetime

from seclab import programme, settings
from seclab.cli.output import as_json, say, table
from seclab.cli.shelves import open_shelf
from seclab.evidence import plain
from seclab.programme import Change, Figures, Recorded, Spread, changes, numbers, written

_RECORDS = 12  # recorded figures that the trend goes back
_TOLD = 10  # open failures that are named one by one
_TELLS_NOT = (
    "These figures count what was looked for. They do not tell whether the thresholds are right, "
    "whether a threat model is complete, nor what happened to a system in use: no incident is in "
    "them. Runs that were deleted are in no mean."
)


def figures(*, json: bool) -> None:
    """Print the figures of now beside the recorded ones. Nothing is recorded by this.

    Raises:
        EvidenceMismatch: The ledger is damaged, or recorded figures are gone or were changed.
        Misconfigured: A register is missing or wrong.
    """
    project = settings.find()
    shelf, at = open_shelf(project), datetime.now(UTC)
    decided = programme.load_decided(project.registers)
    name = project.registered_model
    facts = programme.gather(decided, shelf, registered_model=name, at=at)
    entries = programme.recordings(shelf.ledger())[-_RECORDS:]
    recorded = [programme.read_recorded(shelf, entry) for entry in entries]
    before = recorded[-1].figures if recorded else None
    now = programme.compute(facts, before=before, at=at)
    compared = changes(now, before)
    if json:
        as_json(_plain(now, compared, recorded))
        return
    _say(now, compared)
    _say_records(recorded)
    say(_TELLS_NOT)


def _say(now: Figures, compared: Sequence[Change]) -> None:
    rows = [
        (
            change.measure.name,
            written(change.measure, change.now),
            written(change.measure, change.before),
            "" if change.trend == "unknown" else change.trend,
        )
        for change in compared
    ]
    table(("figure", "now", "last recorded", "trend"), rows)
    say()
    say(f"models    {_counted(now.models.having, now.models.lacking, 'have a threat model')}")
    counts = ", ".join(f"{len(ids)} {state}" for state, ids in now.risks.items())
    say(f"risks     {counts}")
    say(f"identify  {_spread(now.identified, 'pairs of model version and risk')}")
    say(f"remediate {_spread(now.remediated, 'failures that ended')}")
    say(f"waivers   {_spread(now.waivers.ages, 'active waivers that are on record')}")
    for failure in now.open[:_TOLD]:
        what = f"{failure.risk} on {failure.subject} for {failure.age_days:.1f} d"
        say(f"open      {what}, first in run {failure.run[:12]}")
    if len(now.open) > _TOLD:
        say(f"open      and {len(now.open) - _TOLD} more: --json names all")
    say()
    say("How each is counted:")
    for change in compared:
        say(f"  {change.measure.name}: {change.measure.counted}")
    say()


def _counted(having: Sequence[str], lacking: Sequence[str], what: str) -> str:
    without = f"; without: {', '.join(lacking)}" if lacking else ""
    return f"{len(having)} of {len(having) + len(lacking)} {what}{without}"


def _spread(found: Spread | None, what: str) -> str:
    if found is None:
        return f"none: there are no {what}"
    return (
        f"{what}: {found.n}, mean {found.mean:.1f} d, median {found.median:.1f} d, "
        f"{found.shortest:.1f} to {found.longest:.1f} d"
    )


def _say_records(recorded: Sequence[Recorded]) -> None:
    """The recorded figures side by side, the newest last."""
    if not recorded:
        say("Nothing was recorded yet: the flow programme-figures does it (`make schedule`).")
        say()
        return
    measures = programme.MEASURES
    days = [f"{each.figures.at:%m-%d %H:%M}" for each in recorded]
    rows = [
        (measure.name, *(written(measure, measure.of(each.figures)) for each in recorded))
        for measure in measures
    ]
    table(("recorded", *days), rows)
    say()


def _plain(
    now: Figures, compared: Sequence[Change], recorded: Sequence[Recorded]
) -> dict[str, object]:
    return {
        "figures": plain(now),
        "numbers": {
            change.measure.name: {
                "value": change.now,
                "last_recorded": change.before,
                "trend": change.trend,
                "unit": change.measure.unit,
                "counted": change.measure.counted,
            }
            for change in compared
        },
        "recorded": [
            {
                "run": each.entry.run,
                "digest": each.entry.digest,
                "at": each.entry.at,
                "signed_by": each.entry.about.get("signed_by", ""),
                "numbers": numbers(each.figures),
            }
            for each in recorded
        ],
        "tells_not": _TELLS_NOT,
    }
