"""Work in processes of its own: on every core at once, ended at will, alone when it crashes.

Attacks are Python loops over small matrices, so threads only take turns at the interpreter. Each
piece of work is one process, forked from a server that has imported what such work needs: it
starts in milliseconds, an interrupted or late one can be killed, and one that the machine kills
takes no other with it. How many run at once is up to the threads that wait for them.
"""

import multiprocessing
import multiprocessing.forkserver
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

import cloudpickle

from seclab.errors import NotEvaluated

_METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
_CONTEXT: Any = multiprocessing.get_context(_METHOD)  # the two have no common type
_IMPORTED = ["seclab.cli", "seclab.data_checks.engine", "seclab.evaluations", "threadpoolctl"]
_GOODBYE = 5.0  # seconds in which a process that has answered may clean up
_Answer = TypeVar("_Answer")


class Died(NotEvaluated):
    """The process of a piece of work ended without an answer."""


_running: set[Any] = set()


def prepare() -> None:
    """Start the server that processes are forked from; it comes up by itself."""
    if _METHOD != "forkserver":
        return
    # A process started from this one runs its main module again; by then that is imported.
    main = getattr(sys.modules["__main__"].__spec__, "name", None)
    multiprocessing.set_forkserver_preload(_IMPORTED + ([main] if main else []))
    multiprocessing.forkserver.ensure_running()


def call(
    function: Callable[..., _Answer], *arguments: Any, timeout: float, **keywords: Any
) -> _Answer:
    """Call a function in a process of its own and wait for what it returns.

    Args:
        function: The function; it, its arguments and what it returns are copied.
        *arguments: Its arguments.
        timeout: Seconds after which the process is killed.
        **keywords: Its keyword arguments.

    Raises:
        Died: The process crashed, was killed, or took too long.
        Exception: Whatever the function raised.
    """
    prepare()
    receiver, sender = _CONTEXT.Pipe(duplex=False)
    work = cloudpickle.dumps((function, arguments, keywords))
    process = _CONTEXT.Process(target=_work, args=(sender, work), daemon=True)
    process.start()
    sender.close()
    _running.add(process)
    try:
        if not receiver.poll(timeout):
            raise Died(f"it took more than {timeout:.0f} s and was stopped")
        returned, answer = cloudpickle.loads(receiver.recv_bytes())
        process.join(_GOODBYE)
    except EOFError:
        process.join()
        raise Died(_obituary(process.exitcode)) from None
    finally:
        receiver.close()
        process.kill()
        process.join()
        _running.discard(process)
    if returned:
        return answer  # type: ignore[no-any-return]
    raise answer


def end_all() -> None:
    """Kill what runs; whoever waits for it is told."""
    for process in tuple(_running):
        process.kill()


def _work(sender: Connection, work: bytes) -> None:
    # Ctrl-C reaches every process of a terminal. Who is told to end is the flow, and it ends this.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - imported by the server, not here

    function, arguments, keywords = cloudpickle.loads(work)
    # As many processes as cores: a second BLAS thread in one would take from another.
    with threadpool_limits(limits=1):
        try:
            answer = cloudpickle.dumps((True, function(*arguments, **keywords)))
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            answer = _pack(error)
    sender.send_bytes(answer)


def _pack(error: Exception) -> bytes:
    try:
        packed = cloudpickle.dumps((False, error))
        cloudpickle.loads(packed)
    except Exception:  # noqa: BLE001 - an exception may refuse to be copied in any way
        packed = cloudpickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}")))
    return bytes(packed)


def _end_with_parent() -> None:
    """Killed with -9, the parent can end nobody."""
    parent = multiprocessing.parent_process()
    wait([parent.sentinel])  # type: ignore[union-attr] # started by one
    signal.raise_signal(signal.SIGKILL)


def _obituary(code: int) -> str:
    if code < 0:
        name = signal.Signals(-code).name
        hint = ": is memory short?" if -code == signal.SIGKILL else ""
        return f"its process was ended by {name}{hint}"
    return f"its process ended with code {code} and no answer"
