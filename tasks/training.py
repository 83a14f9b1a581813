"""Train one model."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from seclab import models
from seclab.datasets import Splits
from seclab.models import TrainedModel
from tasks import processes
from tasks.progress import progress

_LONGEST = 1800.0  # seconds


@task(name="train", task_run_name="train {name}", cache_policy=NO_CACHE)
def train_model(name: str, splits: Splits, *, seed: int) -> TrainedModel:
    """Train a model by the name of its spec."""
    spec = models.spec(name)
    model = processes.call(models.train, spec, splits.train, seed=seed, timeout=_LONGEST)
    progress.info("trained  %s  %s", name, model.digest.value[:12])
    return model
