"""The evidence about a model as a CycloneDX 1.6 bill of materials with a model card."""

import re
import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from seclab.errors import Misconfigured
from seclab.evidence import Bundle, subject_of, traced
from seclab.exchange.cyclonedx_model import model_card
from seclab.exchange.cyclonedx_risks import MODEL_REF, risk_cases, vulnerabilities
from seclab.exchange.values import JsonObject, properties, text
from seclab.fingerprint import of_json
from seclab.registers import Registers
from seclab.scoring import Scoring

SPEC_VERSION = "1.6"
_LONGEST_VERSION = 1024

_FILE_DIGEST = re.compile("sha256:bytes:([0-9a-f]{64})")
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:ai-security-lab:cyclonedx")


def to_cyclonedx(
    bundle: Bundle,
    *,
    registers: Registers,
    scoring: Scoring,
    version: str,
    run: str = "",
    carried: Collection[str] = (),
) -> JsonObject:
    """A bill of materials of the model that a bundle is about.

    The model is ``metadata.component``, with every number of the run in its model card. Data and
    libraries are components, risks are vulnerabilities of the model whose state follows from the
    evidence (:mod:`seclab.exchange.cyclonedx_risks`). All that is not from the bundle is the
    wording of the register. The same arguments give the same document.

    Args:
        bundle: The sealed evidence, verified: nothing here looks for what was changed in it.
        registers: The risks, for what a bundle does not hold of them.
        scoring: The bands of their scores.
        version: Version of this package.
        run: ID of the run that holds the bundle.
        carried: Ids of further risks that the model is known to carry: those without evidence are
            listed as well.

    Raises:
        Misconfigured: The bundle is about no model.

    References:
        OWASP CycloneDX 1.6 (ECMA-424, first edition), JSON schema.
    """
    subject = subject_of(bundle)
    if subject.kind != "model":
        raise Misconfigured(
            f"{subject.name} is a{'n' * (subject.kind == 'agent')} {subject.kind}: a bill of "
            "materials with a model card is of a model"
        )
    data = _data_sets(bundle)
    libraries = _libraries(bundle.predicate["environment"]["libraries"])
    cases = risk_cases(bundle, registers, carried)
    model = {
        "type": "machine-learning-model",
        "bom-ref": MODEL_REF,
        "name": text(subject.name),
        **_hashes(subject.digest),
        "modelCard": model_card(bundle, data, cases=cases),
        "properties": properties(
            {"digest": subject.digest, "tier": bundle.predicate.get("tier", "")}
        ),
    }
    document: JsonObject = {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "version": 1,
        "metadata": _metadata(bundle, registers, model, version=version, run=run),
        "components": [*data.values(), *libraries],
        "dependencies": _dependencies(bundle, data, libraries),
        "vulnerabilities": vulnerabilities(cases, scoring),
    }
    # Of the content, since another wording of the register makes another document.
    serial = uuid.uuid5(_NAMESPACE, str(of_json(document)))
    return {**document, "serialNumber": f"urn:uuid:{serial}"}


def _metadata(
    bundle: Bundle, registers: Registers, model: JsonObject, *, version: str, run: str
) -> JsonObject:
    predicate = bundle.predicate
    environment = predicate["environment"]
    finished = datetime.fromisoformat(predicate["finished"]).astimezone(UTC)
    return {
        "timestamp": finished.isoformat(),
        "tools": {
            "components": [{"type": "application", "name": "seclab", "version": text(version)}]
        },
        "component": model,
        "properties": properties(
            {
                "bundle": str(bundle.digest),
                "run": run,
                "verdict": predicate["decision"]["verdict"],
                "profile": predicate["profile"],
                "seed": predicate["seed"],
                "python": environment["python"],
                "platform": environment["platform"],
                "lock-digest": environment["lock_digest"],
                "git-revision": environment["git_revision"],
                "git-clean": environment["git_clean"],
                "risks-when-sealed": predicate["registers"].get("risks.csv"),
                "risks-of-this-document": registers.digests.get("risks.csv"),
            }
        ),
    }


def _hashes(digest: str) -> JsonObject:
    """A hash is of a file's bytes. A digest by any other recipe would match no file."""
    found = _FILE_DIGEST.fullmatch(digest)
    return {"hashes": [{"alg": "SHA-256", "content": found[1]}]} if found else {}


def _data_sets(bundle: Bundle) -> dict[str, JsonObject]:
    """A component of each data set, by the digest of its rows in their order."""
    known = {each.dataset: each for each in traced(bundle.predicate)}
    found: dict[str, JsonObject] = {}
    for number, described in enumerate(bundle.predicate["datasets"], start=1):
        origin = described.get("provenance") or {}
        custody = known.get(described["name"])
        about = ", ".join(filter(None, (origin.get("source"), origin.get("sampling"))))
        licence = origin.get("licence")
        found[described["ordered"]] = {
            "type": "data",
            "bom-ref": f"data-{number}",
            "name": text(described["name"]),
            **({"description": text(about)} if about else {}),
            **({"licenses": [{"license": {"name": text(licence)}}]} if licence else {}),
            "data": [{"type": "dataset", "name": text(described["name"])}],
            "properties": properties(
                {
                    "rows": described["rows"],
                    "rows-of-known-origin": custody.covered if custody else None,
                    "digest-of-ordered-rows": described["ordered"],
                    "digest-of-unordered-rows": described["unordered"],
                    "obtained": origin.get("obtained"),
                }
            ),
        }
    return found


def _libraries(versions: Mapping[str, str]) -> list[JsonObject]:
    """The libraries that computed or judged, each once."""
    found: dict[str, JsonObject] = {}
    for name, version in versions.items():
        # The name by which an index knows it: PEP 503.
        known = re.sub(r"[-_.]+", "-", text(name)).lower()
        address = f"pkg:pypi/{quote(known, safe='')}@{quote(text(version), safe='')}"
        found[address] = {
            "type": "library",
            "bom-ref": address,
            "name": text(name),
            "version": text(version)[:_LONGEST_VERSION],
            "purl": address,
        }
    return list(found.values())


def _dependencies(
    bundle: Bundle, data: Mapping[str, JsonObject], libraries: Iterable[JsonObject]
) -> list[JsonObject]:
    """The model depends on what it was trained on and with; on nothing that only measured it."""
    trained_on = data.get(str(bundle.predicate["description"].get("trained_on")))
    needed = [each["bom-ref"] for each in (*filter(None, [trained_on]), *libraries)]
    others = [each["bom-ref"] for each in data.values() if each is not trained_on]
    return [
        {"ref": MODEL_REF, "dependsOn": needed},
        *({"ref": ref} for ref in (*needed, *others)),
    ]
