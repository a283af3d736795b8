"""Gateway's and the venue's objects as the checker's plain records. Copies; judges nothing."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from gateway.domain import messages as m
from gateway.domain.order import Order, Transaction
from gateway.paper import orders as paper
from gateway.paper.entries import Entry, Execution, Request
from gateway.paper.symbols import Symbol
from gateway.sim import records as r

_STATUS = {
    paper.NEW: r.OPEN,
    paper.PARTIALLY_FILLED: r.OPEN,
    paper.FILLED: r.FILLED,
    paper.CANCELED: r.CANCELED,
    paper.EXPIRED: r.EXPIRED,
    paper.EXPIRED_IN_MATCH: r.EXPIRED,
}
REQUESTS = {
    "order.place": "place",
    "order.cancel": "cancel",
    "order.amend.keepPriority": "amend",
}


def held_order(order: Order) -> r.HeldOrder:
    return r.HeldOrder(
        order_id=order.order_id,
        account=order.account,
        symbol=order.symbol,
        client_id=order.client_id,
        side=order.side.value,
        origin=order.origin.value,
        status=order.status.value,
        pending=order.pending.value,
        quantity=order.quantity,
        cum_quantity=order.cum_quantity,
        avg_price=order.avg_price,
        trades_complete=order.trades_complete,
        venue_order_id=order.venue_order_id,
        reason_code=order.reason_code and order.reason_code.value,
        doubt=order.doubt,
    )


def held_transaction(done: Transaction) -> r.HeldTransaction:
    return r.HeldTransaction(
        key=done.key,
        kind=done.kind.value,
        order_id=done.order_id,
        account=done.account,
        symbol=done.symbol,
        side=done.side.value,
        quantity=done.quantity,
        price=done.price,
        fee=done.fee,
        fee_currency=done.fee_currency,
        trade_id=done.trade_id,
        venue_order_id=done.venue_order_id,
    )


def item_row(item: m.StreamItem, published_at: int | None) -> r.Item:
    if isinstance(item, m.OrderUpdate):
        order, transaction = held_order(item.order), None
    else:
        order, transaction = None, held_transaction(item.transaction)
    return r.Item(item.account, item.epoch, item.seq, published_at, order, transaction)


def venue_orders(
    entries: Iterable[Entry], symbols: Iterable[Symbol]
) -> tuple[list[r.VenueOrder], list[r.VenueFill]]:
    """Every order and every fill of users in the paper venue's record."""
    names = {symbol.name: symbol.unified for symbol in symbols}
    executions: dict[tuple[str, str, int], list[Execution]] = defaultdict(list)
    fills: list[r.VenueFill] = []
    for entry in entries:
        if not isinstance(entry, Execution):
            continue
        order = entry.order
        executions[order.account, order.symbol, order.order_id].append(entry)
        if entry.trade is not None:
            fills.append(_fill(entry.trade, names[order.symbol]))
    orders = [_venue_order(made, names) for made in executions.values()]
    return orders, fills


def _venue_order(executions: list[Execution], names: dict[str, str]) -> r.VenueOrder:
    first = executions[0].order
    return r.VenueOrder(
        account=first.account,
        symbol=names[first.symbol],
        venue_order_id=str(first.order_id),
        client_order_id=first.client_order_id,
        side=first.side.lower(),
        price=None if first.type == paper.MARKET else first.price,
        asked_quantity=first.quantity,
        accepted_at=executions[0].time,
        changes=tuple(_change(one) for one in executions),
    )


def _change(one: Execution) -> r.VenueChange:
    order = one.order
    return r.VenueChange(
        at=one.time,
        status=_STATUS[order.status],
        quantity=order.quantity,
        executed=order.executed,
        cost=order.quote_executed,
    )


def _fill(trade: paper.Trade, symbol: str) -> r.VenueFill:
    return r.VenueFill(
        account=trade.account,
        symbol=symbol,
        venue_order_id=str(trade.order_id),
        trade_id=str(trade.trade_id),
        side=trade.side.lower(),
        price=trade.price,
        quantity=trade.quantity,
        fee=trade.commission,
        fee_currency=trade.commission_asset,
    )


def venue_requests(entries: Iterable[Entry], symbols: Iterable[Symbol]) -> list[r.VenueRequest]:
    names = {symbol.name: symbol.unified for symbol in symbols}
    return [
        r.VenueRequest(
            at=entry.time,
            account=entry.account,
            symbol=names.get(entry.params.get("symbol", ""), ""),
            what=REQUESTS[entry.operation],
            client_order_id=entry.client_order_id,
            venue_order_id=entry.params.get("order_id", ""),
        )
        for entry in entries
        if isinstance(entry, Request) and entry.operation in REQUESTS
    ]


def belief(client_id: str, followed: object) -> r.Belief:
    order: Order | None = getattr(followed, "order", None)
    refusal: m.Refusal | None = getattr(followed, "refusal", None)
    cum: Decimal | None = None if order is None else order.cum_quantity
    return r.Belief(
        client_id=client_id,
        order_id=str(getattr(followed, "order_id", "")),
        status=None if order is None else order.status.value,
        cum_quantity=cum,
        refused_as=None if refusal is None else refusal.code.value,
        never_received=bool(getattr(followed, "never_received", False)),
    )
