"""A project's parts, loaded together and held against one another before any work is done."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import seclab.evaluations  # noqa: F401 - fills the register of evaluations
from seclab import custody, data_checks, registers, registry
from seclab.attacks.poisoning import KINDS
from seclab.custody import History
from seclab.data_checks import Suite
from seclab.errors import Misconfigured
from seclab.evidence.keyring import Keyring, Role
from seclab.evidence.keys import SigningKey, load_keyring, load_signing_key
from seclab.fingerprint import Digest
from seclab.models import SPECS
from seclab.models.output_controls import CONTROLS
from seclab.registers import Registers
from seclab.settings import Settings

SPLITS_SUITE = "splits"


@dataclass(frozen=True, slots=True)
class Project:
    """Everything a run reads, free of mistakes.

    Attributes:
        settings: Where the parts are.
        registers: Risks, matrix, thresholds, profiles, models and waivers.
        suites: Check suites by name; one is named like the dataset, one ``splits``.
        histories: The recorded versions of each dataset, by its name.
        keyring: The public keys that are trusted.
        digests: Digest of every register file by its name, and of the manifest of each dataset's
            newest version, which pins all before it, as ``custody/<dataset>``.
    """

    settings: Settings
    registers: Registers
    suites: Mapping[str, Suite]
    histories: Mapping[str, History]
    keyring: Keyring
    digests: Mapping[str, Digest]


def load(settings: Settings) -> Project:
    """Load a project.

    Raises:
        Misconfigured: A part is missing or wrong, or two do not agree; all problems at once.
    """
    register = registers.load_registers(settings.registers)
    suites = {
        path.stem: data_checks.load_suite(path)
        for path in sorted(settings.expectations.glob("*.json"))
    }
    problems = [
        *registers.cross_check(register, registry.registered()),
        *_profile_problems(register),
        *_unlisted(settings, register),
        *_suite_problems(settings, register, suites),
        *_named_suites(settings, register, suites),
    ]
    if problems:
        raise Misconfigured(problems)
    histories = custody.load_histories(settings.registers / custody.FOLDER)
    if settings.dataset not in histories:
        raise Misconfigured(
            f"{settings.registers / custody.FOLDER / settings.dataset} holds no recorded version: "
            "review the data and record it with `seclab custody record`"
        )
    recorded = {
        f"{custody.FOLDER}/{name}": history.newest.digest for name, history in histories.items()
    }
    keyring = load_keyring(settings.public_keys)
    return Project(settings, register, suites, histories, keyring, {**register.digests, **recorded})


def evidence_sources(settings: Settings) -> Mapping[str, frozenset[str]]:
    """The risks that each evaluation, and each suite as ``data_checks:<suite>``, is evidence for.

    Raises:
        Misconfigured: A suite is wrong.
    """
    found = {name: frozenset(entry.risks) for name, entry in registry.registered().items()}
    for path in sorted(settings.expectations.glob("*.json")):
        suite = data_checks.load_suite(path)
        found[f"{registers.DATA_CHECKS}:{suite.name}"] = frozenset(
            risk for expectation in suite.expectations for risk in expectation.risks
        )
    return found


def signing_key(project: Project, role: Role, *, at: datetime) -> SigningKey | None:
    """The key that signs for a role on this machine; ``None`` where there is none.

    Raises:
        Misconfigured: The private half is open to others, or does not belong to its public one.
    """
    return load_signing_key(
        role, keyring=project.keyring, private_folder=project.settings.keys, at=at
    )


def unknown_names(
    project: Project,
    *,
    profile: str,
    models: Iterable[str],
    evaluations: Iterable[str],
    controls: Iterable[str],
    poison: Iterable[str] = (),
) -> list[str]:
    """One sentence for each name that means nothing in this project."""
    return [
        f"unknown {kind} {name!r}; known: {', '.join(known)}"
        for kind, names, known in (
            ("profile", (profile,), project.registers.profiles),
            ("model", models, SPECS),
            ("evaluation", evaluations, registry.registered()),
            ("control", controls, CONTROLS),
            ("poison", poison, KINDS),
        )
        for name in names
        if name not in known
    ]


def _profile_problems(register: Registers) -> Iterator[str]:
    for profile in register.profiles.values():
        for name, parameters in profile.evaluations.items():
            if name in registry.registered():
                for problem in registry.parameter_problems(registry.get(name), parameters):
                    yield f"profiles.yaml, {profile.name}: {problem}"


def _unlisted(settings: Settings, register: Registers) -> Iterator[str]:
    """Who could be judged, but has no tier: nobody may slip through for want of an entry."""
    for name in dict.fromkeys((*SPECS, settings.dataset, settings.registered_model)):
        if name not in register.models.models:
            yield (
                f"models.yaml: {name} is not listed; add it with its sensitivity and criticality"
            )


def _named_suites(
    settings: Settings, register: Registers, suites: Mapping[str, Suite]
) -> Iterator[str]:
    """What is wrong with the suites that profiles name."""
    for profile in register.profiles.values():
        for name in profile.suites:
            if name not in suites:
                known = ", ".join(sorted(suites))
                yield f"profiles.yaml, {profile.name}: unknown suite {name!r}; known: {known}"
            elif name in {settings.dataset, SPLITS_SUITE}:
                yield f"profiles.yaml, {profile.name}: {name} runs anyway; take it off the suites"


def _suite_problems(
    settings: Settings, register: Registers, suites: Mapping[str, Suite]
) -> Iterator[str]:
    for name in (settings.dataset, SPLITS_SUITE):
        if name not in suites:
            yield f"{settings.expectations / name}.json is missing: nothing would be checked"
    for name, suite in suites.items():
        for expectation in suite.expectations:
            for risk in expectation.risks:
                if risk not in register.risks:
                    yield f"{name}.json, {expectation.type}: risk {risk} is not in risks.csv"
