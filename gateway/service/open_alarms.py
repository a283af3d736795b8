"""How many alarms nobody has acknowledged, for metrics."""

from gateway.domain.records import FindAlarms, Found, FoundAlarms, StoreFailed
from gateway.metrics.samples import Samples
from gateway.ports import Store, Timers

EVERY = 15_000_000_000
MOST = 1_000
"""More are not counted: it is clear by then."""


class OpenAlarms:
    """Asks the store from time to time; says nothing while it does not know."""

    def __init__(self, store: Store, timers: Timers) -> None:
        self._store = store
        self._timers = timers
        self._count: int | None = None

    def start(self) -> None:
        self._store.ask(FindAlarms(unacknowledged=True, limit=MOST), self._on_found)

    def _on_found(self, found: Found | StoreFailed) -> None:
        self._count = len(found.alarms) if isinstance(found, FoundAlarms) else None
        self._timers.after(EVERY, self.start)

    def sample(self, out: Samples) -> None:
        if self._count is not None:
            out.put("alarms_open", self._count)
