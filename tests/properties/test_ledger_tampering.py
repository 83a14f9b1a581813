"""Every entry of a ledger changed, deleted, doubled and moved, and all of it written anew."""

from dataclasses import fields, replace

from seclab.evidence.ledger import following, ledger_differences
from tests.properties.tampering import another
from tests.sealed import FINISHED


def ledgers(entries):
    """Every single change of a ledger: how, and the ledger changed."""
    for index, entry in enumerate(entries):
        before, after = entries[:index], entries[index + 1 :]
        for field in fields(entry):
            value = getattr(entry, field.name)
            other = {**value, "x": 1} if field.name == "about" else another(value)
            yield (
                f"{field.name} of {index + 1}",
                [*before, replace(entry, **{field.name: other}), *after],
            )
        for key, value in entry.about.items():
            changed = replace(entry, about={**entry.about, key: another(value)})
            yield f"about {key} of {index + 1}", [*before, changed, *after]
        yield f"{index + 1} deleted", [*before, *after]
        yield f"{index + 1} twice", [*before, entry, entry, *after]
        if after:
            yield f"{index + 1} and next swapped", [*before, after[0], entry, *after[1:]]


def long_ledger(proof):
    entries = list(proof.ledger)
    for number in range(3):
        parts = {"kind": "promotion", "subject": "digits", "run": "", "digest": f"{number}x"}
        entries.append(following(entries, at=FINISHED.isoformat(), **parts, about={"n": number}))
    return entries


def test_every_change_of_the_ledger_is_found_with_an_earlier_export(proof):
    entries = long_ledger(proof)

    for how, changed in ledgers(entries):
        assert ledger_differences(changed, anchor=entries), how


def test_without_an_earlier_export_only_the_last_entry_can_be_changed_or_lost(proof):
    entries = long_ledger(proof)
    last = len(entries)
    unseen = {how for how, changed in ledgers(entries) if not ledger_differences(changed)}

    free = {"at", "kind", "subject", "run", "digest", "about", "about n"}
    assert unseen == {f"{name} of {last}" for name in free} | {f"{last} deleted"}


def test_a_ledger_that_was_written_anew_is_found_with_an_earlier_export(proof):
    """Whoever can write all of it can chain it anew: that is what exports are for."""
    entries = long_ledger(proof)
    forged = []
    for entry in entries:
        about = {"forged": True} if entry.sequence == 2 else entry.about
        parts = {name: getattr(entry, name) for name in ("at", "kind", "subject", "run", "digest")}
        forged.append(following(forged, **parts, about=about))

    assert ledger_differences(forged) == []
    assert [d.partition(":")[0] for d in ledger_differences(forged, anchor=entries)] == [
        f"ledger entry {number}" for number in range(2, len(entries) + 1)
    ]
