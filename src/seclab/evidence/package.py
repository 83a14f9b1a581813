"""The portable package: one run with all its proof, checked anywhere without the pipeline."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from seclab.errors import EvidenceMismatch, Misconfigured
from seclab.evidence.archive import pack, unpack
from seclab.evidence.bundle import (
    APPROVALS,
    BUNDLE_FILE,
    PREDICATE_TYPE,
    REPORT_FILE,
    ROW_DECISIONS,
    Bundle,
)
from seclab.evidence.json_text import parse
from seclab.evidence.keyring import Keyring
from seclab.evidence.keys import load_keyring
from seclab.evidence.ledger import (
    Entry,
    from_lines,
    ledger_differences,
    place_differences,
    to_lines,
)
from seclab.evidence.signing import Signed, check
from seclab.evidence.statements import APPROVAL_TYPE, payload
from seclab.evidence.verification import Examination, examine
from seclab.fingerprint import of_file, of_json

LEDGER_FILE, KEYS, README_FILE = "ledger.jsonl", "keys", "README.txt"
_BESIDE = (LEDGER_FILE, KEYS, README_FILE)
# What came after the run: approvals are written anew, and what people decided about rows is in the
# evidence of the runs that went by it.
_LEFT_OUT = (APPROVALS, ROW_DECISIONS)

README = """\
Evidence of one security evaluation.

  evidence/bundle.json       what was measured, the thresholds, and the decision
  evidence/bundle.dsse.json  the same bytes in canonical form, signed; missing when unsigned
  tables/, figures/          what the bundle pins by digest
  report.html                for people; made of the bundle, and not what is verified
  ledger.jsonl               every entry of the ledger, each with the digest of the one before
  approvals/                 signed approvals of this very bundle
  keys/                      the public keys as they were when this was exported

To verify it, in any environment with Python and no access to the pipeline:

  pip install .                                   (in a checkout of ai-security-lab)
  seclab verify evidence.zip --keys FOLDER

FOLDER holds public keys that you got from their owners. Without --keys those in this package are
used. They came with what they are meant to prove: they show that nothing was damaged, and nothing
about who signed.
"""


@dataclass(frozen=True, slots=True)
class PackageExamination:
    """What came of looking at a package.

    Attributes:
        run: The run inside; its differences are among those below.
        approvals: The signature of every approval, by file.
        differences: Everything that is not as it should be; empty when nothing was found.
        notes: What the reader has to know to make something of that.
    """

    run: Examination
    approvals: Mapping[str, Signed]
    differences: tuple[str, ...]
    notes: tuple[str, ...]


def write_package(
    path: Path,
    *,
    folder: Path,
    ledger: Sequence[Entry],
    keys: Path,
    approvals: Sequence[Mapping[str, Any]],
) -> None:
    """Put a run and everything that proves it into one file. Equal contents give equal files.

    Args:
        path: The zip file to write; one that is there is replaced, at once or not at all.
        folder: The files of the run, its bundle among them.
        ledger: All entries of the ledger.
        keys: Folder of the public keys.
        approvals: Signed approvals of the bundle.

    Raises:
        EvidenceMismatch: There is no bundle, or a file of the run has the name of another part.
        Misconfigured: The folder of keys has mistakes, or the file cannot be written.
    """
    run = {
        name: file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        and (name := file.relative_to(folder).as_posix()).partition("/")[0] not in _LEFT_OUT
    }
    if BUNDLE_FILE not in run:
        raise EvidenceMismatch(f"{folder} holds no {BUNDLE_FILE}: there is nothing to export")
    taken = sorted(name for name in run if name.partition("/")[0] in _BESIDE)
    if taken:
        raise EvidenceMismatch([f"{name}: a file of a run cannot have this name" for name in taken])
    load_keyring(keys)  # refuses a folder with a private key in it
    contents = {
        **run,
        README_FILE: README.encode(),
        LEDGER_FILE: to_lines(ledger).encode(),
        **{f"{KEYS}/{file.name}": file.read_bytes() for file in keys.glob("*.json")},
        **{f"{APPROVALS}/{_approval_name(envelope)}": _text(envelope) for envelope in approvals},
    }
    pack(path, contents)


@contextmanager
def read_package(path: Path) -> Iterator[Path]:
    """A package, unpacked into a folder that is gone afterwards.

    Raises:
        EvidenceMismatch: It is no package, damaged, or made to do harm.
        Misconfigured: There is no such file, or it cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="seclab-") as folder:
        unpack(path, Path(folder))
        yield Path(folder)


def is_package(folder: Path) -> bool:
    """Whether a folder is an unpacked package, and not the files of a run alone."""
    return (folder / LEDGER_FILE).is_file() or (folder / README_FILE).is_file()


def verify_package(
    path: Path, *, keyring: Keyring | None, anchor: Sequence[Entry] = ()
) -> PackageExamination:
    """Verify a package: bundle, signature, files, ledger, approvals and keys.

    Args:
        path: The zip file, or a folder that it was unpacked into.
        keyring: Public keys from elsewhere; ``None`` uses those inside, which prove nothing about
            who signed, and the notes say so.
        anchor: An earlier export of the ledger.

    Raises:
        EvidenceMismatch: It is no package, or there is no bundle in it.
        Misconfigured: It cannot be read.
    """
    if path.is_dir():
        return _examine(path, keyring=keyring, anchor=anchor)
    with read_package(path) as folder:
        return _examine(folder, keyring=keyring, anchor=anchor)


def _examine(
    folder: Path, *, keyring: Keyring | None, anchor: Sequence[Entry]
) -> PackageExamination:
    inside, key_problems = _keys_inside(folder)
    trusted = inside if keyring is None else keyring
    run = examine(folder, keyring=trusted, expected_digest=None, beside=_BESIDE)
    entries, ledger_problems = _ledger(folder)
    approvals = {
        file.name: _approval(file, run.bundle, trusted) for file in _files(folder, APPROVALS)
    }
    entry = next(
        (e for e in entries if (e.kind, e.digest) == ("bundle", str(run.bundle.digest))), None
    )
    differences = [
        *run.differences,
        *key_problems,
        *ledger_problems,
        *ledger_differences(entries, anchor=anchor),
        *(f"{APPROVALS}/{name}: {s.problem}" for name, s in approvals.items() if s.problem),
        *(
            f"{ROW_DECISIONS}/{file.name}: expected no such file, found one"
            for file in _files(folder, ROW_DECISIONS)
        ),
    ]
    # The first version was sealed before there was a ledger.
    if entry or run.bundle.document["predicateType"] == PREDICATE_TYPE:
        differences += place_differences(entries, run.bundle)
    if entry:
        differences += _lost_approvals(entries, entry.run, approvals)
        differences += _report_differences(folder, entry)
        differences += _lost_signature(run, entry)
    signers = {signed.keyid for signed in (run.signed, *approvals.values()) if signed}
    notes = [
        *_notes(folder, run, own_keys=keyring is None, entry=entry),
        *(
            f"{KEYS}/{keyid}.json: it signed, and is not inside"
            for keyid in sorted(signers - inside.keys.keys() - {""})
        ),
    ]
    return PackageExamination(run, approvals, tuple(differences), tuple(notes))


def _keys_inside(folder: Path) -> tuple[Keyring, list[str]]:
    differences = [
        f"{KEYS}/{file.relative_to(folder / KEYS).as_posix()}: expected no such file, found one"
        for file in _files(folder, KEYS)
        if file.suffix != ".json" or file.parent != folder / KEYS
    ]
    try:
        return load_keyring(folder / KEYS), differences
    except Misconfigured as error:
        return Keyring({}), [*differences, *(f"{KEYS}: {problem}" for problem in error.problems)]


def _ledger(folder: Path) -> tuple[list[Entry], list[str]]:
    try:
        return from_lines((folder / LEDGER_FILE).read_text(encoding="utf-8")), []
    except EvidenceMismatch as error:
        return [], list(error.problems)
    except (OSError, UnicodeDecodeError) as error:
        return [], [f"{LEDGER_FILE}: it cannot be read: {error}"]


def _files(folder: Path, name: str) -> list[Path]:
    return sorted(path for path in (folder / name).rglob("*") if path.is_file())


def _approval(file: Path, bundle: Bundle, keyring: Keyring) -> Signed:
    """The signature of an approval; that it is for another bundle is a problem of it as well."""
    try:
        envelope = parse(file.read_bytes())
        statement = payload(envelope)
        predicate = statement["predicate"]
        at, role = datetime.fromisoformat(predicate["at"]), predicate["role"]
        approved, kind = predicate["bundle"], statement["predicateType"]
        name = _approval_name(envelope)
    except (EvidenceMismatch, OSError, LookupError, TypeError, ValueError, RecursionError) as error:
        return Signed("", "", "", f"it is no approval: {error}")
    signed = check(envelope, statement, keyring=keyring, role=role, at=at)
    problems = [
        signed.problem,
        "" if kind == APPROVAL_TYPE else f"it is a {kind}, expected {APPROVAL_TYPE}",
        "" if file.name == name else f"expected it under the name {name}",
        ""
        if approved == str(bundle.digest)
        else f"it approves bundle {approved}, expected {bundle.digest}",
    ]
    problem = "; ".join(filter(None, problems))
    return Signed(signed.keyid, signed.role, signed.owner, problem)


def _lost_approvals(
    entries: Sequence[Entry], run: str, approvals: Mapping[str, Signed]
) -> Iterator[str]:
    kept = {signed.keyid for signed in approvals.values()}
    for entry in entries:
        if (entry.kind, entry.run) == ("approval", run) and entry.about.get("keyid") not in kept:
            yield (
                f"{APPROVALS}: expected the approval of ledger entry {entry.sequence}, by key "
                f"{entry.about.get('keyid')}, found none"
            )


def _report_differences(folder: Path, entry: Entry) -> Iterator[str]:
    """The report is made of the sealed bundle, so that only the ledger can pin it."""
    expected = entry.about.get("report")
    found = str(of_file(folder / REPORT_FILE)) if (folder / REPORT_FILE).is_file() else "no file"
    if expected is not None and found != expected:
        yield f"{REPORT_FILE}: expected {expected}, found {found}"


def _lost_signature(run: Examination, entry: Entry) -> Iterator[str]:
    """A signature can be taken away without a trace in the bundle, but not in the ledger."""
    if run.signed is None and entry.about.get("signed_by"):
        yield f"signature: expected one of key {entry.about['signed_by']}, found none"


def _notes(folder: Path, run: Examination, *, own_keys: bool, entry: Entry | None) -> Iterator[str]:
    if run.signed is None:
        yield "unsigned: whoever had these files can have changed anything that does not decide"
    elif own_keys:
        yield (
            "the public keys came with the package: they prove nothing about who signed; get them "
            "from their owners and give the folder with --keys"
        )
    if entry is None:
        yield "the ledger does not know this bundle"
    if (folder / REPORT_FILE).is_file() and (entry is None or "report" not in entry.about):
        yield f"{REPORT_FILE}: pinned by nothing; the numbers that were verified are in the bundle"
    readme = folder / README_FILE
    if not readme.is_file() or readme.read_bytes() != README.encode():
        yield f"{README_FILE}: not the text that this version writes"


def _approval_name(envelope: Mapping[str, Any]) -> str:
    return f"{of_json(dict(envelope)).value}.json"


def _text(envelope: Mapping[str, Any]) -> bytes:
    return (json.dumps(envelope, indent=2, sort_keys=True) + "\n").encode()
