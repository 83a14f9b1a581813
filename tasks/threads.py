"""The threads that tasks run in."""

from types import TracebackType
from typing import Any

from prefect.task_runners import ThreadPoolTaskRunner

from tasks import processes


class Threads(ThreadPoolTaskRunner[Any]):
    """Prefect's threads, except that an interrupted flow does not wait for their work.

    A thread cannot be stopped, and Prefect waits for the ones that still run even when the flow
    was told to end: for a long attack, hours after Ctrl-C. What they wait for is ended here.
    """

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End what runs when the flow was interrupted, and wait for it otherwise."""
        if exc_type is not None and not issubclass(exc_type, Exception):
            if self._executor:
                self._executor.shutdown(wait=False, cancel_futures=True)
            processes.end_all()
        super().__exit__(exc_type, exc_value, traceback)
