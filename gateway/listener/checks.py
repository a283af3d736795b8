"""What the actioner found out: checks of one order, sweeps of an account, an operator's word."""

import logging
from collections import Counter

from gateway.domain import facts as f
from gateway.domain import messages as m
from gateway.domain.enums import Source
from gateway.domain.identity import OrderId
from gateway.domain.order import Order
from gateway.listener.announcer import Announcer
from gateway.listener.draft import Draft
from gateway.listener.ledger import Ledger
from gateway.listener.recall import Recaller
from gateway.listener.settings import ListenerSettings
from gateway.listener.translate import fact_of_swept, facts_of_check
from gateway.listener.venue_facts import VenueFacts
from gateway.ports import Timers

log = logging.getLogger("gateway.listener")

Check = m.OrderChecked | m.AccountSwept | m.TradesFetched | m.Resolve


class Checks:
    """Each check that has been applied is published as `checked`, also if it changed nothing."""

    def __init__(
        self,
        ledger: Ledger,
        venue_facts: VenueFacts,
        recaller: Recaller,
        announcer: Announcer,
        timers: Timers,
        settings: ListenerSettings,
        counters: Counter[str],
    ) -> None:
        self._ledger = ledger
        self._venue_facts = venue_facts
        self._recaller = recaller
        self._announcer = announcer
        self._timers = timers
        self._slice = settings.sweep_slice
        self._counters = counters

    def on_check(self, report: Check) -> None:
        if report.account not in self._ledger.profiles:
            self._counters["unknown_account"] += 1
            log.warning("report_of_unknown_account account=%s", report.account)
            return
        match report:
            case m.OrderChecked():
                self._on_order_checked(report)
            case m.AccountSwept():
                self._on_swept(report, 0)
            case m.TradesFetched():
                self._on_trades(report)
            case m.Resolve():
                self._on_resolve(report)

    def _on_order_checked(self, report: m.OrderChecked) -> None:
        draft = self._ledger.draft()
        for fact in facts_of_check(report, self._ledger.lag(report.account)):
            match fact:
                case f.Absent():
                    self._draft_absence(draft, report, fact)
                case f.Snapshot() | f.Trade():
                    self._venue_facts.draft(draft, report.account, fact)
        if self._ledger.commit(draft):
            self._announce(report, report.asked_at, (report.order_id,))

    def _draft_absence(self, draft: Draft, report: m.OrderChecked, fact: f.Absent) -> None:
        order = draft.order(report.order_id)
        if order is None and not self._recaller.is_at_hand(report.order_id):
            self._recaller.park(report.account, report.order_id, fact)
        elif order is not None and self._counts(order, fact):
            draft.apply(order.order_id, order.account, fact)

    def _counts(self, order: Order, fact: f.Absent) -> bool:
        """Wall clocks can jump; an absence counts only after as long on the monotonic clock."""
        known_since = self._ledger.unacknowledged.get(order.order_id)
        if known_since is None:
            return True
        wait = order.land_by - order.created_at + fact.lag
        return self._ledger.clock.monotonic() - known_since > wait

    def _on_trades(self, report: m.TradesFetched) -> None:
        facts = (
            f.Trade(at=report.answered_at, source=Source.SWEEP, trade=trade)
            for trade in report.trades
        )
        if self._venue_facts.take(report.account, *facts):
            self._announce(report, report.asked_at)

    def _on_resolve(self, report: m.Resolve) -> None:
        draft = self._ledger.draft()
        fact = f.Resolution(
            at=report.at, operator=report.operator, status=report.status, text=report.text
        )
        draft.apply(report.order_id, report.account, fact)
        if self._ledger.commit(draft):
            self._announce(report, report.at, (report.order_id,))

    def _on_swept(self, report: m.AccountSwept, begin: int) -> None:
        """A slice at a time: a sweep of thousands of orders must not hold up the next update."""
        end = begin + self._slice
        lag = self._ledger.lag(report.account)
        orders = report.open_orders.orders[begin:end]
        facts = (fact_of_swept(order, report, lag) for order in orders)
        if not self._venue_facts.take(report.account, *facts):
            return
        if end < len(report.open_orders.orders):
            self._timers.after(0, lambda: self._on_swept(report, end))
        else:
            self._finish_sweep(report)

    def _finish_sweep(self, report: m.AccountSwept) -> None:
        moved: tuple[str, ...] = ()
        if report.balances is not None:
            moved = self._ledger.balances[report.account].compare(report.balances)
        self._announcer.checked(
            m.Checked(
                account=report.account,
                asked_at=report.asked_at,
                report_id=report.report_id,
                swept=True,
                missing=self._missing(report),
                balances_moved=moved,
            )
        )

    def _missing(self, report: m.AccountSwept) -> tuple[OrderId, ...]:
        """Open, acknowledged long enough before the question, and not in its answer."""
        listed = {(order.symbol, order.venue_order_id) for order in report.open_orders.orders}
        symbols = report.open_orders.symbols
        settled_by = report.asked_at - self._ledger.lag(report.account)
        return tuple(
            order.order_id
            for order in self._ledger.book.open_of(report.account)
            if order.venue_order_id is not None
            and (order.symbol, order.venue_order_id) not in listed
            and (not symbols or order.symbol in symbols)
            and max(order.acknowledged_at or 0, order.changed_at) < settled_by
        )

    def _announce(self, report: Check, asked_at: int, order_ids: tuple[OrderId, ...] = ()) -> None:
        self._announcer.checked(
            m.Checked(
                account=report.account,
                asked_at=asked_at,
                report_id=report.report_id,
                order_ids=order_ids,
            )
        )
