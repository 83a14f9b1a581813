"""Chain of custody: what a version of a dataset is, where it came from, and what changed."""

from seclab.custody.accounting import Block, effect, unexplained
from seclab.custody.changes import Changes, explain, explain_rows
from seclab.custody.coverage import Coverage, coverage, coverage_of, describing
from seclab.custody.deriving import manifest_of, set_aside, split_manifests
from seclab.custody.manifest import (
    Acquisition,
    ClassContent,
    Effect,
    Kind,
    Manifest,
    Transformation,
    record_manifest,
)
from seclab.custody.manifest_files import load_manifest, load_manifests, read_manifest, save_version
from seclab.custody.recording import Declaration, Origin, load_declaration, record_version
from seclab.custody.register import FOLDER, History, chain, load_histories
from seclab.custody.rows import Rows, index_of
from seclab.custody.runs import runs_of, runs_text
from seclab.custody.standing import Undeclared, standing

__all__ = [
    "FOLDER",
    "Acquisition",
    "Block",
    "Changes",
    "ClassContent",
    "Coverage",
    "Declaration",
    "Effect",
    "History",
    "Kind",
    "Manifest",
    "Origin",
    "Rows",
    "Transformation",
    "Undeclared",
    "chain",
    "coverage",
    "coverage_of",
    "describing",
    "effect",
    "explain",
    "explain_rows",
    "index_of",
    "load_declaration",
    "load_histories",
    "load_manifest",
    "load_manifests",
    "manifest_of",
    "read_manifest",
    "record_manifest",
    "record_version",
    "runs_of",
    "runs_text",
    "save_version",
    "set_aside",
    "split_manifests",
    "standing",
    "unexplained",
]
