"""What is checked of an order before any money is looked at, in Binance's order and words."""

from __future__ import annotations

import re
from decimal import Decimal

from gateway.paper.errors import (
    CLIENT_ORDER_ID_FORM,
    INVALID_MESSAGE,
    INVALID_ORDER_TYPE,
    INVALID_SIDE,
    INVALID_TIF,
    VenueError,
    filter_failure,
    illegal_characters,
    mandatory,
    one_of_mandatory,
)
from gateway.paper.orders import (
    BUY,
    LIMIT,
    MARKET,
    ORDER_TYPES,
    SELL,
    STOP_LOSS_LIMIT,
    STP_MODES,
    TIMES_IN_FORCE,
    ZERO,
    NewOrder,
)
from gateway.paper.symbols import Symbol

_CLIENT_ORDER_ID = re.compile(CLIENT_ORDER_ID_FORM)


def check_client_order_id(client_order_id: str, parameter: str) -> None:
    """Raises -1100. An empty one is for the venue to fill in."""
    if client_order_id and _CLIENT_ORDER_ID.fullmatch(client_order_id) is None:
        raise illegal_characters(parameter, CLIENT_ORDER_ID_FORM)


def check_form(new: NewOrder) -> None:
    """Words known, and the parameters that the order's type makes mandatory are there."""
    if new.side not in {BUY, SELL}:
        raise VenueError(INVALID_SIDE, "Invalid side.")
    if new.type not in ORDER_TYPES:
        raise VenueError(INVALID_ORDER_TYPE, "Invalid orderType.")
    if new.time_in_force and new.time_in_force not in TIMES_IN_FORCE:
        raise VenueError(INVALID_TIF, "Invalid timeInForce.")
    if new.self_trade_prevention and new.self_trade_prevention not in STP_MODES:
        raise VenueError(
            INVALID_MESSAGE, "This symbol does not allow the specified self-trade prevention mode."
        )
    check_client_order_id(new.client_order_id, "newClientOrderId")
    _check_mandatory(new)


def _check_mandatory(new: NewOrder) -> None:
    if new.type == MARKET:
        if not new.quantity and not new.quote_quantity:
            raise one_of_mandatory("quantity", "quoteOrderQty")
        return
    if new.type in {LIMIT, STOP_LOSS_LIMIT} and not new.time_in_force:
        raise mandatory("timeInForce")
    if not new.quantity:
        raise mandatory("quantity")
    if not new.price:
        raise mandatory("price")
    if new.type == STOP_LOSS_LIMIT and not new.stop_price:
        raise mandatory("stopPrice")


def check_filters(symbol: Symbol, new: NewOrder, reference: Decimal) -> None:
    """Raises -1013 with the filter's name. `reference` is the last price."""
    if new.type != MARKET:
        check_price(symbol, new.price)
        if new.stop_price:
            check_price(symbol, new.stop_price)
        _check_percent_price(symbol, new, reference)
    if new.quantity:
        check_quantity(symbol, new.quantity)
        check_notional(symbol, (new.price or reference) * new.quantity)
    else:
        check_notional(symbol, new.quote_quantity)


def check_price(symbol: Symbol, price: Decimal) -> None:
    if not symbol.min_price <= price <= symbol.max_price or price % symbol.tick:
        raise filter_failure("PRICE_FILTER")


def check_quantity(symbol: Symbol, quantity: Decimal) -> None:
    if not symbol.min_quantity <= quantity <= symbol.max_quantity or quantity % symbol.step:
        raise filter_failure("LOT_SIZE")


def check_notional(symbol: Symbol, notional: Decimal) -> None:
    if notional < ZERO or not symbol.min_notional <= notional <= symbol.max_notional:
        raise filter_failure("NOTIONAL")


def _check_percent_price(symbol: Symbol, new: NewOrder, reference: Decimal) -> None:
    band = symbol.percent_price
    if band is None:
        return
    up, down = (band.bid_up, band.bid_down) if new.side == BUY else (band.ask_up, band.ask_down)
    if not reference * down <= new.price <= reference * up:
        raise filter_failure("PERCENT_PRICE_BY_SIDE")
