"""Every mistake gives its finding, at its place and nowhere else."""

import pytest

from seclab.register_checks import RULES
from tests.conftest import ROOT
from tests.register_mistakes import MISTAKES, seen, spoil


def test_the_shipped_registers_give_no_finding(check):
    assert check(ROOT / "registers") == []


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda each: each.name)
def test_a_mistake_gives_its_finding_alone(folder, check, mistake):
    expected = spoil(folder, [mistake])
    assert seen(check(folder)) == expected


def test_a_register_with_every_mistake_gives_them_all_and_no_more(folder, check):
    expected = spoil(folder, MISTAKES)
    assert seen(check(folder)) == expected
    assert {rule for *_, rule, _ in expected} == set(RULES)
