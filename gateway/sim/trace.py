"""What happened, line by line, for a person who looks for the cause of a violation."""

from collections.abc import Callable
from typing import Any

from gateway.sim.scheduler import Scheduler


class Trace:
    """Off: it costs a call. On: each line goes to `write` at once."""

    def __init__(self, scheduler: Scheduler, write: Callable[[str], None] | None) -> None:
        self._scheduler = scheduler
        self._began = scheduler.now
        self._write = write
        self.on = write is not None

    def say(self, who: str, what: str, *details: Any) -> None:
        if self._write is None:
            return
        at = (self._scheduler.now - self._began) / 1e9
        text = " ".join(str(detail) for detail in details)
        self._write(f"{at:12.6f} {who:<12} {what} {text}")
