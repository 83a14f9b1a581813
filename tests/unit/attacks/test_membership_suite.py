import numpy as np

from seclab.attacks.membership import (
    Shadows,
    confidence,
    shadow_plan,
    shadow_scores,
    threshold_scores,
)
from seclab.statistics import auc


def test_every_threshold_attack_is_asked_for_the_candidates_alone():
    rng = np.random.default_rng(0)
    answers, y = rng.dirichlet(np.ones(3), 20), rng.integers(3, size=20)

    scores = threshold_scores(answers, y, candidates=8)

    assert set(scores) == {
        *("confidence", "entropy", "modified_entropy"),
        *("loss_by_class", "entropy_by_class", "modified_entropy_by_class"),
    }
    assert {each.shape for each in scores.values()} == {(8,)}
    assert np.array_equal(scores["confidence"], confidence(answers, y)[:8])


def test_a_class_that_is_hard_for_all_is_no_sign_of_non_membership():
    sure, unsure = [0.95, 0.05], [0.4, 0.6]
    # Class 0 is easy, class 1 hard; members, at the front, are a little surer in both.
    answers = np.array(
        [sure, unsure, [0.90, 0.10], [0.45, 0.55], *[[0.90, 0.10], [0.91, 0.09]] * 3]
        + [[0.45, 0.55], [0.46, 0.54]] * 3
    )
    y = np.array([0, 1, 0, 1, *[0] * 6, *[1] * 6])

    scores = threshold_scores(answers, y, candidates=4)

    assert scores["confidence"][1] < scores["confidence"][2]
    assert scores["loss_by_class"][:2].min() > scores["loss_by_class"][2:].max()


def _world(seed, *, knows_members):
    """Scores by shadows and by confidence where all models are surer of the rows they learned."""
    rng = np.random.default_rng(seed)
    rows, candidates = 500, 400
    y = rng.integers(2, size=rows)
    usual = rng.normal(0.0, 2.0, rows)

    def answers(inside):
        p = 1.0 / (1.0 + np.exp(-(usual + 1.5 * inside + rng.normal(0.0, 0.3, rows))))
        return np.where(np.arange(2) == y[:, None], p[:, None], 1.0 - p[:, None])

    plan = shadow_plan(y, shadows=16, rng=rng)
    member = (np.arange(rows) < candidates // 2) & knows_members
    shadows = Shadows(plan, np.stack([answers(inside) for inside in plan]))
    asked = answers(member)
    by_shadows = shadow_scores(asked, y, shadows=shadows, candidates=candidates)
    return by_shadows, confidence(asked, y)[:candidates]


def test_every_attack_by_shadows_finds_members_that_confidence_does_not_show():
    scores, sure = _world(0, knows_members=True)

    assert set(scores) == {
        *("lira_online_fixed", "lira_online_per_example"),
        *("lira_offline_fixed", "lira_offline_per_example"),
        *("rmia_online", "rmia_offline"),
    }
    assert auc(*np.split(sure, 2)).value < 0.75
    for attack, each in scores.items():
        assert each.shape == (400,)
        assert auc(*np.split(each, 2)).value > (0.9 if attack != "rmia_offline" else 0.8), attack


def test_a_target_that_never_saw_the_rows_gives_none_away():
    for each in _world(1, knows_members=False)[0].values():
        estimate = auc(*np.split(each, 2))
        assert estimate.interval.low <= 0.5 <= estimate.interval.high


def test_a_candidate_is_no_yardstick_for_the_others():
    rng = np.random.default_rng(0)
    answers, y = rng.dirichlet(np.ones(3), 30), rng.integers(3, size=30)
    plan = shadow_plan(y, shadows=4, rng=rng)
    shadows = Shadows(plan, rng.dirichlet(np.ones(3), (4, 30)))
    changed = answers.copy()
    changed[9] = [0.998, 0.001, 0.001]

    for attack, scores in (
        ("thresholds", lambda asked: threshold_scores(asked, y, candidates=10)),
        ("shadows", lambda asked: shadow_scores(asked, y, shadows=shadows, candidates=10)),
    ):
        before, after = scores(answers), scores(changed)
        for name in before:
            assert np.array_equal(before[name][:9], after[name][:9]), (attack, name)
        assert any(before[name][9] != after[name][9] for name in before)


def test_models_that_are_sure_of_everything_tie_all_rows():
    y = np.zeros(10, dtype=int)
    certain = np.tile([1.0, 0.0], (10, 1))
    plan = shadow_plan(y, shadows=4, rng=np.random.default_rng(0))

    scores = shadow_scores(certain, y, shadows=Shadows(plan, np.stack([certain] * 4)), candidates=6)

    for each in scores.values():
        assert np.ptp(each) == 0.0
