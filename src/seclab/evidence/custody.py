"""Where the data of a run comes from: the manifests in a bundle, and whether they agree."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seclab.custody import Manifest, chain, coverage_of, describing, read_manifest
from seclab.datasets import Dataset
from seclab.fingerprint import Digest


@dataclass(frozen=True, slots=True)
class Traced:
    """What is known of the origin of one dataset.

    Attributes:
        dataset: Its name.
        rows: Number of its rows.
        covered: How many of them have a source, a licence, an acquisition and a chain without gap.
        gaps: Where the chain is broken, in words.
        steps: Its versions, the oldest first, in words.
    """

    dataset: str
    rows: int
    covered: int
    gaps: tuple[str, ...]
    steps: tuple[str, ...]

    @property
    def share(self) -> float:
        """Covered rows as a share of all, 0 to 1."""
        return self.covered / self.rows if self.rows else 0.0


def custody_document(
    datasets: Sequence[Dataset], manifests: Mapping[Digest, Manifest]
) -> dict[str, Any]:
    """The manifests of some datasets and of all they were made of, and what they cover.

    Args:
        datasets: Every dataset involved.
        manifests: All known manifests by their digest.

    Returns:
        Plain JSON. A dataset that no manifest describes has none, and nothing of it is covered.
    """
    found = [describing(dataset, manifests) for dataset in datasets]
    known = chain([manifest for manifest in found if manifest], manifests)
    coverage = []
    for dataset, manifest in zip(datasets, found, strict=True):
        covered = coverage_of(manifest, manifests) if manifest else None
        coverage.append(
            {
                "dataset": dataset.name,
                "manifest": str(manifest.digest) if manifest else None,
                "rows": len(dataset),
                "covered": covered.covered if covered else 0,
                "gaps": list(covered.gaps) if covered else ["no manifest describes these rows"],
            }
        )
    return {"manifests": [each.document() for each in known.values()], "coverage": coverage}


def traced(predicate: Mapping[str, Any]) -> tuple[Traced, ...]:
    """What the evidence says of the origin of each dataset; nothing where it is older than that.

    Raises:
        Misconfigured: A manifest is malformed.
    """
    document = predicate.get("custody", {"manifests": [], "coverage": []})
    manifests = _manifests(document)
    return tuple(
        Traced(
            entry["dataset"],
            entry["rows"],
            entry["covered"],
            tuple(entry["gaps"]),
            tuple(map(_told, _chain_of(entry["manifest"], manifests).values())),
        )
        for entry in document["coverage"]
    )


def custody_differences(predicate: Mapping[str, Any]) -> Iterator[str]:
    """Where the manifests do not describe the datasets, or do not give what they are said to cover.

    Raises:
        Misconfigured: A manifest is malformed.
    """
    if "custody" not in predicate:  # The first bundles of this version knew no manifests.
        return
    document, datasets = predicate["custody"], predicate["datasets"]
    manifests, entries = _manifests(document), document["coverage"]
    if len(document["manifests"]) > len(manifests):
        yield "custody: a manifest stands twice"
    used: set[Digest] = set()
    names = [dataset["name"] for dataset in datasets]
    if [entry["dataset"] for entry in entries] != names:
        yield f"custody: expected the datasets {names}, found {[e['dataset'] for e in entries]}"
        return
    for entry, dataset in zip(entries, datasets, strict=True):
        found = _chain_of(entry["manifest"], manifests)
        used |= set(found)
        for difference in _entry_differences(entry, dataset, manifests):
            yield f"custody: {entry['dataset']}: {difference}"
    for digest in manifests.keys() - used:
        yield f"custody: the manifest {digest} belongs to no dataset here"


def _entry_differences(
    entry: Mapping[str, Any], dataset: Mapping[str, Any], manifests: Mapping[Digest, Manifest]
) -> Iterator[str]:
    rows, covered, gap = dataset["rows"], 0, True
    if entry["manifest"] is not None:
        manifest = _find(entry["manifest"], manifests)
        if manifest is None:
            yield f"its manifest {entry['manifest']} is missing or was changed"
            return
        described = {
            "rows": manifest.rows,
            "ordered": str(manifest.ordered),
            "unordered": str(manifest.unordered),
            "classes": {str(label): str(each.digest) for label, each in manifest.classes.items()},
        }
        for key, value in described.items():
            if value != dataset[key]:
                yield f"expected {key} {value} by its manifest, found {dataset[key]}"
        again = coverage_of(manifest, manifests)
        rows, covered, gap = again.rows, again.covered, bool(again.gaps)
    # How a gap is worded is not compared: later versions may word it better.
    found = {"rows": entry["rows"], "covered": entry["covered"], "a gap": bool(entry["gaps"])}
    for key, value in {"rows": rows, "covered": covered, "a gap": gap}.items():
        if found[key] != value:
            yield f"expected {key} {value}, found {found[key]}"


def _manifests(document: Mapping[str, Any]) -> dict[Digest, Manifest]:
    found = [read_manifest(each) for each in document["manifests"]]
    return {manifest.digest: manifest for manifest in found}


def _find(digest: str | None, manifests: Mapping[Digest, Manifest]) -> Manifest | None:
    return next((each for known, each in manifests.items() if str(known) == digest), None)


def _chain_of(
    digest: str | None, manifests: Mapping[Digest, Manifest]
) -> Mapping[Digest, Manifest]:
    manifest = _find(digest, manifests)
    return chain([manifest], manifests) if manifest else {}


def _told(manifest: Manifest) -> str:
    """One version in a line."""
    acquired = manifest.acquired
    parts = [
        f"acquired {acquired.when.isoformat()}: {acquired.how}" if acquired else "",
        manifest.source or "",
        manifest.licence or "",
        *(step.name for step in manifest.transformations),
    ]
    told = "; ".join(part for part in parts if part)
    return f"{manifest.title}, {manifest.rows} rows" + (f": {told}" if told else "")
