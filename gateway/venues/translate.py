"""ccxt's dictionaries into the domain's words: completely, or `NotUnderstood`.

Money arrives as text (the exchange runs with `number = str`) and becomes `Decimal` from text only;
a float is refused, because a figure that passed through one may not be the venue's any more.
"""

import logging
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from gateway.domain.enums import Liquidity, OrderStatus, OrderType, Side, TimeInForce
from gateway.domain.errors import Code, GatewayError
from gateway.domain.identity import IdForm, OrderId, Symbol, VenueOrderId, from_venue_id
from gateway.domain.money import ZERO, plain
from gateway.domain.venue import Balance, Market, VenueOrder, VenueTrade

logger = logging.getLogger(__name__)

NS_PER_MS = 1_000_000
_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][-+]?[0-9]{1,2})?")
_DECIMAL_PLACES, _SIGNIFICANT_DIGITS, _TICK_SIZE = 2, 3, 4

_ENDED = {
    "canceled": OrderStatus.CANCELED,
    "expired": OrderStatus.EXPIRED,
    "rejected": OrderStatus.REJECTED,
}
_OPEN = frozenset({"open", "canceling", "PENDING", "QUEUED", "CANCEL_QUEUED", "EDIT_QUEUED"})
"""The last four are Coinbase's own."""
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_TYPES = {
    "limit": OrderType.LIMIT,
    "limit_maker": OrderType.LIMIT,
    "market": OrderType.MARKET,
    "stop_limit": OrderType.STOP_LIMIT,
    "stop_loss_limit": OrderType.STOP_LIMIT,
}
_TIMES_IN_FORCE = {
    "GTC": TimeInForce.GTC,
    "PO": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
}
_LIQUIDITY = {"maker": Liquidity.MAKER, "taker": Liquidity.TAKER}


_STATUS_NAMES = ("X", "status", "state", "ordStatus", "orderStatus")
_PREVENTED = ("A", "preventedQuantity")
"""Where venues write an order's status, and what of it was kept from trading with itself."""


class NotUnderstood(GatewayError):
    """The venue said something that can't be translated."""

    code = Code.MALFORMED


def decimal(value: object, name: str) -> Decimal | None:
    """In its shortest form; None stays None. Raises NotUnderstood for a float, NaN or anything else
    but a number."""
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if not isinstance(value, str) or _NUMBER.fullmatch(value) is None:
        raise NotUnderstood(f"{name} is no exact number: {value!r:.60}")
    return Decimal(plain(Decimal(value)))  # "0.01000000" and "0E-8" are shown to people


def order(
    raw: Mapping[str, Any],
    form: IdForm,
    raw_ids: Iterable[str] = (),
    order_id: OrderId | None = None,
) -> VenueOrder:
    """`order_id` is ours where the venue's own client id is known not to be the order's.

    `raw_ids`: see `order_id_in`.
    """
    quantity = _positive(raw, "amount")
    filled = decimal(raw.get("filled"), "filled")
    kind = _type(raw)
    return VenueOrder(
        symbol=Symbol(_text(raw, "symbol")),
        venue_order_id=VenueOrderId(_text(raw, "id")),
        status=_status(raw, quantity, filled),
        order_id=order_id or order_id_in(raw, form, raw_ids),
        side=_SIDES.get(raw.get("side") or ""),
        order_type=kind,
        time_in_force=_TIMES_IN_FORCE.get(raw.get("timeInForce") or ""),
        quantity=quantity,
        price=None if kind is OrderType.MARKET else _positive(raw, "price"),
        stop_price=_positive(raw, "triggerPrice") or _positive(raw, "stopPrice"),
        cum_quantity=filled,
        cum_cost=_cost(raw, filled),
        venue_time=_time(raw, "lastUpdateTimestamp", "lastTradeTimestamp", "timestamp"),
    )


def trade(raw: Mapping[str, Any], form: IdForm, raw_ids: Iterable[str] = ()) -> VenueTrade:
    side = _SIDES.get(raw.get("side") or "")
    price, quantity = _positive(raw, "price"), _positive(raw, "amount")
    if side is None or price is None or quantity is None:
        raise NotUnderstood("a fill without side, price or quantity")
    fee, currency = _fee(raw)
    trade_id = raw.get("id")
    return VenueTrade(
        symbol=Symbol(_text(raw, "symbol")),
        venue_order_id=VenueOrderId(_text(raw, "order")),
        side=side,
        price=price,
        quantity=quantity,
        trade_id=str(trade_id) if trade_id else None,
        order_id=order_id_in(raw, form, raw_ids),
        fee=fee,
        fee_currency=currency,
        liquidity=_LIQUIDITY.get(raw.get("takerOrMaker") or ""),
        venue_time=_time(raw, "timestamp") or 0,
    )


def order_id_in(raw: Mapping[str, Any], form: IdForm, raw_ids: Iterable[str]) -> OrderId | None:
    """Our id where ccxt found it, or in the fields `raw_ids` of what the venue itself wrote."""
    info = _section(raw, "info")
    for value in (raw.get("clientOrderId"), *(info.get(name) for name in raw_ids)):
        if isinstance(value, str) and (found := from_venue_id(value, form)):
            return found
    return None


def balances(raw: Mapping[str, Any]) -> tuple[Balance, ...]:
    """Every currency with a figure, also those of which nothing is left."""
    free, used = _section(raw, "free"), _section(raw, "used")
    total = _section(raw, "total")
    return tuple(
        _balance(currency, free.get(currency), used.get(currency), total.get(currency))
        for currency in sorted({*free, *used, *total})
    )


def is_in_base(market: Mapping[str, Any]) -> bool:
    """Whether quantities in it are of its base asset: those of a contract are numbers of contracts,
    which is the same only where each is worth one."""
    if not market.get("contract") and not market.get("option"):
        return True
    is_linear = not market.get("inverse") and not market.get("option")
    return is_linear and _is_figure(str(market.get("contractSize")), Decimal(1))


def market(raw: Mapping[str, Any], precision_mode: int) -> Market:
    if not is_in_base(raw):
        raise NotUnderstood("quantities in it are not of its base asset")
    limits = _section(raw, "limits")
    quantity, price, cost = (_section(limits, name) for name in ("amount", "price", "cost"))
    precision = _section(raw, "precision")
    return Market(
        symbol=Symbol(_text(raw, "symbol")),
        base=_text(raw, "base"),
        quote=_text(raw, "quote"),
        price_step=_step(precision.get("price"), precision_mode),
        quantity_step=_step(precision.get("amount"), precision_mode),
        min_quantity=_positive(quantity, "min"),
        max_quantity=_positive(quantity, "max"),
        min_price=_positive(price, "min"),
        max_price=_positive(price, "max"),
        min_cost=_positive(cost, "min"),
        max_cost=_positive(cost, "max"),
    )


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value:
        raise NotUnderstood(f"no {name}")
    return value


def _section(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = raw.get(name)
    return value if isinstance(value, Mapping) else {}


def _positive(raw: Mapping[str, Any], name: str) -> Decimal | None:
    """Venues write 0 for "none"."""
    value = decimal(raw.get(name), name)
    return value if value is not None and value > ZERO else None


def _time(raw: Mapping[str, Any], *names: str) -> int | None:
    """The first of them, which are milliseconds, in ns."""
    for name in names:
        value = raw.get(name)
        if isinstance(value, int | float) and value > 0:
            return int(value) * NS_PER_MS
    return None


def _type(raw: Mapping[str, Any]) -> OrderType | None:
    kind = _TYPES.get(raw.get("type") or "")
    has_trigger = _positive(raw, "triggerPrice") or _positive(raw, "stopPrice")
    return OrderType.STOP_LIMIT if kind is OrderType.LIMIT and has_trigger else kind


def _status(
    raw: Mapping[str, Any], quantity: Decimal | None, filled: Decimal | None
) -> OrderStatus:
    said = raw.get("status")
    if said in _OPEN:
        return OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.NEW
    if said == "closed":  # some venues also call a partly filled order that ended so
        rest = ZERO if quantity is None or filled is None else quantity - filled
        if rest > ZERO and _is_called_filled(_section(raw, "info"), rest):
            raise NotUnderstood(f"called filled, with {filled} of {quantity}")
        return OrderStatus.CANCELED if rest > ZERO else OrderStatus.FILLED
    if isinstance(said, str) and said in _ENDED:
        return _ENDED[said]
    raise NotUnderstood(f"order status {said!r:.60}")


def _is_called_filled(info: Mapping[str, Any], rest: Decimal) -> bool:
    """By the venue itself; one of which just the rest was taken away by self-trade prevention may
    be. (What an order kept another one from is told the same way, and takes nothing from it.)"""
    words = (info.get(name) for name in _STATUS_NAMES)
    called = any(isinstance(word, str) and word.lower() == "filled" for word in words)
    return called and not any(_is_figure(info.get(name), rest) for name in _PREVENTED)


def _is_figure(value: object, figure: Decimal) -> bool:
    return isinstance(value, str) and bool(_NUMBER.fullmatch(value)) and Decimal(value) == figure


def _cost(raw: Mapping[str, Any], filled: Decimal | None) -> Decimal | None:
    cost = decimal(raw.get("cost"), "cost")
    return cost if filled and cost else None


def _fee(raw: Mapping[str, Any]) -> tuple[Decimal | None, str | None]:
    """Venues with a coin of their own list one fee for each way of paying, and all but one are
    nothing. Fees paid in several currencies are no one figure: it is as if none were told."""
    told = _fees(raw)
    paid = [fee for fee in told if fee[0] != ZERO]
    of_venue = _section(raw, "info").get("fees")
    is_cut = isinstance(of_venue, list) and len(of_venue) > max(1, len(told))  # Kraken's stream
    if is_cut or len({currency for _, currency in paid}) > 1:
        logger.warning("venue_fee_in_several_currencies", extra={"trade": raw.get("id")})
        return None, None
    if not paid:
        return told[0] if told else (None, None)
    return sum((cost for cost, _ in paid), ZERO), paid[0][1]


def _fees(raw: Mapping[str, Any]) -> list[tuple[Decimal, str]]:
    several = raw.get("fees")
    named = _named_fees(several if isinstance(several, list) else ())
    return named or _named_fees([raw.get("fee")])


def _named_fees(fees: Iterable[object]) -> list[tuple[Decimal, str]]:
    named: list[tuple[Decimal, str]] = []
    for fee in fees:
        if isinstance(fee, Mapping) and isinstance(currency := fee.get("currency"), str):
            cost = decimal(fee.get("cost"), "fee")
            named += [] if cost is None else [(cost, currency)]
    return named


def _balance(currency: str, free: object, used: object, total: object) -> Balance:
    held, locked = decimal(free, "free"), decimal(used, "used")
    whole = decimal(total, "total")
    if held is None:
        held = (whole or ZERO) - (locked or ZERO)
    if locked is None:
        locked = whole - held if whole is not None else ZERO
    return Balance(currency=currency, free=held, locked=locked)


def _step(value: object, mode: int) -> Decimal:
    """A tick is the step itself; decimal places are turned into one; digits have none."""
    figure = decimal(value, "precision")
    if figure is None or mode == _SIGNIFICANT_DIGITS:
        return ZERO
    if mode == _DECIMAL_PLACES:
        return Decimal(1).scaleb(-int(figure))
    return figure if mode == _TICK_SIZE else ZERO
