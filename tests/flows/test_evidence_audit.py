"""The audit on a schedule: whole evidence is said to be whole, one changed byte wakes somebody."""

import time

import pytest

pytestmark = pytest.mark.flow


def _event(ask, state, name):
    """The event that a flow run raised; Prefect stores it in the background."""
    flow_run = f"prefect.flow-run.{state.state_details.flow_run_id}"
    wanted = {"event": {"name": [name]}, "related": {"id": [flow_run]}}
    deadline = time.monotonic() + 20
    while not (found := ask("events/filter", filter=wanted)["events"]):
        assert time.monotonic() < deadline, f"no event {name}"
        time.sleep(0.2)
    [event] = found
    return event


def test_a_changed_byte_ends_the_audit_of_a_store_that_was_whole(lab, ask):
    [run] = lab.runs(lab.evaluate(evaluations=["rag_prompt_injection"])).values()

    whole = lab.audit()

    assert (whole.type.value, whole.name) == ("COMPLETED", "Completed")
    assert whole.message == "3 things verified, none was changed"
    passed = _event(ask, whole, "evidence.audit.passed")
    assert passed["resource"]["prefect.resource.id"] == "seclab.evidence.digits"
    assert passed["payload"] == {"checked": 3, "differences": []}

    table = min((lab.root / "mlruns" / "artifacts" / run.run_id).rglob("tables/*.json"))
    data = bytearray(table.read_bytes())
    data[-2] ^= 1
    table.write_bytes(data)
    changed = lab.audit()

    assert (changed.type.value, changed.name) == ("FAILED", "EvidenceChanged")
    assert changed.message.startswith(
        f"{run.run_id[:12]} {run.name}: tables/{table.name}: expected "
    )
    failed = _event(ask, changed, "evidence.audit.failed")
    [row] = failed["payload"]["differences"]
    assert row["what"] == f"{run.run_id[:12]} {run.name}"
    assert row["difference"].startswith(f"tables/{table.name}: expected sha256:")
    [artifact] = ask(
        "artifacts/filter",
        artifacts={"flow_run_id": {"any_": [str(changed.state_details.flow_run_id)]}},
    )
    assert (artifact["key"], artifact["type"]) == ("evidence-audit", "table")
    assert row["difference"] in artifact["data"]
