"""Promote the model version that one run evaluated, if its evidence allows it."""

from datetime import UTC, datetime

from prefect import flow
from pydantic import BaseModel, ConfigDict, Field

from seclab import project, settings, tracking
from tasks.promotion import promote_version


class PromotionParameters(BaseModel):
    """Which evidence asks for the promotion."""

    model_config = ConfigDict(extra="forbid")

    run: str = Field(
        title="Run",
        description="ID of the evaluation run, or the beginning of it; `seclab runs` lists them.",
        min_length=1,
    )
    force: str = Field(
        default="",
        title="Force, with this reason",
        description="Promote in spite of the gate. Needs a key and a tier that allows it; it "
        "shows wherever the version does.",
    )


@flow(name="promotion", flow_run_name="promote {parameters.run}", timeout_seconds=600)
def promotion(parameters: PromotionParameters) -> str:
    """Check the evidence of a run and make its version the champion; give the version's number.

    Raises:
        PromotionRefused: The evidence does not allow it; nothing has moved.
    """
    parts = project.load(settings.find())
    store, now = tracking.open_store(parts.settings), datetime.now(UTC)
    run = tracking.find_run(store, parameters.run)
    key = project.signing_key(parts, "pipeline", at=now)
    return promote_version(parts, store, run, at=now, key=key, force=parameters.force).number
