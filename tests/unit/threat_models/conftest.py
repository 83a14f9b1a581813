from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from seclab.frameworks import load_frameworks
from seclab.project import evidence_sources
from seclab.registers import load_registers
from seclab.settings import find
from seclab.threat_models import (
    FOLDER,
    check_threat_models,
    load_lines,
    load_threat_models,
    risk_lines,
)

REGISTERS = Path(__file__).parents[3] / "registers"


@dataclass(frozen=True)
class Shipped:
    """What this repository ships, and a check of it with one model changed."""

    models: dict
    registers: object
    frameworks: object
    sources: dict
    lines: dict

    def check(self, *, at=date(2026, 11, 28), **changed):
        """Findings when the model of each name with ``_`` for ``-`` is replaced."""
        given = {name.replace("_", "-"): model for name, model in changed.items()}
        models = {name: model for name, model in {**self.models, **given}.items() if model}
        return check_threat_models(
            models,
            self.registers,
            self.frameworks,
            sources=self.sources,
            lines=self.lines,
            at=at,
        )

    def changed(self, name, **values):
        return replace(self.models[name], **values)


@pytest.fixture(scope="session")
def shipped():
    return Shipped(
        models=dict(load_threat_models(REGISTERS / FOLDER)),
        registers=load_registers(REGISTERS),
        frameworks=load_frameworks(REGISTERS / "frameworks"),
        sources=dict(evidence_sources(find(REGISTERS))),
        lines={
            **load_lines(REGISTERS / FOLDER),
            "risks.csv": risk_lines((REGISTERS / "risks.csv").read_bytes()),
        },
    )
