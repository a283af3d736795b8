"""What sweeps bring: applied in the order in which it came, a part at a time.

A sweep of a busy account has thousands of trades, many of orders that are no longer in memory.
Each of those may be parked until the store is asked, and must not take the room of what the streams
tell. The end of a sweep comes after its trades, which it rests on: the manager searches from there
on only if all of them were applied.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.domain import messages as m
from gateway.domain.identity import AccountId
from gateway.listener.matching import VenueFact
from gateway.listener.settings import ListenerSettings
from gateway.listener.venue_facts import VenueFacts
from gateway.ports import Timers

Search = tuple[str, int]
"""The trades of one symbol in one sweep may come in several reports: told by the sweep's id, before
the dot, and by when the venue was asked."""


@dataclass(slots=True)
class Part:
    """One report; `done` is called when all `facts` are applied. `begin`: the next of them."""

    report: m.TradesFetched | m.AccountSwept
    facts: Sequence[VenueFact]
    done: Callable[[], None]
    begin: int = 0


class Sweeps:
    """What can't be applied is given up, with the rest of its search: the manager counts the last
    report of a search as the whole, and asks again for one of which it hears nothing."""

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
        self._waiting: dict[AccountId, deque[Part]] = {}
        self._given_up: deque[Search] = deque(maxlen=settings.waiting_sweeps)

    def put(self, part: Part) -> None:
        """Applies it at once if nothing waits before it, and it is short."""
        account = part.report.account
        waiting = self._waiting.setdefault(account, deque())
        if len(waiting) >= self._settings.waiting_sweeps:
            self._give_up(part)
            return
        waiting.append(part)
        if len(waiting) == 1:
            self._go_on(account)

    def _go_on(self, account: AccountId) -> None:
        waiting = self._waiting[account]
        while waiting:
            pause = self._advance(waiting[0])
            if pause is not None:
                self._timers.after(pause, lambda: self._go_on(account))
                return
            waiting.popleft()

    def _advance(self, part: Part) -> int | None:
        """How long until more of it can be applied; None: that was all."""
        report, end = part.report, part.begin + self._settings.slice
        if isinstance(report, m.TradesFetched):
            if _search(report) in self._given_up:
                return None
            if not self._venue_facts.has_room:
                return self._settings.room_wait
        if not self._venue_facts.take_all(report.account, *part.facts[part.begin : end]):
            self._give_up(part)
            return None
        part.begin = end
        if end < len(part.facts):
            return 0
        part.done()
        return None

    def _give_up(self, part: Part) -> None:
        self._counters["sweeps_given_up"] += 1
        if isinstance(part.report, m.TradesFetched):
            self._given_up.append(_search(part.report))


def _search(report: m.TradesFetched) -> Search:
    return report.report_id.partition(".")[0], report.asked_at
