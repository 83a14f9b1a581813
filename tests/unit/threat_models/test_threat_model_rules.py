"""Every rule that a check of threat models fires is explained, with its level."""

import ast
from pathlib import Path

from seclab import threat_models
from seclab.threat_models import RULES

SOURCES = sorted(Path(threat_models.__file__).parent.glob("*.py"))


def fired():
    """Rule and level of every ``Noted`` that is made."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Noted":
                levels = [each.value.value for each in node.keywords if each.arg == "level"]
                yield node.args[0].value, *(levels or ["error"])


def test_every_rule_that_can_fire_is_listed_with_its_level():
    assert {(rule.name, rule.level) for rule in RULES.values()} == set(fired())
