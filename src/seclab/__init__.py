"""Security evaluations of machine-learning models, with evidence behind every number.

The library is pure: it knows no orchestrator, reads no path it was not given, and takes seeds and
times as parameters. One call leads to the next::

    data = datasets.split(datasets.load("digits"), seed=0)
    model = models.train(models.spec("mlp"), data.train, seed=0)
    outcome = registry.run(registry.get("evasion_linf"), models.Target(model, data), ...)
    decision = gate.decide(...)
"""
