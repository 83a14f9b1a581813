"""Expectations about change: rows of a class that are no longer what they were.

Other than the rest they need to be told something: what the classes once looked like, or when each
row arrived.
"""

from typing import Annotated

import numpy as np
from pydantic import Field

from seclab.data_checks.catalogue import expectation
from seclab.data_checks.suspected import finding_of, require_finite
from seclab.data_checks.table import Finding, Table
from seclab.defenses.batch_drift import batch_drift
from seclab.defenses.drift import distribution_shift
from seclab.errors import NotEvaluated

_Count = Annotated[int, Field(ge=1)]
_Whole = Annotated[int, Field(ge=0)]
_Share = Annotated[float, Field(ge=0, le=1)]


@expectation(
    why="Rows that were added since somebody looked do not come from where the others came from: "
    "another source, another sensor, or poison that moves a class."
)
def expect_classes_to_match_profile(
    table: Table, *, level: Annotated[float, Field(gt=0, le=1)], rare_share: _Share
) -> Finding:
    """Every class is distributed as it was in the version that the rows are held against.

    Raises:
        NotEvaluated: There is no such version.
    """
    require_finite(table)
    if table.profiles is None:
        raise NotEvaluated("no earlier version is given that the rows could be held against")
    return finding_of(
        distribution_shift(
            table.features,
            table.labels,
            baseline=table.profiles,
            level=level,
            rare_share=rare_share,
        ),
        "every class to be distributed as it was in the earlier version",
    )


@expectation(
    why="Each batch is a little further off than the one before, and none of them stands out: that "
    "is how a class is moved past whoever only compares one batch with the last."
)
def expect_no_drift_between_batches(
    table: Table,
    *,
    level: Annotated[float, Field(gt=0, le=1)],
    permutations: _Count,
    tail: Annotated[float, Field(gt=0, le=1)],
    rare_share: _Share,
    seed: _Whole,
) -> Finding:
    """No class wanders as batches arrive.

    Raises:
        NotEvaluated: Nobody said when the rows arrived.
    """
    require_finite(table)
    if table.batches is None:
        raise NotEvaluated("it is not known in which batch each row arrived")
    return finding_of(
        batch_drift(
            table.features,
            table.labels,
            batches=table.batches,
            rng=np.random.default_rng(seed),
            level=level,
            permutations=permutations,
            tail=tail,
            rare_share=rare_share,
        ),
        "no class that wanders from batch to batch",
    )
