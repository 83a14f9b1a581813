"""The registers: risks, matrix, thresholds, profiles, models and waivers, read and validated."""

from seclab.registers.agreement import Measures, cross_check
from seclab.registers.loading import ReadRegisters, load_registers, read_registers
from seclab.registers.records import (
    ASSET_CLASSES,
    DATA_CHECKS,
    NEVER_TESTED,
    OWNERS,
    STATUSES,
    MatrixRow,
    Profile,
    Registers,
    Risk,
    Threshold,
    Waiver,
)
from seclab.registers.tiers import (
    APPROVERS,
    CRITICALITIES,
    SENSITIVITIES,
    TIERS,
    Approver,
    ModelEntry,
    Models,
    Tier,
    TierName,
)

__all__ = [
    "APPROVERS",
    "ASSET_CLASSES",
    "CRITICALITIES",
    "DATA_CHECKS",
    "NEVER_TESTED",
    "OWNERS",
    "SENSITIVITIES",
    "STATUSES",
    "TIERS",
    "Approver",
    "MatrixRow",
    "Measures",
    "ModelEntry",
    "Models",
    "Profile",
    "ReadRegisters",
    "Registers",
    "Risk",
    "Threshold",
    "Tier",
    "TierName",
    "Waiver",
    "cross_check",
    "load_registers",
    "read_registers",
]
