"""The evidence store: the only place that knows MLflow."""

from seclab.tracking.approvals import keep_approval
from seclab.tracking.decisions import (
    load_record,
    model_file,
    note_decision,
    version_digest,
)
from seclab.tracking.ledger import Overtaken, append, previous_bundle, read_ledger
from seclab.tracking.programme import keep_figures
from seclab.tracking.promotion import Order, carry_out, reconcile, refuse
from seclab.tracking.reading import (
    StoreShelf,
    aliased,
    champion,
    find_run,
    load_bundle,
    load_evidence,
    open_shelf,
    page,
    runs,
)
from seclab.tracking.recording import finish, recording, recover
from seclab.tracking.records import Record, Recording
from seclab.tracking.reuse import Holding, holding, keep_partial, load_holding
from seclab.tracking.row_decisions import keep_row_decision
from seclab.tracking.serving import ServedModel, load_champion
from seclab.tracking.store import Store, Version, open_store
from seclab.tracking.versions import ensure_version

__all__ = [
    "Holding",
    "Order",
    "Overtaken",
    "Record",
    "Recording",
    "ServedModel",
    "Store",
    "StoreShelf",
    "Version",
    "aliased",
    "append",
    "carry_out",
    "champion",
    "ensure_version",
    "find_run",
    "finish",
    "holding",
    "keep_approval",
    "keep_figures",
    "keep_partial",
    "keep_row_decision",
    "load_bundle",
    "load_champion",
    "load_evidence",
    "load_holding",
    "load_record",
    "model_file",
    "note_decision",
    "open_shelf",
    "open_store",
    "page",
    "previous_bundle",
    "read_ledger",
    "reconcile",
    "recording",
    "recover",
    "refuse",
    "runs",
    "version_digest",
]
