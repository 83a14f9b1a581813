import numpy as np
import pytest
from scipy.special import softmax

from seclab.attacks.extraction import EQUATION_SOLVING, FAMILIES, PATH_FINDING, STRATEGIES, Campaign

BOUNDS = (0.0, 2.0)
WEIGHTS = np.random.default_rng(0).normal(size=(5, 3)) * 3.0
POPULATION = np.random.default_rng(1).uniform(*BOUNDS, (40, 5))


class Service:
    """A softmax regression that notes what it was asked."""

    def __init__(self, *, labels_only=False):
        self.labels_only, self.asked = labels_only, []

    def __call__(self, x):
        self.asked.append(x.copy())
        p = softmax((x - 1.0) @ WEIGHTS, axis=1)
        return p.argmax(axis=1), None if self.labels_only else p


def _campaign(budgets=(10, 30), families=("softmax-regression", EQUATION_SOLVING), seed=0):
    return Campaign(
        population=POPULATION,
        classes=3,
        bounds=BOUNDS,
        budgets=budgets,
        families=families,
        jitter=0.1,
        seed=seed,
    )


def _copies(campaign, strategy, service=None):
    service = service or Service()
    return {
        (budget, family): copy
        for budget, family, copy in campaign.copies(service, strategy=strategy, resolution=0.0)
    }


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("most", [30, 95])
def test_exactly_the_largest_budget_is_asked_inside_the_box(strategy, most):
    service = Service()

    copies = _copies(_campaign((10, most)), strategy, service)

    asked = np.vstack(service.asked)
    assert len(asked) == most
    assert asked.min() >= BOUNDS[0]
    assert asked.max() <= BOUNDS[1]
    assert len(copies) == 4


def test_the_population_is_asked_first_unless_queries_are_uniform():
    known = {tuple(row) for row in POPULATION}
    for strategy in ("population", "active", "uniform"):
        service = Service()
        _copies(_campaign((40,)), strategy, service)
        asked = {tuple(row) for row in np.vstack(service.asked)}
        assert asked & known == (set() if strategy == "uniform" else known)


def test_paths_are_looked_for_around_rows_of_the_population():
    service = Service()
    _copies(_campaign((40,)), PATH_FINDING, service)

    asked = np.vstack(service.asked)
    assert tuple(asked[0]) in {tuple(row) for row in POPULATION}
    # The second question is the lowest corner of the box, all features at once.
    assert np.array_equal(asked[1], np.zeros(5))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_another_budget_changes_no_copy(strategy):
    x = np.random.default_rng(7).uniform(*BOUNDS, (50, 5))
    alone = _copies(_campaign((10,)), strategy)[10, "softmax-regression"]
    swept = _copies(_campaign((10, 80)), strategy)[10, "softmax-regression"]

    assert np.array_equal(alone(x), swept(x))


def test_services_are_asked_the_same_where_answers_do_not_guide():
    services = Service(), Service(labels_only=True)
    for service in services:
        _copies(_campaign(families=("kernel",)), "population", service)

    assert np.array_equal(services[0].asked[0], services[1].asked[0])


def test_there_are_no_equations_in_labels():
    copies = _copies(_campaign(), "population", Service(labels_only=True))

    assert {family for _, family in copies} == {"softmax-regression"}


def test_every_family_makes_a_copy():
    copies = _copies(_campaign((30,), FAMILIES), "uniform")

    assert [family for _, family in copies] == [f for f in FAMILIES if f != PATH_FINDING]
    x = np.random.default_rng(7).uniform(*BOUNDS, (300, 5))
    truth = ((x - 1.0) @ WEIGHTS).argmax(axis=1)
    for copy in copies.values():
        assert np.mean(copy(x).argmax(axis=1) == truth) > 0.6
    assert np.array_equal(copies[30, EQUATION_SOLVING](x).argmax(axis=1), truth)


class Tree(Service):
    """Three leaves with confidences of their own."""

    def __call__(self, x):
        self.asked.append(x.copy())
        leaf = np.where(x[:, 1] <= 0.7, 0, np.where(x[:, 3] <= 1.2, 1, 2))
        p = np.array([[0.7, 0.2, 0.1], [0.2, 0.5, 0.3], [0.1, 0.3, 0.6]])[leaf]
        return leaf, None if self.labels_only else p


def test_a_tree_is_found_whole_within_a_budget_that_is_not_used_up():
    service = Tree()

    families = ("softmax-regression", EQUATION_SOLVING, PATH_FINDING)
    copies = _copies(_campaign((10, 300), families), PATH_FINDING, service)

    assert set(copies) == {(budget, family) for budget in (10, 300) for family in families}
    x = np.random.default_rng(7).uniform(*BOUNDS, (300, 5))
    away = (np.abs(x[:, [1, 3]] - [0.7, 1.2]) > 2.0 / 256.0).all(axis=1)
    assert away.mean() > 0.9
    found = copies[300, PATH_FINDING](x[away]).argmax(axis=1)
    assert np.array_equal(found, Tree()(x[away])[0])
    assert len(np.vstack(service.asked)) < 200


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("labels_only", [True, False])
def test_paths_need_confidences_and_questions_of_their_own(strategy, labels_only):
    families = ("softmax-regression", PATH_FINDING)
    copies = _copies(_campaign((30,), families), strategy, Tree(labels_only=labels_only))

    found = strategy == PATH_FINDING and not labels_only
    assert {family for _, family in copies} == set(families if found else families[:1])


def test_a_copy_by_paths_rests_on_the_first_questions_alone():
    x = np.random.default_rng(7).uniform(*BOUNDS, (50, 5))
    alone = _copies(_campaign((10,), (PATH_FINDING,)), PATH_FINDING, Tree())[10, PATH_FINDING]
    swept = _copies(_campaign((10, 80), (PATH_FINDING,)), PATH_FINDING, Tree())[10, PATH_FINDING]

    assert np.array_equal(alone(x), swept(x))


def test_without_questions_there_are_no_paths():
    campaign = _campaign((10,), ("softmax-regression", PATH_FINDING))
    labels = np.arange(len(POPULATION)) % 3

    assert {family for _, family, _ in campaign.unasked(labels)} == {"softmax-regression"}
