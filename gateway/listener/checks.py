"""What the actioner found out: checks of one order, sweeps of an account, an operator's word."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from gateway.domain import facts as f
from gateway.domain import messages as m
from gateway.domain.enums import Source
from gateway.domain.identity import EXTERNAL_TAG, OrderId, order_id_tag
from gateway.listener.announcer import Announcer
from gateway.listener.balances import BalanceWatch
from gateway.listener.book import Tracked
from gateway.listener.draft import Draft
from gateway.listener.ledger import Ledger
from gateway.listener.settings import ListenerSettings
from gateway.listener.sweeps import Sweeps
from gateway.listener.translate import fact_of_listed, facts_of_check, facts_of_trades
from gateway.listener.venue_facts import Taken, VenueFacts
from gateway.ports import Timers

log = logging.getLogger("gateway.listener")

Check = m.OrderChecked | m.AccountSwept | m.TradesFetched | m.ClosedOrdersFetched | m.Resolve


class Checks:
    """Each check that has been applied is published as `checked`, also if it changed nothing.

    One that can't be recorded is not: whoever wants it asks again. A long report is applied some
    facts at a time: thousands of orders must not hold up the next update.
    """

    def __init__(
        self,
        ledger: Ledger,
        venue_facts: VenueFacts,
        announcer: Announcer,
        timers: Timers,
        settings: ListenerSettings,
        counters: Counter[str],
    ) -> None:
        self._ledger = ledger
        self._venue_facts = venue_facts
        self._announcer = announcer
        self._timers = timers
        self._settings = settings
        self._counters = counters
        self._sweeps = Sweeps(venue_facts, timers, settings, counters)

    def on_check(self, report: Check) -> None:
        if report.account not in self._ledger.profiles:
            self._counters["unknown_account"] += 1
            log.warning("report_of_unknown_account account=%s", report.account)
            return
        match report:
            case m.OrderChecked():
                self._on_order_checked(report)
            case m.AccountSwept():
                self._on_swept(report)
            case m.TradesFetched():
                self._on_trades(report)
            case m.ClosedOrdersFetched():
                self._on_closed_orders(report)
            case m.Resolve():
                self._on_resolve(report)

    def _apply(
        self, report: Check, facts: Sequence[f.VenueFact], then: Callable[[], None], begin: int = 0
    ) -> None:
        end = begin + self._settings.slice
        if self._venue_facts.take_all(report.account, facts[begin:end]) is not Taken.ALL:
            return
        if end < len(facts):
            self._timers.after(0, lambda: self._apply(report, facts, then, end))
        else:
            then()

    # ---- one order -----------------------------------------------------------------------------

    def _on_order_checked(self, report: m.OrderChecked) -> None:
        def announce() -> None:
            self._announce(report, report.asked_at, order_ids=(report.order_id,))

        facts = list(facts_of_check(report, self._ledger.lag(report.account)))
        absences = [fact for fact in facts if isinstance(fact, f.Absent)]
        sightings = [fact for fact in facts if isinstance(fact, f.Snapshot | f.Trade)]
        if self._apply_absences(report, absences):
            self._apply(report, sightings, announce)

    def _apply_absences(self, report: m.OrderChecked, absences: Sequence[f.Absent]) -> bool:
        draft = self._ledger.draft()
        for fact in absences:
            self._draft_absence(draft, report, fact)
        return self._ledger.commit(draft)

    def _draft_absence(self, draft: Draft, report: m.OrderChecked, fact: f.Absent) -> None:
        """Of an order that is not in memory it says nothing new: that one was closed."""
        tracked = self._ledger.book.get(report.order_id)
        at_hand = self._ledger.state.is_at_hand(report.order_id)
        if tracked is None and order_id_tag(report.order_id) == EXTERNAL_TAG:
            asked_by = report.asked_at - fact.lag
            self._venue_facts.note_absence(report.order_id, asked_by)
        elif not at_hand or tracked is None or tracked.order.account != report.account:
            self._counters["facts_without_order"] += 1
        elif self._counts(tracked, report, fact):
            draft.apply(report.order_id, report.account, fact)

    def _counts(self, tracked: Tracked, report: m.OrderChecked, fact: f.Absent) -> bool:
        """Wall clocks can jump. The absence of an order that was never acknowledged counts only if
        the venue was asked that long after we knew of it on the monotonic clock as well."""
        order = tracked.order
        if order.acknowledged_at is not None:
            return True
        waited = self._ledger.clock.monotonic() - tracked.known_since - self._age(report)
        return waited > order.land_by - order.created_at + fact.lag

    def _age(self, report: m.OrderChecked | m.AccountSwept) -> int:
        """How long ago the venue was asked, at most."""
        since = self._ledger.clock.now() - report.asked_at
        return max(since, report.answered_at - report.asked_at, 0)

    def _on_resolve(self, report: m.Resolve) -> None:
        draft = self._ledger.draft()
        fact = f.Resolution(
            at=report.at, operator=report.operator, status=report.status, text=report.text
        )
        order = draft.order(report.order_id)
        if not self._ledger.state.is_at_hand(report.order_id):
            draft.park(report.account, fact, report.order_id)
        elif order is None or order.account != report.account:
            self._counters["facts_without_order"] += 1
            log.warning("resolution_of_unknown_order order_id=%s", report.order_id)
        else:
            draft.apply(report.order_id, report.account, fact)
        if self._ledger.commit(draft):
            self._announce(report, report.at, order_ids=(report.order_id,))

    # ---- the account ---------------------------------------------------------------------------

    def _on_trades(self, report: m.TradesFetched) -> None:
        self._sweeps.put(
            report,
            lambda: list(facts_of_trades(report.trades, report, Source.SWEEP)),
            lambda: self._announce(report, report.asked_at, searched=report.symbol),
        )

    def _on_closed_orders(self, report: m.ClosedOrdersFetched) -> None:
        def announce() -> None:
            if report.is_last:
                self._announce(report, report.asked_at, closed=report.symbol)

        lag = self._ledger.lag(report.account)
        self._sweeps.put(
            report, lambda: [fact_of_listed(one, report, lag) for one in report.orders], announce
        )

    def _on_swept(self, report: m.AccountSwept) -> None:
        settled_by, seen_by = self._settled_by(report), self._ledger.clock.now()
        lag, orders = self._ledger.lag(report.account), report.open_orders.orders
        self._sweeps.put(
            report,
            lambda: [fact_of_listed(one, report, lag) for one in orders],
            lambda: self._finish_sweep(report, settled_by, seen_by),
        )

    def _settled_by(self, report: m.AccountSwept) -> int:
        """What has not changed since then must be in the answer. On the monotonic clock."""
        return self._ledger.clock.monotonic() - self._age(report) - self._margin(report)

    def _margin(self, report: m.AccountSwept) -> int:
        return self._ledger.lag(report.account) + self._settings.clock_error

    def _finish_sweep(self, report: m.AccountSwept, settled_by: int, seen_by: int) -> None:
        """`seen_by`: the balances are from before then, ns UTC."""
        moved: tuple[str, ...] = ()
        if report.balances is not None:
            watch = self._ledger.balances.setdefault(report.account, BalanceWatch())
            margin = self._margin(report)
            moved = watch.compare(report.balances, report.asked_at - margin, seen_by + margin)
        self._announce(
            report,
            report.asked_at,
            swept=True,
            missing=self._missing(report, settled_by),
            balances_moved=moved,
        )

    def _missing(self, report: m.AccountSwept, settled_by: int) -> tuple[OrderId, ...]:
        """Open, unchanged since long enough before the question, and not in its answer."""
        listed = {(order.symbol, order.venue_order_id) for order in report.open_orders.orders}
        symbols = report.open_orders.symbols
        return tuple(
            tracked.order.order_id
            for tracked in self._ledger.book.open_of(report.account)
            if tracked.order.venue_order_id is not None
            and (tracked.order.symbol, tracked.order.venue_order_id) not in listed
            and (not symbols or tracked.order.symbol in symbols)
            and tracked.changed_since < settled_by
        )

    def _announce(self, report: Check, asked_at: int, **found: Any) -> None:
        """`found`: what of `Checked` is particular to this kind of report."""
        self._announcer.checked(
            m.Checked(
                account=report.account, asked_at=asked_at, report_id=report.report_id, **found
            )
        )
