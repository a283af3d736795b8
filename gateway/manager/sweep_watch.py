"""Sweeps of one account: when, and whether everything they found has been applied."""

import logging
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from gateway.domain import messages as m
from gateway.domain.identity import AccountId, OrderId, Symbol
from gateway.domain.venue import VenueProfile
from gateway.manager.budget import Budget
from gateway.manager.deadlines import Deadlines
from gateway.manager.order_watch import OrderWatch
from gateway.manager.questions import Questions
from gateway.manager.settings import SECOND, ManagerSettings, Schedule
from gateway.manager.symbols import Symbols
from gateway.ports import Clock

log = logging.getLogger("gateway.manager")

KEPT_REPORTS = 32


@dataclass(slots=True)
class Heard:
    """What was heard of one report: when each symbol's search for trades was asked, and the end."""

    searched: dict[Symbol, int] = field(default_factory=dict)
    swept: m.Checked | None = None


@dataclass(slots=True)
class Running:
    symbols: tuple[Symbol, ...]
    wide: bool
    report_id: str = ""  # not known before it is taken in
    searched: set[Symbol] = field(default_factory=set)

    @property
    def questions(self) -> int:
        """To the venue: trades of each symbol, open orders, balances."""
        return len(self.symbols) + 2

    def unsearched(self) -> list[Symbol]:
        """In the order in which they are asked for."""
        return [symbol for symbol in self.symbols if symbol not in self.searched]


class SweepWatch:
    """One sweep under way at most. A reason that comes meanwhile causes another one after it: what
    has been asked already may be older than the reason."""

    def __init__(
        self,
        account: AccountId,
        profile: VenueProfile,
        settings: ManagerSettings,
        schedule: Schedule,
        orders: OrderWatch,
        questions: Questions,
        deadlines: Deadlines,
        budget: Budget,
        clock: Clock,
        counters: Counter[str],
        on_missing: Callable[[tuple[OrderId, ...]], None],
    ) -> None:
        self._account = account
        self._profile = profile
        self._settings = settings
        self._schedule = schedule
        self._orders = orders
        self._questions = questions
        self._deadlines = deadlines
        self._budget = budget
        self._clock = clock
        self._counters = counters
        self._on_missing = on_missing
        self._key = ("sweep", account)
        self._coverage_key = ("coverage", account)
        self._interval = schedule.sweep if profile.has_private_stream else schedule.poll
        self._overlap = schedule.overlap_of(profile)
        self._running: Running | None = None
        self._again = False
        self._not_before = 0
        self._failures = 0
        self._heard: OrderedDict[str, Heard] = OrderedDict()
        self.symbols = Symbols(schedule, clock)
        self._wide = False
        self._wide_at: int | None = None
        self.is_covering = False
        """A sweep has succeeded, and not too long ago."""

    # ---- reasons -------------------------------------------------------------------------------

    def want(self, reason: str) -> None:
        """As soon as may be."""
        self._counters[f"sweeps_{reason}"] += 1
        log.info("sweep_wanted account=%s reason=%s", self._account, reason)
        if self._running is not None:
            self._again = True
        else:
            self._deadlines.put(self._key, self._gap(), self._begin)
        self._deadlines.put_if_none(self._coverage_key, self._coverage(), self._on_uncovered)

    def lost(self) -> None:
        """Whoever carried it out, or was to apply it, is gone."""
        if self._running is not None:
            self._want_wide_again(self._running)
            self._end(0)

    # ---- one sweep -----------------------------------------------------------------------------

    def _begin(self) -> None:
        if not self._questions.has_room:
            self._deadlines.put(self._key, self._settings.room_wait, self._begin)
            return
        wide = self._take_wide()
        in_orders = self._orders.symbols()
        symbols = self.symbols.choose(in_orders, self._settings.max_symbols, wide=wide)
        if not symbols and not self._profile.lists_all_open_orders:
            self._succeed()  # no order of this account can be open as far as is known
            return
        since = self.symbols.since(symbols, self._overlap, wide=wide)
        running = self._running = Running(symbols, wide)
        self._budget.spend(running.questions)
        rest = 2 * running.questions * SECOND // self._schedule.checks_per_second
        self._not_before = self._clock.monotonic() + rest
        self._deadlines.put(self._key, self._settings.sweep_patience, self._on_no_effect)
        self._counters["sweeps"] += 1
        self._questions.ask(
            m.SweepAccount,
            self._settings.sweep_patience,
            partial(self._on_reply, running),
            account=self._account,
            symbols=symbols,
            trades_since=min(since, default=self._clock.now()),
            since=since,
        )

    def _take_wide(self) -> bool:
        now = self._clock.monotonic()
        paused = self._wide_at is not None and now < self._wide_at + self._schedule.wide_pause
        if not self._wide or paused:
            return False
        self._wide, self._wide_at = False, now
        self._counters["wide_searches"] += 1
        return True

    def _on_reply(self, running: Running, reply: m.AnyReply | None) -> None:
        if running is not self._running:
            return
        if isinstance(reply, m.TakenReply):
            running.report_id = reply.report_id
            self._progress(running)
        else:
            self._fail()

    def on_checked(self, checked: m.Checked) -> None:
        """What was reported has been applied. It can be heard before the answer that names it. A
        report with a dot in its id is one of several: the last of them counts."""
        running = self._running
        sweep, _, piece = checked.report_id.partition(".")
        if running is not None and running.report_id == sweep:
            self._deadlines.put(self._key, self._settings.sweep_patience, self._on_no_effect)
        if piece:
            return
        heard = self._heard.setdefault(checked.report_id, Heard())
        if len(self._heard) > KEPT_REPORTS:
            self._heard.popitem(last=False)
        if checked.swept:
            heard.swept = checked
        else:
            heard.searched.setdefault(checked.searched, checked.asked_at)
        if running is not None:
            self._progress(running)

    def _progress(self, running: Running) -> None:
        heard = self._heard.get(running.report_id)
        if heard is None:
            return
        for symbol in running.unsearched():
            if symbol in heard.searched:
                running.searched.add(symbol)
                self.symbols.note_searched(symbol, heard.searched[symbol])
        if heard.swept is not None:
            self._note_applied(running, heard.swept)

    def _note_applied(self, running: Running, swept: m.Checked) -> None:
        self._note_failed_searches(running.unsearched())
        self.symbols.swept(swept.asked_at)
        self._succeed()
        if swept.missing:
            self._on_missing(swept.missing)
        if swept.balances_moved:
            self._search_wider(swept.balances_moved)

    def _note_failed_searches(self, symbols: list[Symbol]) -> None:
        """These are searched again from where they were; the others go on without them."""
        if symbols:
            self._counters["sweeps_without_all_trades"] += 1
            self._counters["searches_failed"] += len(symbols)
        for symbol in symbols:
            self.symbols.note_failed(symbol)

    def _search_wider(self, currencies: tuple[str, ...]) -> None:
        log.warning("balances_moved account=%s currencies=%s", self._account, ",".join(currencies))
        self._counters["balances_moved"] += 1
        self._wide = True
        now = self._clock.monotonic()
        if self._wide_at is None or now >= self._wide_at + self._schedule.wide_pause:
            self.want("balances")

    # ---- its end -------------------------------------------------------------------------------

    def _succeed(self) -> None:
        self._failures = 0
        self.is_covering = True
        self._orders.set_covered(True)
        self._deadlines.put(self._coverage_key, self._coverage(), self._on_uncovered)
        self._end(self._interval)

    def _fail(self) -> None:
        self._counters["sweeps_failed"] += 1
        if self._running is not None:
            self._want_wide_again(self._running)
        delay = self._settings.retry.delay(self._failures)
        self._failures += 1
        self._end(delay)

    def _on_no_effect(self) -> None:
        self._counters["sweeps_without_effect"] += 1
        if self._running is not None:
            self._put_back_slowest(self._running)
        self._fail()

    def _put_back_slowest(self, running: Running) -> None:
        """The search that was under way may have taken all the time: next time the others go
        first."""
        for symbol in running.unsearched()[:1]:
            self.symbols.note_swept(symbol)

    def _end(self, delay: int) -> None:
        self._running = None
        again, self._again = self._again, False
        waits = 0 if again and self._failures == 0 else delay
        self._deadlines.put(self._key, max(waits, self._gap()), self._begin)

    def _want_wide_again(self, running: Running) -> None:
        if running.wide:
            self._wide, self._wide_at = True, None

    def _gap(self) -> int:
        """Until sweeps have taken no more than half of the venue's budget: with many symbols in
        use, or a stream that comes and goes, they come slower."""
        return max(self._not_before - self._clock.monotonic(), 0)

    def _coverage(self) -> int:
        return self._interval + self._schedule.uncovered.after

    def _on_uncovered(self) -> None:
        """No sweep has succeeded for so long that each open order must be refreshed by itself."""
        log.warning("sweeps_fail account=%s", self._account)
        self.is_covering = False
        self._orders.set_covered(False)
