"""Expectations about poison: rows that somebody may have planted.

Their thresholds come from resamples of clean data, and stand in the suite. Clean data of another
kind may need others: see ``benchmarks/calibrate_defenses.py``.
"""

from typing import Annotated

import numpy as np
from pydantic import Field

from seclab.data_checks.catalogue import expectation
from seclab.data_checks.suspected import finding_of, require_finite
from seclab.data_checks.table import Finding, Table
from seclab.defenses.backdoors import patch_triggers
from seclab.defenses.duplicates import duplicate_clusters
from seclab.defenses.influence import group_influence
from seclab.defenses.label_noise import label_noise, neighbour_labels
from seclab.defenses.nested_groups import main_directions, of_equal_length
from seclab.errors import NotEvaluated

_Count = Annotated[int, Field(ge=1)]
_Whole = Annotated[int, Field(ge=0)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Above = Annotated[float, Field(gt=0)]
_Factor = Annotated[float, Field(ge=1)]

_FEWEST_A_LABEL = 20
"""Rows a label, on average, below which fits without a row contradict most clean sets of digits."""


@expectation(
    why="Rows that everything like them contradicts were mislabelled, by mistake or to make the "
    "model fail on a class; so many are more than the hard rows of such a set explain."
)
def expect_labels_to_be_supported(
    table: Table,
    *,
    landmarks: _Count,
    width: _Above,
    ridge: _Above,
    rounds: _Count,
    doubtful: _Above,
    sure: _Above,
    spare: _Whole,
    spare_share: _Share,
    spare_ratio: _Share,
    pair_spare: _Whole,
    pair_share: _Share,
    pair_ratio: Annotated[float, Field(ge=0)],
    seed: _Whole,
) -> Finding:
    """Fits that have not seen a row confirm its label, for all but the hard rows of any set."""
    require_finite(table)
    rows, known = len(table.labels), np.unique(table.labels).size
    if rows < _FEWEST_A_LABEL * known:
        raise NotEvaluated(
            f"{rows} rows with {known} labels are too few: {_FEWEST_A_LABEL} a label are needed"
        )
    return finding_of(
        label_noise(
            table.features,
            table.labels,
            rng=np.random.default_rng(seed),
            landmarks=landmarks,
            width=width,
            ridge=ridge,
            rounds=rounds,
            doubtful=doubtful,
            sure=sure,
            spare=spare,
            spare_share=spare_share,
            spare_ratio=spare_ratio,
            pair_spare=pair_spare,
            pair_share=pair_share,
            pair_ratio=pair_ratio,
        ),
        f"labels that the other rows support, but for {spare} rows and a share of the hard ones",
    )


@expectation(
    why="Rows whose nearest neighbours have other labels were put among strangers: mislabelled, or "
    "taken from anywhere and given one label, as a backdoor for every class needs."
)
def expect_neighbours_to_share_labels(
    table: Table,
    *,
    neighbours: _Count,
    references: Annotated[int, Field(ge=2)],
    doubtful: _Share,
    spare: _Whole,
    spare_share: _Share,
    seed: _Whole,
) -> Finding:
    """The nearest other rows vote for the label of a row, for all but a few rows of any set."""
    require_finite(table)
    if len(table.labels) <= neighbours:
        raise NotEvaluated(f"{len(table.labels)} rows are too few for {neighbours} neighbours each")
    return finding_of(
        neighbour_labels(
            table.features,
            table.labels,
            rng=np.random.default_rng(seed),
            neighbours=neighbours,
            references=references,
            doubtful=doubtful,
            spare=spare,
            spare_share=spare_share,
        ),
        f"neighbours that share the label, but for {spare} rows and {spare_share:.1%}",
    )


@expectation(
    why="Rows that vouch for one another, and look like another class to a fit without all of "
    "them, carry something that only they have: a trigger, whatever it looks like."
)
def expect_groups_to_look_like_their_label(
    table: Table,
    *,
    landmarks: _Count,
    width: _Above,
    ridge: _Above,
    directions: _Count,
    smallest: Annotated[int, Field(ge=2)],
    largest_share: _Share,
    quantile: _Share,
    alien: _Above,
    steady: _Above,
    joins: _Above,
    rounds: _Count,
    most_groups: _Count,
    ignore_brightness: bool,
    seed: _Whole,
) -> Finding:
    """No group of rows of a label looks like another class once it is left out together.

    Images may be judged by their form alone: a trigger that only dims or brightens them then hides
    nothing of the class that they were taken from.
    """
    require_finite(table)
    most = int(np.unique(table.labels, return_counts=True)[1].max())
    if largest_share * most < smallest:
        raise NotEvaluated(
            f"no label has more than {most} rows: a group of {smallest} would be too much of it"
        )
    judged = table.features
    if ignore_brightness and table.image_shape is not None:
        judged = of_equal_length(judged)
    return finding_of(
        group_influence(
            judged,
            table.labels,
            rng=np.random.default_rng(seed),
            representations=main_directions(table.features, directions),
            landmarks=landmarks,
            width=width,
            ridge=ridge,
            smallest=smallest,
            largest_share=largest_share,
            quantile=quantile,
            alien=alien,
            steady=steady,
            joins=joins,
            rounds=rounds,
            most_groups=most_groups,
        ),
        "no group of rows that looks like another class when it is left out",
    )


@expectation(
    why="Values that rows of one label share, and that neither chance nor their class explains, "
    "are what a backdoor's trigger leaves: the model learns the label from them."
)
def expect_no_shared_patterns(
    table: Table,
    *,
    spike_alarm: _Above,
    excess_alarm: _Above,
    count_alarm: _Above,
    near: _Share,
    reach: _Share,
    rounds: _Count,
    most_references: _Count,
    seed: _Whole,
) -> Finding:
    """No rows of a label have constant values in common beyond chance."""
    require_finite(table)
    return finding_of(
        patch_triggers(
            table.features,
            table.labels,
            image_shape=table.image_shape,
            spike_alarm=spike_alarm,
            excess_alarm=excess_alarm,
            count_alarm=count_alarm,
            near=near,
            reach=reach,
            rounds=rounds,
            most_references=most_references,
            seed=seed,
        ),
        "no values that rows of one label share beyond chance",
    )


@expectation(
    why="Copies weigh more than one row: who adds them pulls the model towards them, and a copy "
    "with another label pulls it away from the right one."
)
def expect_no_copies_in_bulk(
    table: Table,
    *,
    expected_share: _Share,
    tolerated_share: _Share,
    contradiction_weight: _Factor,
    crowd_factor: _Factor,
    usual_quantile: Annotated[float, Field(gt=0, lt=1)],
    neighbours: Annotated[int, Field(ge=3)],
) -> Finding:
    """Hardly any row repeats another, exactly or nearly."""
    require_finite(table)
    return finding_of(
        duplicate_clusters(
            table.features,
            table.labels,
            expected_share=expected_share,
            tolerated_share=tolerated_share,
            contradiction_weight=contradiction_weight,
            crowd_factor=crowd_factor,
            usual_quantile=usual_quantile,
            neighbours=neighbours,
        ),
        f"at most {tolerated_share:.1%} of the rows to repeat another",
    )
