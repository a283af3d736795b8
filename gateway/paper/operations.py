"""Every operation of the API by its name, from parameters to JSON; the same for REST and
websocket. Pure: what a transport adds (signatures, faults, status lines) is not here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from gateway.paper import wire
from gateway.paper.core import PaperVenue
from gateway.paper.errors import no_such_order
from gateway.paper.orders import Order, Trade
from gateway.paper.parameters import NS_PER_MS, Parameters
from gateway.paper.view import TRUTH, View


class Call(msgspec.Struct, frozen=True):
    """One request that may be executed now. `account` is empty for public operations."""

    venue: PaperVenue
    account: str
    params: Parameters
    now: int
    view: View = TRUTH


class Operation(msgspec.Struct, frozen=True):
    """`weight` is what it costs of the request limit; `counts_orders` of the order limit."""

    run: Callable[[Call], Any]
    is_signed: bool = True
    weight: int = 1
    counts_orders: bool = False


def _ping(_call: Call) -> Any:
    return {}


def _time(call: Call) -> Any:
    return {"serverTime": call.now // NS_PER_MS}


def _exchange_info(call: Call) -> Any:
    wanted = call.params.text("symbol")
    symbols = [s for s in call.venue.symbols() if wanted in {"", s.name}]
    if wanted:
        call.venue.last_price(wanted)
    return wire.exchange_info(symbols, call.now)


def _depth(call: Call) -> Any:
    symbol = call.params.required("symbol")
    bids, asks = call.venue.depth(symbol, call.params.limit(100, 5000))
    return {
        "lastUpdateId": call.venue.record.last_seq,
        "bids": wire.levels(bids),
        "asks": wire.levels(asks),
    }


def _price(call: Call) -> Any:
    return _per_symbol(call, _price_of)


def _book_ticker(call: Call) -> Any:
    return _per_symbol(call, _book_ticker_of)


def _per_symbol(call: Call, one: Callable[[PaperVenue, str], Any]) -> Any:
    symbol = call.params.text("symbol")
    if symbol:
        return one(call.venue, symbol)
    return [one(call.venue, s.name) for s in call.venue.symbols()]


def _price_of(venue: PaperVenue, symbol: str) -> Any:
    return {"symbol": symbol, "price": wire.number(venue.last_price(symbol))}


def _book_ticker_of(venue: PaperVenue, symbol: str) -> Any:
    bids, asks = venue.depth(symbol, 1)
    bid, bid_size = wire.levels(bids)[0] if bids else ("0.00000000", "0.00000000")
    ask, ask_size = wire.levels(asks)[0] if asks else ("0.00000000", "0.00000000")
    return {
        "symbol": symbol,
        "bidPrice": bid,
        "bidQty": bid_size,
        "askPrice": ask,
        "askQty": ask_size,
    }


def _place(call: Call) -> Any:
    placed = call.venue.place(call.account, call.params.new_order(), call.now)
    return wire.placed(placed, call.params.text("newOrderRespType"))


def _test(call: Call) -> Any:
    call.venue.test_order(call.account, call.params.new_order())
    return {}


def _cancel(call: Call) -> Any:
    params = call.params
    canceled = call.venue.cancel(
        call.account,
        params.required("symbol"),
        call.now,
        order_id=params.integer("orderId"),
        client_order_id=params.text("origClientOrderId"),
        cancel_client_order_id=params.text("newClientOrderId"),
        restriction=params.text("cancelRestrictions"),
    )
    return wire.canceled(canceled)


def _cancel_all(call: Call) -> Any:
    symbol = call.params.required("symbol")
    return [wire.canceled(c) for c in call.venue.cancel_all(call.account, symbol, call.now)]


def _cancel_replace(call: Call) -> Any:
    params = call.params
    replaced = call.venue.cancel_replace(
        call.account,
        params.new_order(),
        call.now,
        mode=params.required("cancelReplaceMode"),
        order_id=params.integer("cancelOrderId"),
        client_order_id=params.text("cancelOrigClientOrderId"),
        cancel_client_order_id=params.text("cancelNewClientOrderId"),
        restriction=params.text("cancelRestrictions"),
    )
    return wire.replaced(replaced, params.text("newOrderRespType"))


def _amend(call: Call) -> Any:
    params = call.params
    params.required("newQty")
    amended = call.venue.amend_keep_priority(
        call.account,
        params.required("symbol"),
        params.decimal("newQty"),
        call.now,
        order_id=params.integer("orderId"),
        client_order_id=params.text("origClientOrderId"),
        new_client_order_id=params.text("newClientOrderId"),
    )
    return wire.amended(amended)


def _order(call: Call) -> Any:
    params = call.params
    order = call.venue.order(
        call.account,
        params.required("symbol"),
        order_id=params.integer("orderId"),
        client_order_id=params.text("origClientOrderId"),
    )
    if not call.view.sees(order):
        raise no_such_order()
    return wire.order_state(call.view.orders([order])[0])


def _open_orders(call: Call) -> Any:
    orders = call.venue.open_orders(call.account, call.params.text("symbol") or None)
    return _orders_json(call, orders)


def _all_orders(call: Call) -> Any:
    params = call.params
    orders = call.venue.all_orders(
        call.account,
        params.required("symbol"),
        from_id=params.integer("orderId"),
        start=params.time_ns("startTime"),
        end=_end_of(params),
        limit=params.limit(),
    )
    return _orders_json(call, orders)


def _my_trades(call: Call) -> Any:
    params = call.params
    trades = call.venue.trades(
        call.account,
        params.required("symbol"),
        order_id=params.integer("orderId"),
        from_id=params.integer("fromId"),
        start=params.time_ns("startTime"),
        end=_end_of(params),
        limit=params.limit(),
    )
    visible: list[Trade] = call.view.trades(trades)
    return [wire.trade(trade) for trade in visible]


def _account(call: Call) -> Any:
    balances = call.venue.balances(call.account)
    return wire.account(balances, call.venue.fees_of(call.account), call.now)


def _orders_json(call: Call, orders: list[Order]) -> Any:
    return [wire.order_state(order) for order in call.view.orders(orders)]


def _end_of(params: Parameters) -> int | None:
    """The whole of the last millisecond."""
    end = params.time_ns("endTime")
    return None if end is None else end + NS_PER_MS - 1


OPERATIONS: dict[str, Operation] = {
    "ping": Operation(_ping, is_signed=False),
    "time": Operation(_time, is_signed=False),
    "exchangeInfo": Operation(_exchange_info, is_signed=False, weight=20),
    "depth": Operation(_depth, is_signed=False, weight=5),
    "ticker.price": Operation(_price, is_signed=False, weight=2),
    "ticker.book": Operation(_book_ticker, is_signed=False, weight=2),
    "order.place": Operation(_place, counts_orders=True),
    "order.test": Operation(_test),
    "order.cancel": Operation(_cancel),
    "order.cancelReplace": Operation(_cancel_replace, counts_orders=True),
    "order.amend.keepPriority": Operation(_amend, weight=4),
    "order.status": Operation(_order, weight=4),
    "openOrders.cancelAll": Operation(_cancel_all),
    "openOrders.status": Operation(_open_orders, weight=6),
    "allOrders": Operation(_all_orders, weight=20),
    "myTrades": Operation(_my_trades, weight=20),
    "account.status": Operation(_account, weight=20),
}
