"""Why a store cannot be read or written, in one sentence with what to do about it."""

from seclab.errors import StoreUnavailable


def unavailable(what: str, error: BaseException) -> StoreUnavailable:
    """The one clear error for whatever a database, a disk or the network raised.

    Args:
        what: What could not be done, as the beginning of a sentence.
        error: What was raised.
    """
    why = reason(error)
    return StoreUnavailable(f"{what}: {why}{advice(why)}")


def reason(error: BaseException) -> str:
    """What the database, the disk or the network said itself, below all that was wrapped around."""
    while error.__cause__ is not None:
        error = error.__cause__
    said = str(error).strip()
    return said.splitlines()[0] if said else type(error).__name__


def advice(reason: str) -> str:
    """What to do about it, as the end of the sentence; empty where nobody knows."""
    lowered = reason.lower()
    if "locked" in lowered:
        return "; another process is writing to it: wait for it to end and run again"
    if "permission" in lowered or "readonly" in lowered or "unable to open" in lowered:
        return "; check that the folder exists and may be read and written"
    if "malformed" in lowered or "not a database" in lowered:
        return "; the file is damaged: restore it from a copy, or move it aside to start a new one"
    if "no space" in lowered or "disk is full" in lowered:
        return "; free some space and run again"
    return ""
