"""Whether an account has a fast lane, and what it is made of."""

import logging
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from gateway.domain.enums import OrderType, Side
from gateway.domain.identity import AccountId, ClientId, Symbol, make_order_id
from gateway.domain.order import NewOrder
from gateway.domain.venue import Market, PlaceOrder
from gateway.ports import Clock
from gateway.venues.commands import place_arguments, place_params
from gateway.venues.fast.binance_spot import BinanceSpot
from gateway.venues.fast.lane import FastLane
from gateway.venues.fast.signing import Signer, is_hmac_secret
from gateway.venues.profiles import FastDialect
from gateway.venues.scrub import scrub
from gateway.venues.session import VenueSession

logger = logging.getLogger(__name__)

_NOT_CCXT = frozenset({"returnRateLimits"})
"""ccxt adds it after it has made the request."""


def fast_lane_of(session: VenueSession, clock: Clock) -> FastLane | None:
    """For a session that is open. None: the venue has none, it is not wanted, or this account's
    options or keys ask for something that only ccxt's way does."""
    if not _is_wanted(session):
        return None
    exchange, settings = session.exchange, session.settings
    dialect = BinanceSpot(exchange, session.markets, session.row)
    difference = difference_to_ccxt(session, dialect)
    if difference:
        extra = {"account": settings.account, "reason": difference}
        logger.warning("venue_fast_lane_off", extra=extra)
        return None
    return FastLane(
        dialect,
        Signer(settings.credentials.api_key, settings.credentials.secret),
        clock,
        window_ms=exchange.options.get("recvWindow"),
        skew_ms=lambda: int(exchange.options.get("timeDifference") or 0),
        keep_alive=settings.keep_alive,
        request_timeout=settings.request_timeout,
    )


def _is_wanted(session: VenueSession) -> bool:
    settings = session.settings
    return (
        session.row.fast_dialect is FastDialect.BINANCE_SPOT
        and settings.fast_lane
        and session.uses_socket
        and is_hmac_secret(settings.credentials.secret)
    )


def difference_to_ccxt(session: VenueSession, dialect: BinanceSpot) -> str:
    """Where our requests differ from ccxt's under this account's options; empty: nowhere."""
    asked_any = False
    for order in _samples(session):
        asked = dialect.asked(PlaceOrder(order=order))
        if asked is None:
            continue
        asked_any = True
        ours = {name: str(value) for name, value in asked[1].items() if name not in _NOT_CCXT}
        theirs = _ccxt_request(session, order)
        if ours != theirs:
            names = sorted(dict(ours.items() ^ theirs.items()))
            return f"a {order.order_type} order differs from ccxt's in: {', '.join(names)}"
    return "" if asked_any else "no market takes orders in this way"


def _ccxt_request(session: VenueSession, order: NewOrder) -> dict[str, str]:
    params = place_params(session.row, order)
    try:
        request = session.exchange.create_order_request(*place_arguments(order), params)
    except Exception as error:  # noqa: BLE001 - whatever ccxt does not send, we do not either
        return {"error": scrub(repr(error))}
    return {name: str(value) for name, value in request.items()}


def _samples(session: VenueSession) -> Iterator[NewOrder]:
    """One of each kind, in the first market."""
    for market in list(session.markets.values())[:1]:
        price = (market.price_step or Decimal(1)) * 1000
        yield _sample(market, price=price)
        yield _sample(market, price=price, post_only=True)
        yield _sample(market, order_type=OrderType.MARKET)
        yield _sample(market, price=price, stop_price=price * 2, order_type=OrderType.STOP_LIMIT)


def _sample(market: Market, **more: Any) -> NewOrder:
    fields: dict[str, Any] = {
        "order_id": make_order_id(1, 0, 0),
        "account": AccountId("sample"),
        "client_id": ClientId("sample"),
        "symbol": Symbol(market.symbol),
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "quantity": (market.quantity_step or Decimal(1)) * 1000,
    }
    return NewOrder(**{**fields, **more})
