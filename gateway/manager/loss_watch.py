"""Searches one account for closed orders of ours that a journal may have lost."""

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial

from gateway.domain import messages as m
from gateway.domain.identity import AccountId, Symbol
from gateway.domain.venue import VenueProfile
from gateway.manager.budget import Budget
from gateway.manager.questions import Questions
from gateway.manager.settings import ManagerSettings, Schedule
from gateway.ports import Clock

Loss = tuple[int, int]


class LossWatch:
    """An order that is open shows in each sweep, so first a sweep must have been asked after all
    that was sent has landed: what it did not list has closed, and is searched for, symbol by
    symbol. The listener says each second for an hour that records were lost, which is also how
    long symbols that come into use are searched."""

    def __init__(
        self,
        account: AccountId,
        profile: VenueProfile,
        settings: ManagerSettings,
        schedule: Schedule,
        symbols: Callable[[], Iterable[Symbol]],
        questions: Questions,
        budget: Budget,
        clock: Clock,
        counters: Counter[str],
    ) -> None:
        self._account = account
        self._settings = settings
        self._overlap = schedule.overlap_of(profile)
        self._landing = schedule.landing + profile.visibility_lag
        self._is_listed = profile.lists_closed_orders
        self._symbols = symbols
        self._questions = questions
        self._budget = budget
        self._clock = clock
        self._counters = counters
        self._loss: Loss = (0, 0)
        self._swept_at = 0
        self._searched: set[Symbol] = set()
        self._running: Symbol | None = None
        self._patience_ends = 0

    def on_swept(self, asked_at: int) -> None:
        self._swept_at = max(self._swept_at, asked_at)

    def on_lost(self, lost: m.RecordsLost) -> None:
        loss = (lost.since, lost.until)
        if loss != self._loss:
            self._loss = loss
            self._searched.clear()
        if not self._is_listed or self._swept_at <= lost.until + self._landing:
            return
        if self._running is None or self._clock.monotonic() >= self._patience_ends:
            self._search_next()

    def _search_next(self) -> None:
        """One at a time: nothing waits for it but what has been over for long."""
        self._running = None
        left = sorted(set(self._symbols()) - self._searched)
        if not left or not self._budget.available() or not self._questions.has_room:
            return
        symbol = self._running = left[0]
        self._patience_ends = self._clock.monotonic() + self._settings.sweep_patience
        self._budget.spend(1)
        self._counters["closed_searches"] += 1
        since, until = self._loss
        self._questions.ask(
            m.SearchClosed,
            self._settings.sweep_patience,
            partial(self._on_reply, symbol),
            account=self._account,
            symbol=symbol,
            since=since - self._overlap,
            until=until + self._overlap,
        )

    def _on_reply(self, symbol: Symbol, reply: m.AnyReply | None) -> None:
        """Refused: tried again when the listener says next that records were lost."""
        if isinstance(reply, m.Failed) and self._running == symbol:
            self._running = None

    def on_checked(self, checked: m.Checked) -> None:
        """One that was asked too early for this loss does not count."""
        if checked.asked_at > self._loss[1] + self._landing:
            self._searched.add(checked.closed)
        if self._running == checked.closed:
            self._running = None
