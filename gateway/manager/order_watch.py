"""The orders of one account that may have to be looked up, and when."""

import logging
from collections import Counter, OrderedDict
from collections.abc import Iterable
from functools import partial

from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus, Pending
from gateway.domain.identity import AccountId, OrderId, Symbol, VenueOrderId
from gateway.domain.order import Order
from gateway.domain.venue import VenueProfile
from gateway.manager.budget import Budget
from gateway.manager.deadlines import Deadlines
from gateway.manager.questions import Questions
from gateway.manager.settings import ManagerSettings, Pace, Schedule

log = logging.getLogger("gateway.manager")

SLOW = ("", "missing_fees")
"""Rows of orders that sweeps keep fresh."""

Number = tuple[int, int]
"""(epoch, seq) of an order's last update."""


def row_of(order: Order) -> str:
    """The schedule's row that the order is in; empty: it is left to sweeps."""
    if order.status is OrderStatus.IN_DOUBT:
        return "in_doubt"
    if order.disputed or not order.trades_complete:
        return "missing_trades"
    if order.status is OrderStatus.PENDING_NEW:
        return "pending_new"
    if order.pending is not Pending.NONE:
        return "pending_request"
    if order.fees_missing:
        return "missing_fees"
    return ""


class Watched:
    __slots__ = (
        "absences",
        "attempts",
        "fees_missing",
        "is_open",
        "number",
        "order_id",
        "row",
        "symbol",
        "venue_order_id",
        "with_trades",
    )

    def __init__(self, order: Order) -> None:
        self.order_id: OrderId = order.order_id
        self.symbol: Symbol = order.symbol
        self.number: Number = (0, 0)
        self.row = ""
        self.attempts = 0
        self.absences = 0
        self.is_open = True
        self.fees_missing = False
        self.with_trades = False
        self.venue_order_id: VenueOrderId | None = None

    def take(self, order: Order, number: Number) -> None:
        self.number = number
        self.venue_order_id = order.venue_order_id
        self.is_open = not order.is_closed
        self.fees_missing = order.fees_missing > 0
        lacks_trades = bool(order.disputed) or not order.trades_complete
        self.with_trades = self.fees_missing or lacks_trades

    def has_more_absences(self, order: Order) -> bool:
        """A "no" that counts: the next one is the verdict, so it is asked for without delay."""
        before, self.absences = self.absences, len(order.absences)
        return self.absences > before


class OrderWatch:
    """Bounded by the orders that are open, or closed and without all their trades, and by
    `kept_fees`."""

    def __init__(
        self,
        account: AccountId,
        profile: VenueProfile,
        settings: ManagerSettings,
        schedule: Schedule,
        questions: Questions,
        deadlines: Deadlines,
        budget: Budget,
        counters: Counter[str],
    ) -> None:
        self._account = account
        self._settings = settings
        self._schedule = schedule
        self._questions = questions
        self._deadlines = deadlines
        self._budget = budget
        self._counters = counters
        self._gives_fees = profile.gives_fees
        self._orders: dict[OrderId, Watched] = {}
        self._for_fees: OrderedDict[OrderId, Watched] = OrderedDict()
        self._due: OrderedDict[OrderId, Watched] = OrderedDict()
        self._due_uncovered: OrderedDict[OrderId, Watched] = OrderedDict()
        self._due_for_fees: OrderedDict[OrderId, Watched] = OrderedDict()
        self._reserve = schedule.burst // 2
        """Of the budget: what no look-up for a fee takes."""
        self._covered = True
        self._failures = 0
        self._pump_key = ("pump", account)

    def __len__(self) -> int:
        return len(self._orders)

    def knows(self, order_id: OrderId) -> bool:
        return order_id in self._orders

    def symbols(self) -> set[Symbol]:
        return {watched.symbol for watched in self._orders.values()}

    # ---- what is heard -------------------------------------------------------------------------

    def take(self, order: Order, number: Number) -> None:
        watched = self._orders.get(order.order_id)
        if watched is not None and number <= watched.number:
            return
        row = self._row(order)
        if order.is_closed and not row:
            self._forget(order.order_id)
            return
        if watched is None:
            watched = self._orders[order.order_id] = Watched(order)
        watched.take(order, number)
        if row != watched.row or watched.has_more_absences(order):
            self._enter(watched, row)

    def _row(self, order: Order) -> str:
        row = row_of(order)
        if row == "missing_fees" and not self._gives_fees:
            row = ""
        if row in SLOW and not self._covered and not order.is_closed:
            row = "uncovered"
        return row

    def restate(self, orders: Iterable[Order], number: Number) -> None:
        """The account's orders as of `number`; what was heard later stands."""
        listed = set()
        for order in orders:
            listed.add(order.order_id)
            watched = self._orders.get(order.order_id)
            if watched is not None and watched.number[0] != number[0]:
                watched.number = (0, 0)
            self.take(order, number)
        for order_id, watched in list(self._orders.items()):
            if order_id not in listed and not _is_later(watched.number, number):
                self._forget(order_id)

    def _forget(self, order_id: OrderId) -> None:
        if self._orders.pop(order_id, None) is not None:
            self._drop_due(order_id)
            self._for_fees.pop(order_id, None)
            self._deadlines.drop(self._key(order_id))

    # ---- when to look it up --------------------------------------------------------------------

    def _enter(self, watched: Watched, row: str) -> None:
        watched.row = row
        watched.attempts = 0
        self._drop_due(watched.order_id)
        self._file_for_fees(watched)
        if row:
            self._wait(watched, self._pace(row).delay(0))
        else:
            self._deadlines.drop(self._key(watched.order_id))

    def _file_for_fees(self, watched: Watched) -> None:
        self._for_fees.pop(watched.order_id, None)
        if watched.row == "missing_fees":
            self._for_fees[watched.order_id] = watched
            if len(self._for_fees) > self._settings.kept_fees:
                self._give_up_fees(next(iter(self._for_fees.values())))

    def _give_up_fees(self, watched: Watched) -> None:
        """Sweeps may still bring them, for as long as they ask for those trades. A warning first,
        then seldom: at a venue that tells no fees it is each order."""
        self._counters["fees_given_up"] += 1
        count = self._counters["fees_given_up"]
        log.log(
            logging.INFO if count & (count - 1) else logging.WARNING,
            "fees_given_up order_id=%s account=%s count=%d",
            watched.order_id, self._account, count,
        )  # fmt: skip
        if watched.is_open:
            self._enter(watched, "")
        else:
            self._forget(watched.order_id)

    def _pace(self, row: str) -> Pace:
        pace: Pace = getattr(self._schedule, row)
        return pace

    def _key(self, order_id: OrderId) -> tuple[str, AccountId, OrderId]:
        return ("order", self._account, order_id)

    def _wait(self, watched: Watched, delay: int) -> None:
        action = partial(self._on_due, watched)
        self._deadlines.put(self._key(watched.order_id), delay, action)

    def _on_due(self, watched: Watched) -> None:
        if watched.order_id not in self._due:
            self._queue(watched.row)[watched.order_id] = watched
        self._pump_soon()

    def _queue(self, row: str) -> OrderedDict[OrderId, Watched]:
        if row == "missing_fees":
            return self._due_for_fees
        return self._due_uncovered if row == "uncovered" else self._due

    def _drop_due(self, order_id: OrderId) -> None:
        self._due.pop(order_id, None)
        self._drop_slow(order_id)

    def _drop_slow(self, order_id: OrderId) -> None:
        self._due_uncovered.pop(order_id, None)
        self._due_for_fees.pop(order_id, None)

    def look_up(self, order_ids: Iterable[OrderId]) -> None:
        """At once, with their trades: open orders that the venue does not list as open. Those in
        doubt keep their pace: each sweep says again that they are missing."""
        for order_id in order_ids:
            watched = self._orders.get(order_id)
            if watched is not None and watched.row != "in_doubt":
                watched.with_trades = True
                self._drop_slow(order_id)
                self._due[order_id] = watched
                self._pump_soon()

    def on_checked(self, order_ids: Iterable[OrderId]) -> None:
        """The venue's answer about these has been applied, whether or not it changed anything."""
        self._failures = 0
        for order_id in order_ids:
            watched = self._orders.get(order_id)
            if watched is not None:
                self._drop_due(order_id)
                self._again(watched)

    def _again(self, watched: Watched) -> None:
        if not watched.row:
            self._deadlines.drop(self._key(watched.order_id))
            return
        watched.attempts += 1
        if watched.row == "missing_fees" and watched.attempts >= self._schedule.fee_attempts:
            self._give_up_fees(watched)
            return
        self._wait(watched, self._pace(watched.row).delay(watched.attempts))

    # ---- what no sweep covers ------------------------------------------------------------------

    def set_covered(self, covered: bool) -> None:
        """Whether sweeps refresh the open orders, so that they need no look-up of their own."""
        if covered == self._covered:
            return
        self._covered = covered
        for watched in list(self._orders.values()):
            if not watched.is_open:
                continue
            if not covered and watched.row in SLOW:
                self._enter(watched, "uncovered")
            elif covered and watched.row == "uncovered":
                wants_fees = watched.fees_missing and self._gives_fees
                self._enter(watched, "missing_fees" if wants_fees else "")

    # ---- asking --------------------------------------------------------------------------------

    def _pump_soon(self) -> None:
        self._deadlines.put_if_none(self._pump_key, 0, self._pump)

    def _pump(self) -> None:
        """Sends what is due, as far as budget and room go; the rest when there is more of them.
        Thousands of orders that no sweep covers are due at once: what is in doubt goes before. A
        fee is no hurry: what it costs to ask for many must not hold up anything else."""
        while due := self._due or self._due_uncovered or self._due_for_fees:
            kept_back = self._reserve if due is self._due_for_fees else 0
            room = min(self._settings.batch, self._budget.available() - kept_back)
            if not self._questions.has_room:
                self._deadlines.put(self._pump_key, self._settings.room_wait, self._pump)
                return
            if room <= 0:
                wait = self._settings.room_wait if kept_back else self._budget.wait()
                self._deadlines.put(self._pump_key, wait, self._pump)
                return
            self._send(_take(due, room))

    def _send(self, batch: list[Watched]) -> None:
        self._budget.spend(len(batch))
        self._counters["checks"] += len(batch)
        for watched in batch:
            self._wait_for_effect(watched)
            log.debug(
                "check_wanted order_id=%s account=%s reason=%s",
                watched.order_id, self._account, watched.row,
            )  # fmt: skip
        self._questions.ask(
            m.CheckOrders,
            self._settings.check_patience,
            partial(self._on_reply, batch),
            account=self._account,
            order_ids=tuple(one.order_id for one in batch),
            symbols=tuple(one.symbol for one in batch),
            venue_order_ids=tuple(one.venue_order_id for one in batch),
            with_trades=batch[0].with_trades,
        )

    def _wait_for_effect(self, watched: Watched) -> None:
        action = partial(self._on_no_effect, watched)
        self._deadlines.put(self._key(watched.order_id), self._settings.check_patience, action)

    def _on_no_effect(self, watched: Watched) -> None:
        self._counters["checks_without_effect"] += 1
        self._again(watched)

    def _on_reply(self, batch: list[Watched], reply: m.AnyReply | None) -> None:
        """Refused: nothing was done, so it is due again soon. No answer: its effect may show."""
        if not isinstance(reply, m.Failed):
            return
        delay = self._settings.retry.delay(self._failures)
        self._failures += 1
        for watched in batch:
            if self._orders.get(watched.order_id) is watched and watched.row:
                self._wait(watched, delay)


def _take(due: OrderedDict[OrderId, Watched], room: int) -> list[Watched]:
    """The longest due first, all of them with trades or all without."""
    with_trades = next(iter(due.values())).with_trades
    same = (one for one in due.values() if one.with_trades == with_trades)
    batch = [one for _, one in zip(range(room), same, strict=False)]
    for one in batch:
        del due[one.order_id]
    return batch


def _is_later(number: Number, than: Number) -> bool:
    """In the same epoch; what was heard in another one does not count."""
    return number[0] == than[0] and number[1] > than[1]
