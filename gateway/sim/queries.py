"""What the simulated venue is asked: one order, open orders, trades, balances."""

from decimal import Decimal

from gateway.domain import venue as v
from gateway.domain.errors import Code
from gateway.domain.identity import EXTERNAL_TAG, order_id_tag
from gateway.paper.faults import FaultKind
from gateway.paper.orders import Order as PaperOrder
from gateway.paper.orders import Trade as PaperTrade
from gateway.paper.view import View
from gateway.sim import words
from gateway.sim.caller import Caller, Done
from gateway.sim.exchange import How, Reply, order_missing

MILLISECOND = 1_000_000
PAGE = 1_000


class Queries:
    """A failed question is `QueryFailed`, whatever failed of it."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def ask(self, request: v.VenueRequest, done: Done) -> None:
        match request:
            case v.FetchOpenOrders():
                self._fetch_open_orders(done)
            case v.FetchBalances():
                self._fetch_balances(done)
            case v.FetchOrder() | v.FetchClosedOrders() | v.FetchTrades():
                self._ask_of_market(request, done)

    def _ask_of_market(
        self, request: v.FetchOrder | v.FetchClosedOrders | v.FetchTrades, done: Done
    ) -> None:
        name = self._caller.names.get(request.symbol)
        if name is None:
            self._caller.later(done, v.QueryFailed(code=Code.UNKNOWN_SYMBOL, text="no such market"))
            return
        match request:
            case v.FetchOrder():
                self._fetch_order(request, name, done)
            case v.FetchClosedOrders():
                self._fetch_closed_orders(request, name, done)
            case v.FetchTrades():
                self._fetch_trades(request, name, done)

    def _fetch_order(self, request: v.FetchOrder, name: str, done: Done) -> None:
        """By our id, then by the venue's."""
        names: list[tuple[int | None, str | None]] = []
        if order_id_tag(request.order_id) != EXTERNAL_TAG:
            names.append((None, request.order_id))
        if request.venue_order_id is not None:
            names.append((words.venue_number(request.venue_order_id), None))
        if not names:
            text = "this order has no name that the venue knows"
            self._caller.later(done, v.QueryFailed(code=Code.VENUE_QUERY_FAILED, text=text))
            return
        self._fetch_by(names, name, request, done)

    def _fetch_by(
        self,
        names: list[tuple[int | None, str | None]],
        symbol: str,
        request: v.FetchOrder,
        done: Done,
    ) -> None:
        (number, ours), *others = names
        core = self._caller.core

        def perform(view: View) -> object:
            found = core.order(self._caller.account, symbol, order_id=number, client_order_id=ours)
            seen = view.orders([found])
            if not seen:
                raise order_missing()
            return seen[0]

        def answered(answer: v.VenueAnswer) -> None:
            if isinstance(answer, v.OrderNotFound) and others:
                self._fetch_by(others, symbol, request, done)
            elif isinstance(answer, v.OrderFound) and request.with_trades:
                self._fetch_its_trades(answer, symbol, done)
            else:
                done(answer)

        self._caller.send(
            "order.status", perform, self._order_found, answered, client_order_id=ours or ""
        )

    def _order_found(self, reply: Reply) -> v.VenueAnswer:
        if reply.how is How.RESULT and isinstance(reply.result, PaperOrder):
            symbol = self._caller.symbols[reply.result.symbol]
            return v.OrderFound(order=words.venue_order(reply.result, symbol, reply.faults))
        missing = reply.how is How.ERROR and reply.status < 500 and reply.code == -2013
        return v.OrderNotFound(searched=("by_id",)) if missing else query_failed(reply)

    def _fetch_its_trades(self, found: v.OrderFound, name: str, done: Done) -> None:
        """That the order was found counts even if its trades can't be had now."""
        number = words.venue_number(found.order.venue_order_id)
        core = self._caller.core

        def translate(reply: Reply) -> v.VenueAnswer:
            if reply.how is not How.RESULT:
                return found
            trades = tuple(self._trades_in(reply))
            return v.OrderFound(order=found.order, trades=trades, trades_asked=True)

        self._caller.send(
            "myTrades",
            lambda view: view.trades(core.trades(self._caller.account, name, order_id=number)),
            translate,
            done,
        )

    def _fetch_open_orders(self, done: Done) -> None:
        core = self._caller.core

        def translate(reply: Reply) -> v.VenueAnswer:
            if reply.how is not How.RESULT or not isinstance(reply.result, list):
                return query_failed(reply)
            found = tuple(
                words.venue_order(order, self._caller.symbols[order.symbol], reply.faults)
                for order in reply.result
            )
            return v.OpenOrders(orders=found)

        self._caller.send(
            "openOrders.status",
            lambda view: view.orders(core.open_orders(self._caller.account)),
            translate,
            done,
        )

    def _fetch_closed_orders(self, request: v.FetchClosedOrders, name: str, done: Done) -> None:
        core = self._caller.core
        since = request.since // MILLISECOND * MILLISECOND

        def perform(view: View) -> object:
            found = core.all_orders(
                self._caller.account, name, start=since, end=request.until, limit=PAGE * PAGE
            )
            return view.orders(found)

        def translate(reply: Reply) -> v.VenueAnswer:
            if reply.how is not How.RESULT or not isinstance(reply.result, list):
                return query_failed(reply)
            found = [
                words.venue_order(order, request.symbol, reply.faults) for order in reply.result
            ]
            return v.ClosedOrders(orders=tuple(one for one in found if one.status.is_closed))

        self._caller.send("allOrders", perform, translate, done)

    def _fetch_trades(self, request: v.FetchTrades, name: str, done: Done) -> None:
        """All pages: a page that is full asks for the next one, by the last trade's id."""
        core = self._caller.core
        since = request.since // MILLISECOND * MILLISECOND

        def translate(reply: Reply) -> v.VenueAnswer:
            if reply.how is not How.RESULT:
                return query_failed(reply)
            return v.Trades(trades=tuple(self._trades_in(reply)))

        self._caller.send(
            "myTrades",
            lambda view: view.trades(
                core.trades(self._caller.account, name, start=since, limit=PAGE * PAGE)
            ),
            translate,
            done,
        )

    def _trades_in(self, reply: Reply) -> list[v.VenueTrade]:
        """A REST fill names its order by the venue's id only."""
        raw = reply.result if isinstance(reply.result, list) else []
        trades = [
            words.venue_trade(trade, self._caller.symbols[trade.symbol], reply.faults, named=False)
            for trade in raw
            if isinstance(trade, PaperTrade)
        ]
        if trades and words.has(reply.faults, FaultKind.CONFLICTING_TRADE):
            trades.append(words.conflicting(trades[-1]))
        return trades

    def _fetch_balances(self, done: Done) -> None:
        core = self._caller.core

        def translate(reply: Reply) -> v.VenueAnswer:
            if reply.how is not How.RESULT or not isinstance(reply.result, dict):
                return query_failed(reply)
            found: dict[str, tuple[Decimal, Decimal]] = reply.result
            return v.Balances(
                balances=tuple(
                    v.Balance(currency=asset, free=free, locked=locked)
                    for asset, (free, locked) in sorted(found.items())
                )
            )

        self._caller.send(
            "account.status",
            lambda _view: {
                asset: (held.free, held.locked)
                for asset, held in core.balances(self._caller.account).items()
            },
            translate,
            done,
        )


def query_failed(reply: Reply) -> v.QueryFailed:
    code = Code.VENUE_QUERY_FAILED
    if reply.how is How.ERROR and reply.status < 500:
        code = words.refusal_code(reply.code, reply.text) or code
    elif reply.how in (How.UNREACHABLE, How.CLOSED):
        code = Code.VENUE_UNREACHABLE
    return v.QueryFailed(code=code, text=reply.text or reply.how.value)
