"""Fair turns on an event loop: a batch of work, then everybody else, then the next batch."""

from collections.abc import Callable
from typing import Protocol

from gateway.wire.limits import DRAIN_BATCH


class Cancellable(Protocol):
    def cancel(self) -> None: ...


class Scheduler(Protocol):
    """What is needed of an event loop; one on virtual time will do."""

    def call_soon(self, callback: Callable[[], object], /) -> Cancellable: ...
    def call_later(self, delay: float, callback: Callable[[], object], /) -> Cancellable: ...


class Pump:
    """Calls `take_one` until it returns False: there was nothing to take."""

    def __init__(self, scheduler: Scheduler, take_one: Callable[[], bool]) -> None:
        self._scheduler = scheduler
        self._take_one = take_one
        self._scheduled: Cancellable | None = None
        self._closed = False

    def schedule(self) -> None:
        """Run on the loop's next turn."""
        if self._scheduled is None and not self._closed:
            self._scheduled = self._scheduler.call_soon(self._run_scheduled)

    def run(self) -> None:
        """Take a batch now, and the rest, if any, on later turns."""
        for _ in range(DRAIN_BATCH):
            if self._closed or not self._take_one():
                return
        self.schedule()

    def close(self) -> None:
        self._closed = True
        if self._scheduled is not None:
            self._scheduled.cancel()
            self._scheduled = None

    def _run_scheduled(self) -> None:
        self._scheduled = None
        self.run()
