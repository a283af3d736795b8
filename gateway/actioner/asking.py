"""What is answered by a venue, or by what a report did: one order, open orders, balances."""

from collections.abc import Mapping

from gateway.actioner.asked import Asked, expect_venue
from gateway.actioner.fates import Fates
from gateway.actioner.lane import Answered, Lane, Turn
from gateway.actioner.reporting import Confirmable, Reporter
from gateway.actioner.view import View
from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.enums import OrderStatus
from gateway.domain.errors import BadInput, Code, Unavailable
from gateway.domain.identity import AccountId, Symbol, is_name
from gateway.domain.order import Order
from gateway.ports import Clock

VERDICTS = (OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.EXPIRED)
MAX_TEXT = 1_000


class Asking:
    """Requests that go to a venue, or change something through the listener."""

    def __init__(
        self,
        lanes: Mapping[AccountId, Lane],
        reporter: Reporter,
        fates: Fates,
        view: View,
        clock: Clock,
    ) -> None:
        self._lanes = lanes
        self._reporter = reporter
        self._fates = fates
        self._view = view
        self._clock = clock

    def _ask(
        self, asked: Asked, account: AccountId, question: v.VenueRequest, answered: Answered
    ) -> None:
        lane = self._lanes.get(account)
        if lane is None:
            raise BadInput(f"no venue session for account {account}", Code.UNKNOWN_ACCOUNT)
        if not lane.venue.ready:
            text = f"the session with {lane.venue.profile.venue} is not ready; ask again"
            raise Unavailable(text, Code.NOT_READY)

        def guarded(asked_at: int, answer: v.VenueAnswer) -> None:
            asked.run(lambda: answered(asked_at, answer))

        lane.ask(Turn.CLIENT, question, asked.request.expires_at, guarded, asked.expire)

    # ---- the venue's own words -----------------------------------------------------------------

    def open_orders(self, asked: Asked, account: AccountId, symbol: str | None) -> None:
        symbols = () if symbol is None else (Symbol(symbol),)
        lane = self._lanes[account]
        if not symbols and not lane.venue.profile.lists_all_open_orders:
            raise BadInput("this venue lists open orders of one symbol at a time: name a symbol")
        if symbols and lane.venue.ready and symbols[0] not in lane.venue.markets:
            raise BadInput("the account's venue has no such market", Code.UNKNOWN_SYMBOL)

        def answered(asked_at: int, answer: v.VenueAnswer) -> None:
            orders = expect_venue(answer, v.OpenOrders).orders
            asked.answer(m.VenueOrdersReply(request_id=asked.id, orders=orders, asked_at=asked_at))

        self._ask(asked, account, v.FetchOpenOrders(symbols=symbols), answered)

    def balances(self, asked: Asked, account: AccountId) -> None:
        def answered(asked_at: int, answer: v.VenueAnswer) -> None:
            balances = expect_venue(answer, v.Balances).balances
            asked.answer(m.BalancesReply(request_id=asked.id, balances=balances, asked_at=asked_at))

        self._ask(asked, account, v.FetchBalances(), answered)

    # ---- refresh -------------------------------------------------------------------------------

    def refresh(self, asked: Asked, request: m.RefreshOrder) -> None:
        self._fates.find_known(asked, request.order_id, lambda order: self._look_up(asked, order))

    def _look_up(self, asked: Asked, order: Order) -> None:
        question = v.FetchOrder(
            order_id=order.order_id,
            symbol=order.symbol,
            venue_order_id=order.venue_order_id,
            with_trades=True,
        )
        self._ask(
            asked,
            order.account,
            question,
            lambda asked_at, answer: self._report(asked, order, asked_at, answer),
        )

    def _report(self, asked: Asked, order: Order, asked_at: int, answer: v.VenueAnswer) -> None:
        if not isinstance(answer, v.OrderFound | v.OrderNotFound):
            expect_venue(answer, v.OrderFound)
            return
        report = m.OrderChecked(
            report_id=self._reporter.new_id(),
            account=order.account,
            order_id=order.order_id,
            symbol=order.symbol,
            asked_at=asked_at,
            answered_at=self._clock.now(),
            answer=answer,
        )
        self._confirm(asked, report)

    # ---- an operator's word --------------------------------------------------------------------

    def resolve(self, asked: Asked, request: m.ResolveOrder) -> None:
        if not is_name(request.operator):
            raise BadInput("operator has 1 to 64 letters, digits, '_', '.' or '-'")
        if len(request.text) > MAX_TEXT or not request.text.isprintable():
            raise BadInput(f"text is one line of at most {MAX_TEXT} printable characters")
        if request.status not in VERDICTS:
            raise BadInput(f"an order is resolved as one of {', '.join(VERDICTS)}")
        self._fates.find_known(
            asked, request.order_id, lambda order: self._resolve(asked, request, order)
        )

    def _resolve(self, asked: Asked, request: m.ResolveOrder, order: Order) -> None:
        asked.require_time()
        if order.status is not OrderStatus.IN_DOUBT:
            text = f"the order is {order.status}: only an order in doubt can be resolved"
            raise BadInput(text, Code.NOT_IN_DOUBT)
        report = m.Resolve(
            report_id=self._reporter.new_id(),
            account=order.account,
            order_id=order.order_id,
            operator=request.operator,
            status=request.status,
            text=request.text,
            at=self._clock.now(),
        )
        self._confirm(asked, report)

    # ---- until it has taken effect -------------------------------------------------------------

    def _confirm(self, asked: Asked, report: Confirmable) -> None:
        """The answer is the order as it is once the listener has applied the report."""
        order_id = report.order_id

        def is_applied() -> bool:
            self._view.poll()
            order = self._view.orders.get(order_id)
            return order is not None and _shows(order, report)

        def tell(order: Order) -> None:
            asked.answer(m.OrderReply(request_id=asked.id, fate="known", order=order))

        self._reporter.send_until_applied(
            report,
            asked.time_left,
            is_applied,
            lambda: asked.run(lambda: self._fates.find_known(asked, order_id, tell)),
            asked.fail,
        )


def _shows(order: Order, report: Confirmable) -> bool:
    """Whether the order's state tells that the report was applied, or one at least as new."""
    if isinstance(report, m.OrderChecked):
        return order.checked_at >= report.asked_at
    return order.status is not OrderStatus.IN_DOUBT
