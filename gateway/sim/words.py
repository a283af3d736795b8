"""The paper venue's words in gateway's: what the real adapter makes of Binance's messages."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec.structs import replace

from gateway.domain.enums import Liquidity, OrderStatus, OrderType, Side, TimeInForce
from gateway.domain.errors import Code
from gateway.domain.identity import IdForm, Symbol, VenueOrderId, from_venue_id
from gateway.domain.order import NewOrder
from gateway.domain.venue import Market, VenueOrder, VenueTrade
from gateway.paper import orders as paper
from gateway.paper.faults import Fault, FaultKind
from gateway.paper.symbols import Symbol as PaperSymbol

MILLISECOND = 1_000_000

_STATUS = {
    paper.NEW: OrderStatus.NEW,
    paper.PARTIALLY_FILLED: OrderStatus.PARTIALLY_FILLED,
    paper.FILLED: OrderStatus.FILLED,
    paper.CANCELED: OrderStatus.CANCELED,
    paper.EXPIRED: OrderStatus.EXPIRED,
    paper.EXPIRED_IN_MATCH: OrderStatus.EXPIRED,
}
_TYPES = {
    paper.LIMIT: OrderType.LIMIT,
    paper.LIMIT_MAKER: OrderType.LIMIT,
    paper.MARKET: OrderType.MARKET,
    paper.STOP_LOSS_LIMIT: OrderType.STOP_LIMIT,
}

REFUSALS: dict[int, Code] = {
    -2011: Code.VENUE_ORDER_NOT_FOUND,
    -2013: Code.VENUE_ORDER_NOT_FOUND,
    -2038: Code.VENUE_REFUSED,
    -1013: Code.VENUE_FILTER,
    -1111: Code.VENUE_FILTER,
    -2015: Code.VENUE_AUTH,
    -1021: Code.VENUE_CLOCK,
    -1003: Code.VENUE_RATE_LIMIT,
    -1015: Code.VENUE_RATE_LIMIT,
}
"""Codes by which the venue says no for certain; -2010 goes by its text, others are unknown."""


def refusal_code(code: int, text: str) -> Code | None:
    """None: it does not say for certain that nothing was done."""
    if code != -2010:
        return REFUSALS.get(code)
    said = text.lower()
    if "duplicate order sent" in said:
        return None  # our id is taken: an earlier send of it arrived
    if "insufficient balance" in said:
        return Code.VENUE_FUNDS
    return Code.VENUE_WOULD_MATCH if "immediately match" in said else Code.VENUE_REFUSED


def unified(name: str, symbols: Iterable[PaperSymbol]) -> Symbol:
    return Symbol(next(each.unified for each in symbols if each.name == name))


def market_of(symbol: PaperSymbol) -> Market:
    return Market(
        symbol=Symbol(symbol.unified),
        base=symbol.base,
        quote=symbol.quote,
        price_step=symbol.tick,
        quantity_step=symbol.step,
        min_quantity=symbol.min_quantity,
        max_quantity=symbol.max_quantity,
        min_price=symbol.min_price,
        max_price=symbol.max_price,
        min_cost=symbol.min_notional,
        max_cost=symbol.max_notional,
    )


def paper_order(order: NewOrder, symbol: str) -> paper.NewOrder:
    kinds = {
        OrderType.LIMIT: paper.LIMIT_MAKER if order.post_only else paper.LIMIT,
        OrderType.MARKET: paper.MARKET,
        OrderType.STOP_LIMIT: paper.STOP_LOSS_LIMIT,
    }
    kind = kinds[order.order_type]
    timed = kind in (paper.LIMIT, paper.STOP_LOSS_LIMIT)
    return paper.NewOrder(
        symbol=symbol,
        side=order.side.upper(),
        type=kind,
        quantity=order.quantity,
        price=order.price or paper.ZERO,
        time_in_force=order.time_in_force.upper() if timed else "",
        client_order_id=order.order_id,
        stop_price=order.stop_price or paper.ZERO,
    )


def venue_order(order: paper.Order, symbol: Symbol, faults: Iterable[Fault] = ()) -> VenueOrder:
    executed, cost, status = order.executed, order.quote_executed, order.status
    for fault in faults:
        if fault.kind is FaultKind.WRONG_FIGURES:
            executed, cost = _halved(executed), _halved(cost)
            status = paper.PARTIALLY_FILLED if status == paper.FILLED else status
    return VenueOrder(
        symbol=symbol,
        venue_order_id=VenueOrderId(str(order.order_id)),
        status=_STATUS[status],
        order_id=from_venue_id(order.client_order_id, IdForm.UUID),
        side=Side(order.side.lower()),
        order_type=_TYPES[order.type],
        time_in_force=TimeInForce(order.time_in_force.lower()),
        quantity=order.quantity or None,
        price=None if order.type == paper.MARKET else order.price or None,
        stop_price=order.stop_price or None,
        cum_quantity=executed,
        cum_cost=cost if executed and cost else None,
        venue_time=order.updated_at // MILLISECOND * MILLISECOND,
    )


def venue_trade(
    trade: paper.Trade, symbol: Symbol, faults: Iterable[Fault] = (), *, named: bool = True
) -> VenueTrade:
    """`named` False: this message does not repeat the client's id."""
    without_fee = has(faults, FaultKind.NO_COMMISSION)
    return VenueTrade(
        symbol=symbol,
        venue_order_id=VenueOrderId(str(trade.order_id)),
        side=Side(trade.side.lower()),
        price=trade.price,
        quantity=trade.quantity,
        trade_id=str(trade.trade_id),
        order_id=from_venue_id(trade.client_order_id, IdForm.UUID) if named else None,
        fee=None if without_fee else trade.commission,
        fee_currency=None if without_fee else trade.commission_asset,
        liquidity=Liquidity.MAKER if trade.is_maker else Liquidity.TAKER,
        venue_time=trade.time // MILLISECOND * MILLISECOND,
    )


def conflicting(trade: VenueTrade) -> VenueTrade:
    """The same trade with other figures."""
    return replace(trade, price=_halved(trade.price), quantity=_halved(trade.quantity))


def _halved(value: Decimal) -> Decimal:
    return value / 2


def has(faults: Iterable[Fault], kind: FaultKind) -> bool:
    return any(fault.kind is kind for fault in faults)


def venue_number(text: str) -> int:
    return int(text) if text.isdigit() else 0
