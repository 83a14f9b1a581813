"""Every file of a run and of its package changed, deleted and added to."""

from seclab.errors import EvidenceMismatch
from seclab.evidence import verify
from seclab.evidence.ledger import ledger_differences
from seclab.evidence.package import read_package, verify_package, write_package
from seclab.evidence.verification import examine


def exported(proof, path):
    write_package(
        path,
        folder=proof.folder,
        ledger=proof.ledger,
        keys=proof.keys,
        approvals=[proof.approval],
    )
    return path


def test_the_untouched_evidence_is_clean(proof, tmp_path):
    package = exported(proof, tmp_path / "evidence.zip")

    assert verify(proof.bundle, expected_digest=None, artifacts=proof.folder) == []
    assert examine(proof.folder, keyring=proof.keyring, expected_digest=None).differences == ()
    assert ledger_differences(proof.ledger, anchor=proof.ledger) == []
    found = verify_package(package, keyring=proof.keyring, anchor=proof.ledger)
    assert (found.differences, found.notes) == ((), ())


def files_of(folder):
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def spoiled(folder):
    """Every single change of the files of a folder: how, which, and the folder changed."""
    names = files_of(folder)
    for name in names:
        path = folder / name
        data = path.read_bytes()
        for how, other in (
            ("flipped", bytes([data[0] ^ 1]) + data[1:] if data else b"x"),
            ("cut", data[:-2]),
            ("emptied", b""),
            ("swapped", (folder / next(n for n in names if n != name)).read_bytes()),
        ):
            path.write_bytes(other)
            yield how, name
        path.unlink()
        yield "deleted", name
        path.write_bytes(data)
        (path.parent / f"{path.name}.copy").write_bytes(data)
        yield "added", f"{name}.copy"
        (path.parent / f"{path.name}.copy").unlink()


def problems_of(look):
    """Everything that was found, be it that nothing could be read at all."""
    try:
        found = look()
    except EvidenceMismatch as error:
        return list(error.problems)
    return [*found.differences, *getattr(found, "notes", ())]


def test_every_changed_missing_and_added_file_of_a_run_is_named(proof, folder):
    (folder / "report.html").unlink()  # only the ledger pins it: below

    for how, name in spoiled(folder):
        found = problems_of(
            lambda: examine(folder, keyring=proof.keyring, expected_digest=str(proof.bundle.digest))
        )
        if (how, name) == ("deleted", "evidence/bundle.dsse.json"):
            # Being unsigned is for the gate to judge: it asks for a signature above the low tier.
            assert found == []
            continue
        assert any(named(name) in problem for problem in found), (how, name, found)


def named(name):
    return {
        "evidence/bundle.json": "bundle",
        "evidence/bundle.dsse.json": "signature",
    }.get(name, name)


def test_every_changed_missing_and_added_file_of_a_package_is_named(proof, tmp_path):
    with read_package(exported(proof, tmp_path / "evidence.zip")) as folder:
        for how, name in spoiled(folder):
            found = problems_of(
                lambda: verify_package(folder, keyring=proof.keyring, anchor=proof.ledger)
            )
            assert found, (how, name)
            if not name.startswith(("evidence/", "ledger.jsonl")):
                place = "approvals" if (how, name[:9]) == ("deleted", "approvals") else name
                assert any(place in problem for problem in found), (how, name, found)


def test_every_changed_byte_of_a_package_is_found_or_changes_nothing(proof, tmp_path):
    path = exported(proof, tmp_path / "evidence.zip")
    data = path.read_bytes()
    with read_package(path) as folder:
        expected = {name: (folder / name).read_bytes() for name in files_of(folder)}

    for place in range(0, len(data), 97):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        try:
            with read_package(path) as folder:
                # Times and attributes that nobody reads.
                found = {name: (folder / name).read_bytes() for name in files_of(folder)}
        except EvidenceMismatch:
            continue
        if found != expected:
            assert verify_package(path, keyring=proof.keyring, anchor=proof.ledger).differences
