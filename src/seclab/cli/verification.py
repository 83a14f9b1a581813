"""``seclab verify FILE``: evidence checked from its files, without project, store or pipeline."""

import sys
from pathlib import Path
from typing import Any

from seclab.cli.output import as_json, say
from seclab.errors import EvidenceMismatch, Misconfigured
from seclab.evidence import Bundle, decision_of, plain
from seclab.evidence.bundle import ENVELOPE_FILE
from seclab.evidence.keyring import Keyring
from seclab.evidence.keys import load_keyring
from seclab.evidence.ledger import Entry, from_lines, ledger_differences, place_differences
from seclab.evidence.package import PackageExamination, is_package, verify_package
from seclab.evidence.signing import Signed
from seclab.evidence.verification import (
    Examination,
    examine,
    read_file,
    signature_differences,
    signature_of,
    verify,
)
from seclab.gate import explain

_UNCHECKED = "no other file was checked: give the folder of the run, or the exported package"


def verify_file(path: Path, *, keys: Path | None, ledger: Path | None, json: bool) -> None:
    """Verify an exported package, the folder of a run, or a bundle alone.

    Exits with 0 when nothing was found, whatever the verdict inside says, and with 1 otherwise.

    Args:
        path: The zip file, the folder, or ``bundle.json``.
        keys: Folder of public keys.
        ledger: An export of the ledger; for a package an earlier one, which it has to go on from.
        json: Print JSON for other programs.

    Raises:
        EvidenceMismatch: The differences.
        Misconfigured: A file or folder that is not there.
    """
    if keys and not keys.is_dir():
        raise Misconfigured(f"{keys} is no folder; --keys takes the folder of the public keys")
    keyring = load_keyring(keys) if keys else None
    entries = read_ledger_file(ledger) if ledger else None
    found = _examine(path, keyring, entries)
    if json:
        as_json(_plain(path, found))
        sys.exit(1 if found.differences else 0)
    if found.differences:
        raise EvidenceMismatch([f"{path}: {difference}" for difference in found.differences])
    _print(found)


def read_ledger_file(path: Path) -> list[Entry]:
    """An export of the ledger.

    Raises:
        EvidenceMismatch: It is none.
        Misconfigured: It cannot be read.
    """
    try:
        return from_lines(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise EvidenceMismatch(f"{path} is no ledger: it is not UTF-8") from error


def _examine(
    path: Path, keyring: Keyring | None, entries: list[Entry] | None
) -> PackageExamination:
    if not path.exists():
        raise Misconfigured(f"{path}: there is no such file or folder")
    if is_package(path) if path.is_dir() else path.suffix != ".json":
        return verify_package(path, keyring=keyring, anchor=entries or ())
    trusted = keyring or Keyring({})
    if path.is_dir():
        run = examine(path, keyring=trusted, expected_digest=None)
        notes = []
    else:
        run = _bundle_alone(path, trusted)
        notes = [_UNCHECKED]
    differences = list(run.differences)
    if entries is not None:
        differences += [*ledger_differences(entries), *place_differences(entries, run.bundle)]
    else:
        notes.append("no ledger was checked: give an export of it with --ledger")
    if run.signed is None:
        notes.append("unsigned: whoever had these files can have changed what does not decide")
    return PackageExamination(run, {}, tuple(differences), tuple(notes))


def _bundle_alone(path: Path, keyring: Keyring) -> Examination:
    bundle = read_file(path)
    envelope = path.with_name(Path(ENVELOPE_FILE).name)
    signed = signature_of(bundle, envelope, keyring=keyring)
    differences = verify(bundle, expected_digest=None)
    differences += signature_differences(bundle, envelope, signed)
    return Examination(bundle, signed, tuple(differences))


def _print(found: PackageExamination) -> None:
    bundle = found.run.bundle
    say("Verified: the decision follows from the measurements and thresholds inside.")
    say()
    say(explain(decision_of(bundle)))
    say()
    say(f"bundle     {bundle.digest}")
    say(f"signature  {_words(found.run.signed)}")
    for name, signed in found.approvals.items():
        say(f"approval   {_words(signed)}  ({name[:12]})")
    for note in found.notes:
        say(f"note       {note}")


def _words(signed: Signed | None) -> str:
    if signed is None:
        return "none: UNSIGNED"
    return f"{signed.role}, {signed.owner}, key {signed.keyid}"


def _plain(path: Path, found: PackageExamination) -> dict[str, Any]:
    bundle = found.run.bundle
    return {
        "file": str(path),
        "bundle": str(bundle.digest),
        "decision": _decision(bundle),
        "signed": plain(found.run.signed),
        "approvals": plain(found.approvals),
        "differences": list(found.differences),
        "notes": list(found.notes),
        "verified": not found.differences,
    }


def _decision(bundle: Bundle) -> Any:
    """The decision as it stands in the bundle, which may be anything when it was tampered with."""
    predicate = bundle.document.get("predicate")
    return predicate.get("decision") if isinstance(predicate, dict) else None
