"""Checks for the manager: what a venue says becomes a report, what it fails to say does not."""

import logging
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from gateway.actioner.lane import Lane, Turn
from gateway.actioner.reporting import Reporter
from gateway.actioner.view import View
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.enums import Pending
from gateway.domain.errors import BadInput, Busy, Code, Unavailable
from gateway.domain.identity import (
    AccountId,
    OrderId,
    Symbol,
    VenueOrderId,
    is_order_id,
    order_id_tag,
)
from gateway.ports import Clock, Outlet

log = logging.getLogger("gateway.actioner")

CLIENT = "actioner"
MAX_BATCH = 100
MAX_SYMBOLS = 500
TRADES_IN_REPORT = 2_000
ORDERS_IN_REPORT = 1_000


@dataclass(slots=True)
class Sweep:
    """Trades first, so that they explain the balances that are asked for last. Each question has
    `patience` ns from the answer before it: a long sweep is no reason to break it off."""

    report_id: str
    since: dict[Symbol, int]
    patience: int
    expires_at: int
    left: deque[Symbol]


class Checking:
    """One account. One sweep runs and one waits at most; a further one takes that one's place."""

    def __init__(
        self,
        lane: Lane,
        view: View,
        reporter: Reporter,
        urgent: Outlet,
        clock: Clock,
        counters: Counter[str],
        tag: int,
    ) -> None:
        """`tag` is the id space of this gateway."""
        self._lane = lane
        self._tag = tag
        self._view = view
        self._urgent = urgent
        self._account: AccountId = lane.venue.account
        self._reporter = reporter
        self._clock = clock
        self._counters = counters
        self._running: Sweep | None = None
        self._next: Sweep | None = None

    def _require_ready(self) -> None:
        if not self._lane.venue.ready:
            text = f"the session with {self._lane.venue.profile.venue} is not ready; ask again"
            raise Unavailable(text, Code.NOT_READY)

    # ---- orders --------------------------------------------------------------------------------

    def check(self, request: m.CheckOrders) -> str:
        """Takes all of them in and returns the report's id, or raises and takes in none."""
        _check_shape(request)
        self._require_ready()
        if not self._lane.has_room(Turn.CHECK, len(request.order_ids)):
            raise Busy("too many checks of this account are waiting already")
        report_id = self._reporter.new_id()
        for order_id, symbol, venue_order_id in zip(
            request.order_ids, request.symbols, request.venue_order_ids, strict=True
        ):
            question = v.FetchOrder(
                order_id=OrderId(order_id),
                symbol=Symbol(symbol),
                venue_order_id=None if venue_order_id is None else VenueOrderId(venue_order_id),
                with_trades=request.with_trades,
            )
            self._check_one(question, report_id, request.expires_at)
        return report_id

    def _check_one(self, question: v.FetchOrder, report_id: str, expires_at: int) -> None:
        self._lane.ask(
            Turn.CHECK,
            question,
            expires_at,
            lambda asked_at, answer: self._report_order(question, report_id, asked_at, answer),
            lambda: None,
        )

    def _report_order(
        self, question: v.FetchOrder, report_id: str, asked_at: int, answer: v.VenueAnswer
    ) -> None:
        if not isinstance(answer, v.OrderFound | v.OrderNotFound):
            self._note_failure("check", answer)
            return
        report = m.OrderChecked(
            report_id=report_id,
            account=self._account,
            order_id=question.order_id,
            symbol=question.symbol,
            asked_at=asked_at,
            answered_at=self._clock.now(),
            answer=answer,
        )
        self._reporter.send(report)
        log.debug(
            "order_checked order_id=%s account=%s report_id=%s found=%s",
            report.order_id, report.account, report_id, isinstance(answer, v.OrderFound),
        )  # fmt: skip
        if isinstance(answer, v.OrderFound) and not answer.order.status.is_closed:
            self._repeat_cancel(question.order_id)

    def _repeat_cancel(self, order_id: OrderId) -> None:
        """The venue has it open, and somebody wanted it canceled. The executor repeats that by
        itself; one whose journal was lost does not know of it any more."""
        self._view.poll()
        order = self._view.orders.get(order_id)
        if order is None or order.pending is not Pending.CANCEL:
            return
        cancel = m.Cancel(
            order_id=order_id,
            command_id=self._reporter.new_id(),
            client_id=CLIENT,
            account=order.account,
            symbol=order.symbol,
            venue_order_id=order.venue_order_id,
        )
        taken = self._urgent.send(codec.encode(cancel))
        self._counters["cancels_repeated" if taken else "cancels_not_taken"] += 1

    # ---- the account ---------------------------------------------------------------------------

    def sweep(self, request: m.SweepAccount) -> str:
        """Taken in or raised. The one asker has given up a sweep that it asks for again."""
        if len(request.symbols) > MAX_SYMBOLS:
            raise BadInput(f"a sweep names at most {MAX_SYMBOLS} symbols")
        self._require_ready()
        since = _since_of(request)
        self._next = Sweep(
            report_id=self._reporter.new_id(),
            since=since,
            patience=request.expires_at - self._clock.now(),
            expires_at=request.expires_at,
            left=deque(since),
        )
        report_id = self._next.report_id
        if self._running is None:
            self._begin_next()
        return report_id

    def _begin_next(self) -> None:
        self._running, self._next = self._next, None
        if self._running is not None:
            self._step(self._running)

    def _step(self, sweep: Sweep) -> None:
        """Nobody waits for what is left of it once another one was asked for."""
        if self._next is not None:
            self._begin_next()
            return
        if sweep.left:
            symbol = sweep.left.popleft()
            question = v.FetchTrades(symbol=symbol, since=sweep.since[symbol])
            self._ask(
                sweep, question, lambda at, answer: self._on_trades(sweep, symbol, at, answer)
            )
        elif sweep.since or self._lane.venue.profile.lists_all_open_orders:
            symbols = () if self._lane.venue.profile.lists_all_open_orders else tuple(sweep.since)
            question_of_all = v.FetchOpenOrders(symbols=symbols)
            self._ask(
                sweep, question_of_all, lambda at, answer: self._on_open_orders(sweep, at, answer)
            )
        else:
            self._begin_next()

    def _ask(
        self, sweep: Sweep, question: v.VenueRequest, answered: Callable[[int, v.VenueAnswer], None]
    ) -> None:
        def on_answer(asked_at: int, answer: v.VenueAnswer) -> None:
            sweep.expires_at = self._clock.now() + sweep.patience
            answered(asked_at, answer)

        self._lane.ask(Turn.SWEEP, question, sweep.expires_at, on_answer, self._begin_next)

    def _on_trades(
        self, sweep: Sweep, symbol: Symbol, asked_at: int, answer: v.VenueAnswer
    ) -> None:
        if isinstance(answer, v.Trades):
            self._report_trades(sweep, symbol, asked_at, answer.trades)
        else:
            self._note_failure("trades", answer)
        self._step(sweep)

    def _report_trades(
        self, sweep: Sweep, symbol: Symbol, asked_at: int, trades: tuple[v.VenueTrade, ...]
    ) -> None:
        """Of several pieces only the last has the sweep's id, and it follows only if the others
        were taken: the manager counts it as the whole."""
        last = max(len(trades) - 1, 0) // TRADES_IN_REPORT
        for piece in range(last + 1):
            begin = piece * TRADES_IN_REPORT
            report = m.TradesFetched(
                report_id=sweep.report_id if piece == last else f"{sweep.report_id}.{piece}",
                account=self._account,
                asked_at=asked_at,
                answered_at=self._clock.now(),
                trades=trades[begin : begin + TRADES_IN_REPORT],
                symbol=symbol,
            )
            if not self._reporter.send(report):
                return

    def _on_open_orders(self, sweep: Sweep, asked_at: int, answer: v.VenueAnswer) -> None:
        if not isinstance(answer, v.OpenOrders):
            self._note_failure("open_orders", answer)
            self._begin_next()
            return
        swept = m.AccountSwept(
            report_id=sweep.report_id,
            account=self._account,
            asked_at=asked_at,
            answered_at=self._clock.now(),
            open_orders=answer,
        )
        self._ask(sweep, v.FetchBalances(), lambda _, balances: self._finish(swept, balances))

    def _finish(self, swept: m.AccountSwept, answer: v.VenueAnswer) -> None:
        if isinstance(answer, v.Balances):
            swept = replace(swept, balances=answer.balances)
        else:
            self._note_failure("balances", answer)
        self._reporter.send(swept)
        self._begin_next()

    # ---- closed orders that a journal may have lost --------------------------------------------

    def search_closed(self, request: m.SearchClosed) -> str:
        """Taken in or raised."""
        self._require_ready()
        if not self._lane.has_room(Turn.CHECK, 1):
            raise Busy("too many checks of this account are waiting already")
        report_id = self._reporter.new_id()
        question = v.FetchClosedOrders(
            symbol=Symbol(request.symbol), since=request.since, until=request.until
        )
        self._lane.ask(
            Turn.CHECK,
            question,
            request.expires_at,
            lambda asked_at, answer: self._report_closed(question, report_id, asked_at, answer),
            lambda: None,
        )
        return report_id

    def _report_closed(
        self, question: v.FetchClosedOrders, report_id: str, asked_at: int, answer: v.VenueAnswer
    ) -> None:
        """Of the last piece the manager hears, which follows only if the others were taken."""
        if not isinstance(answer, v.ClosedOrders):
            self._note_failure("closed_orders", answer)
            return
        self._view.poll()
        orders = [order for order in answer.orders if self._is_news(order)]
        for begin in range(0, max(len(orders), 1), ORDERS_IN_REPORT):
            end = begin + ORDERS_IN_REPORT
            report = m.ClosedOrdersFetched(
                report_id=report_id,
                account=self._account,
                symbol=question.symbol,
                asked_at=asked_at,
                answered_at=self._clock.now(),
                orders=tuple(orders[begin:end]),
                is_last=end >= len(orders),
            )
            if not self._reporter.send(report):
                return

    def _is_news(self, order: v.VenueOrder) -> bool:
        """Ours, and not known to be closed. Those of others are known by their fills."""
        if order.order_id is None or order_id_tag(order.order_id) != self._tag:
            return False
        held = self._view.orders.get(order.order_id)
        return held is None or not held.is_closed

    def _note_failure(self, what: str, answer: v.VenueAnswer) -> None:
        """A failed query is evidence of nothing: nobody is told but the log."""
        code = answer.code if isinstance(answer, v.QueryFailed) else Code.VENUE_QUERY_FAILED
        text = answer.text if isinstance(answer, v.QueryFailed) else type(answer).__name__
        self._counters[f"queries_failed_{code}"] += 1
        log.warning(
            "query_failed account=%s what=%s code=%s text=%s", self._account, what, code, text
        )


def _since_of(request: m.SweepAccount) -> dict[Symbol, int]:
    """From when on each symbol's trades are wanted, in the order that was asked for."""
    symbols = [Symbol(symbol) for symbol in request.symbols]
    if request.since and len(request.since) != len(symbols):
        raise BadInput("since must have one time for each symbol, or none at all")
    return dict(zip(symbols, request.since or [request.trades_since] * len(symbols), strict=True))


def _check_shape(request: m.CheckOrders) -> None:
    count = len(request.order_ids)
    if not len(request.symbols) == len(request.venue_order_ids) == count:
        raise BadInput("order_ids, symbols and venue_order_ids must be equally long")
    if not 1 <= count <= MAX_BATCH:
        raise BadInput(f"1 to {MAX_BATCH} orders can be checked at once")
    if not all(is_order_id(order_id) for order_id in request.order_ids):
        raise BadInput("order_ids must be UUIDv8 in lower case", Code.BAD_ORDER_ID)
