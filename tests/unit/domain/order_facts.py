"""Facts about one order, told in a word each, and what is known after some of them."""

from decimal import Decimal
from typing import Any

from msgspec.structs import replace
from order_histories import SYMBOL, VENUE_ID, Gateway, new_order

from gateway.domain import facts as f
from gateway.domain.enums import (
    OrderStatus,
    Origin,
    Side,
    Source,
)
from gateway.domain.errors import Code
from gateway.domain.identity import ClientId
from gateway.domain.order import Evidence, Order
from gateway.domain.venue import TradeAmendment, VenueOrder, VenueTrade

LAG = 1_000
LAND_BY = 5_000


def intent(at: int = 1, **asked: Any) -> f.Intent:
    return f.Intent(at=at, order=new_order(**asked), land_by=LAND_BY)


def accepted(at: int = 10) -> f.Accepted:
    return f.Accepted(at=at, venue_order_id=VENUE_ID)


def refused(at: int = 10) -> f.PlaceRefused:
    return f.PlaceRefused(at=at, code=Code.VENUE_FUNDS, text="no funds", venue_code="-2010")


def not_sent(at: int = 10) -> f.PlaceNotSent:
    return f.PlaceNotSent(at=at, code=Code.VENUE_UNREACHABLE, text="connection refused")


def unknown(at: int = 10) -> f.PlaceUnknown:
    return f.PlaceUnknown(at=at, text="timed out")


def seen(
    status: str, cum: Any = None, at: int = 20, quantity: Any = "10", **fields: Any
) -> f.Snapshot:
    """By default what the stream says; `asked_at` makes it the answer to a query."""
    asked_at = fields.pop("asked_at", None)
    source = fields.pop("source", Source.STREAM if asked_at is None else Source.QUERY)
    order = {
        "symbol": SYMBOL,
        "venue_order_id": VENUE_ID,
        "status": OrderStatus(status),
        "side": Side.BUY,
        "quantity": None if quantity is None else Decimal(quantity),
        "price": Decimal(100),
        "cum_quantity": None if cum is None else Decimal(cum),
    }
    return f.Snapshot(
        at=at,
        asked_at=at if asked_at is None else asked_at,
        source=source,
        lag=fields.pop("lag", LAG),
        origin=fields.pop("origin", Origin.RECOVERED),
        order=VenueOrder(**{**order, **fields}),
    )


def traded(
    quantity: str, name: str | None = "t1", at: int = 30, price: str = "100", **fields: Any
) -> f.Trade:
    source = fields.pop("source", Source.STREAM)
    about: dict[str, Any] = {
        "symbol": SYMBOL,
        "venue_order_id": VENUE_ID,
        "side": Side.BUY,
        "price": Decimal(price),
        "quantity": Decimal(quantity),
        "trade_id": name,
    }
    return f.Trade(at=at, source=source, trade=VenueTrade(**{**about, **fields}))


def told(quantity: str, asked_at: int, **fields: Any) -> f.Trade:
    """By the venue, asked for its trades."""
    fact = traded(quantity, at=asked_at + 1, source=Source.QUERY, **fields)
    return replace(fact, asked_at=asked_at)


def corrected(
    quantity: str, at: int = 50, amendment_id: str = "a1", **fields: Any
) -> f.TradeAmended:
    """By the venue, of itself."""
    trade = traded(quantity, **fields).trade
    amendment = TradeAmendment(trade=trade, busted=False, amendment_id=amendment_id)
    return f.TradeAmended(at=at, source=Source.STREAM, amendment=amendment)


def absent(asked_at: int, at: int | None = None) -> f.Absent:
    at = asked_at + 1 if at is None else at
    evidence = Evidence(asked_at=asked_at, answered_at=at, searched=("by_id", "trades"))
    return f.Absent(at=at, evidence=evidence, lag=LAG)


def cancel(at: int = 40) -> f.CancelRequested:
    return f.CancelRequested(at=at, client_id=ClientId("desk"))


def cancel_refused(code: Code, at: int = 41) -> f.CancelRefused:
    return f.CancelRefused(at=at, code=code, text="no")


def amend(quantity: str | None, at: int = 50, price: str | None = None) -> f.AmendRequested:
    return f.AmendRequested(at=at, quantity=money(quantity), price=money(price), land_by=at + 100)


def amended(
    quantity: str | None, at: int = 51, price: str | None = None, sent_at: int | None = None
) -> f.AmendAccepted:
    sent_at = at if sent_at is None else sent_at
    return f.AmendAccepted(at=at, sent_at=sent_at, quantity=money(quantity), price=money(price))


def amend_refused(at: int = 51) -> f.AmendRefused:
    return f.AmendRefused(at=at, code=Code.VENUE_REFUSED, text="no")


def amend_unknown(at: int = 51) -> f.AmendUnknown:
    return f.AmendUnknown(at=at, text="timed out")


def resolved(status: str, at: int = 90_000) -> f.Resolution:
    return f.Resolution(at=at, operator="ann", status=OrderStatus(status), text="rang them up")


def money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def after(*facts: f.Fact) -> Gateway:
    """Checks at every step what must always hold, and that a fact taken twice changes nothing."""
    gateway = Gateway()
    for fact in facts:
        gateway.take(fact)
    return gateway


def order_after(*facts: f.Fact) -> Order:
    order = after(*facts).order
    assert order is not None
    return order


def alarms_after(*facts: f.Fact) -> list[str]:
    return [alarm.kind for alarm in after(*facts).alarms]


VANISHED = (intent(), accepted(), absent(10_000))
