"""What every stage of one evaluation run needs to know."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from seclab import registry, reuse, tracking
from seclab.evidence import Environment
from seclab.evidence.keys import SigningKey
from seclab.gate import Comparison
from seclab.measurement import Subject
from seclab.project import Project
from seclab.reuse import Wanted
from seclab.tracking import Recording, Store


@dataclass(frozen=True, slots=True)
class Beside:
    """What is kept with every run on the data, beside what was measured.

    Attributes:
        files: Their text by path below the folder of a run; the bundle pins them.
        note: What they say in short, for the run's page.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """One evaluation run: where it reads, where it writes, and what it is.

    Attributes:
        project: Settings, registers, suites and recorded versions of the data.
        store: The evidence store.
        environment: Code, libraries, machine.
        profile: Name of the profile.
        seed: The seed of everything random.
        batch: ID shared by everything this run stores.
        started: When it started.
        key: The pipeline's key, ``None`` where evidence stays unsigned.
        champion: What models are compared with, ``None`` while there is no champion.
        refresh: Whether everything is measured anew, also what an earlier run has measured.
        beside: What is kept with every run on the data.
    """

    project: Project
    store: Store
    environment: Environment
    profile: str
    seed: int
    batch: str
    started: datetime
    key: SigningKey | None
    champion: Comparison | None
    refresh: bool
    beside: Beside = field(default_factory=Beside)

    def recording(self, subject: Subject) -> AbstractContextManager[Recording]:
        """A stored run for one subject, closed whatever happens inside."""
        return tracking.recording(
            self.store,
            subject,
            batch=self.batch,
            started=self.started,
            tags={"seclab.profile": self.profile},
            parameters={"profile": self.profile, "seed": str(self.seed)},
        )

    def wanted(
        self, subject: Subject, chosen: Mapping[str, Mapping[str, Any]], *, data: Mapping[str, str]
    ) -> list[Wanted]:
        """The results that this run asks for about one subject.

        Args:
            subject: What is evaluated.
            chosen: Parameters by name of the evaluation.
            data: Digest of everything it is evaluated with, by part.
        """
        entries = [registry.get(name) for name in chosen]
        return [
            reuse.wanted(
                entry,
                subject,
                data=data,
                parameters=chosen[entry.name],
                seed=self.seed,
                environment=self.environment,
                code=reuse.code_of(entry),
            )
            for entry in entries
        ]
