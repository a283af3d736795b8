"""What is said while a database is waited for."""

import logging
import time
from collections.abc import Callable

_log = logging.getLogger(__name__)

USUAL_S = 15.0
"""A new embedded database takes so long, and one that reads its log after a loss of power."""
AGAIN_S = 60.0


class StoreWait:
    """One INFO line at first: the processes of a gateway start at once, and their database with
    them. A wait that lasts is a WARNING, and another one each minute."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._began = monotonic()
        self._next = self._began

    def note(self, problem: str) -> None:
        now = self._monotonic()
        if now < self._next:
            return
        waited = now - self._began
        level = logging.INFO if waited < USUAL_S else logging.WARNING
        self._next = now + (USUAL_S if level == logging.INFO else AGAIN_S)
        _log.log(level, "store_waiting waited_s=%d problem=%s", waited, problem)
