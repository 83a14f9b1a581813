import csv
import io
import shutil
import tempfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import seclab.evaluations  # noqa: F401 - fills the register of evaluations
from seclab import registry
from seclab.errors import Misconfigured
from seclab.frameworks import load_frameworks
from seclab.register_checks import apply_fixes, check_registers, digests
from seclab.registers import load_registers
from tests.conftest import ROOT
from tests.register_mistakes import MATRIX, MISTAKES, RISKS, seen, spoil

FRAMEWORKS = load_frameworks(ROOT / "registers" / "frameworks")


def check(folder):
    return check_registers(
        folder,
        frameworks=FRAMEWORKS,
        evaluations=registry.registered(),
        suites={"digits": (), "splits": ()},
        threat_models={},
        at=date(2026, 11, 28),
    )


class Copy:
    """A copy of the shipped registers for one example."""

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name)
        for file in (ROOT / "registers").iterdir():
            if file.is_file():
                shutil.copy(file, path)
        return path

    def __exit__(self, *_):
        self._folder.cleanup()


def fix(folder, findings):
    return apply_fixes(folder, findings, checked=digests(folder))


@settings(max_examples=12)
@given(mistakes=st.sets(st.sampled_from(MISTAKES), min_size=1, max_size=8))
def test_mistakes_give_their_findings_and_the_safe_edits_leave_the_others(mistakes):
    with Copy() as folder:
        expected = spoil(folder, [each for each in MISTAKES if each in mistakes])

        found = check(folder)
        left = fix(folder, found)

        assert seen(found) == expected
        assert seen(left) == [each for each in expected if not each[-1]]
        assert check(folder) == left


TOKENS = st.one_of(
    st.sampled_from(
        ["T1595", "T1190", "TA0043", "T0020", "AML.T20", "AML.T0019", "AML.T0051.1", "AML.T0999",
         "LLM06", "LLM04", "ML02", "LLM06:2023", "LLM08:2026", "llm06:2025", "NISTAML.23",
         "NISTAML.013", "none", "", " ", "AML.M0015", "Evade ML Model", "Data Poisoning",
         "LLM02: Insecure Output Handling", "LLM04:2025 Model Denial of Service"]
    ),
    st.text(alphabet="AMLTNIS.:0123456789 x\u200b\n\"',", max_size=8),
)  # fmt: skip


@settings(max_examples=25)
@given(
    row=st.integers(1, 15),
    cells=st.fixed_dictionaries(
        {},
        optional={
            name: st.lists(TOKENS, max_size=3).map(";".join)
            for name in ("nist_id", "atlas_ids", "owasp_ids")
        },
    ),
    entry=st.none() | st.lists(TOKENS, min_size=1, max_size=3).map(";".join),
)
def test_whatever_stands_for_an_id_what_loading_refuses_is_found_and_fixing_ends(row, cells, entry):
    with Copy() as folder:
        set_cells(folder / RISKS, row, cells)
        if entry is not None:
            set_cells(folder / MATRIX, 3 * row, {"atlas_ids": entry})
        refused = False
        try:
            load_registers(folder)
        except Misconfigured:
            refused = True

        found = check(folder)
        left = fix(folder, found)

        assert not refused or any(each.level == "error" for each in found)
        assert not any(each.edit and each.edit.safe for each in left)
        assert check(folder) == left


def set_cells(path, number, cells):
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
    for column, text in cells.items():
        rows[number][rows[0].index(column)] = text
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_bytes(text.getvalue().encode())


@settings(max_examples=12)
@given(
    mistakes=st.sets(st.sampled_from([each for each in MISTAKES if each.name in
                                      ("T1595", "bare ML04", "AML.T086", "a blank")]), min_size=1),
    mark=st.sampled_from(["", "\ufeff"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoted=st.booleans(),
    last=st.booleans(),
)  # fmt: skip
def test_an_edit_touches_its_cell_and_no_other_byte(mistakes, mark, end, quoted, last):
    with Copy() as folder:
        right = rewrite(folder / RISKS, mark=mark, end=end, quoted=quoted, last=last)
        shutil.copy(ROOT / "registers" / RISKS, folder)
        spoil(folder, mistakes)
        rewrite(folder / RISKS, mark=mark, end=end, quoted=quoted, last=last)

        assert fix(folder, check(folder)) == []

        mended = (folder / RISKS).read_bytes()
        assert mended.replace(b"; AML", b";AML") == right


def rewrite(path, *, mark, end, quoted, last):
    """The same rows in another dialect; gives the bytes."""
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))
    text = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    csv.writer(text, lineterminator=end, quoting=quoting).writerows(rows)
    data = (mark + (text.getvalue() if last else text.getvalue().removesuffix(end))).encode()
    path.write_bytes(data)
    return data


def test_a_file_that_changed_since_the_check_is_not_touched():
    with Copy() as folder:
        spoil(folder, [each for each in MISTAKES if each.name in ("T1595", "T1595 in the matrix")])
        before = digests(folder)
        found = check(folder)
        path = folder / MATRIX
        path.write_bytes(path.read_bytes() + b"\n")
        kept = {name: (folder / name).read_bytes() for name in (RISKS, MATRIX)}

        with pytest.raises(Misconfigured, match="has changed since it was checked"):
            apply_fixes(folder, found, checked=before)

        assert {name: (folder / name).read_bytes() for name in (RISKS, MATRIX)} == kept
        assert not list(folder.glob(".*"))
