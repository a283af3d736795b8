"""What sweeps and searches bring: applied in the order in which it came, some facts at a time.

A search on a busy account has thousands of trades, many of orders that are no longer in memory.
Each of those may be parked until the store is asked, and must not take the room of what the streams
tell. The end of a sweep comes after its trades, which it rests on: the manager searches from there
on only if all of them were applied.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.domain import messages as m
from gateway.domain.facts import VenueFact
from gateway.domain.identity import AccountId
from gateway.listener.settings import ListenerSettings
from gateway.listener.venue_facts import Taken, VenueFacts
from gateway.ports import Timers

Swept = m.TradesFetched | m.ClosedOrdersFetched | m.AccountSwept
Search = tuple[str, int]
"""What one question brought may come in several reports: told by their id, before the dot, and by
when the venue was asked."""


@dataclass(slots=True)
class Queued:
    """One report. `facts` makes them when it is its turn; `done` is called when all are applied.
    `begin`: the next of them. `tries`: how often there was no room for it."""

    report: Swept
    facts: Callable[[], Sequence[VenueFact]]
    done: Callable[[], None]
    made: Sequence[VenueFact] | None = None
    begin: int = 0
    tries: int = 0

    def all_facts(self) -> Sequence[VenueFact]:
        if self.made is None:
            self.made = self.facts()
        return self.made


class Sweeps:
    """A report of which something can't be applied does not count, nor does what follows of the
    same search: the manager takes the last report of a search for the whole, and asks again for one
    of which it hears nothing."""

    def __init__(
        self,
        venue_facts: VenueFacts,
        timers: Timers,
        settings: ListenerSettings,
        counters: Counter[str],
    ) -> None:
        self._venue_facts = venue_facts
        self._timers = timers
        self._settings = settings
        self._counters = counters
        self._waiting: dict[AccountId, deque[Queued]] = {}
        self._given_up: dict[AccountId, dict[Search, None]] = {}

    def put(
        self, report: Swept, facts: Callable[[], Sequence[VenueFact]], done: Callable[[], None]
    ) -> None:
        """Applies it at once if nothing waits before it, and it is short."""
        waiting = self._waiting.setdefault(report.account, deque())
        if len(waiting) >= self._settings.waiting_sweeps:
            self._give_up(report)
            return
        waiting.append(Queued(report, facts, done))
        if len(waiting) == 1:
            self._go_on(report.account)

    def _go_on(self, account: AccountId) -> None:
        waiting = self._waiting[account]
        while waiting:
            try:
                pause = self._advance(waiting[0])
            except Exception:
                self._give_up(waiting.popleft().report)
                self._timers.after(0, lambda: self._go_on(account))
                raise
            if pause is not None:
                self._timers.after(pause, lambda: self._go_on(account))
                return
            waiting.popleft()

    def _advance(self, one: Queued) -> int | None:
        """How long until more of it can be applied; None: it is over."""
        report, facts = one.report, one.all_facts()
        end = one.begin + self._settings.slice
        can_wait = not isinstance(report, m.AccountSwept)
        if can_wait and _search(report) in self._given_up.get(report.account, ()):
            return None
        taken = self._venue_facts.take_all(report.account, facts[one.begin : end], spare=can_wait)
        if taken is Taken.NO_ROOM and can_wait and one.tries < self._settings.room_tries:
            one.tries += 1
            return self._settings.room_wait
        if taken is not Taken.ALL:
            self._give_up(report)
            return None
        one.begin, one.tries = end, 0
        if end < len(facts):
            return 0
        one.done()
        return None

    def _give_up(self, report: Swept) -> None:
        self._counters["sweeps_given_up"] += 1
        if not isinstance(report, m.AccountSwept):
            given_up = self._given_up.setdefault(report.account, {})
            given_up[_search(report)] = None
            if len(given_up) > self._settings.waiting_sweeps:
                del given_up[next(iter(given_up))]


def _search(report: Swept) -> Search:
    return report.report_id.partition(".")[0], report.asked_at
