"""What one fact does to one order, and the pieces that the merging functions are made of."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from gateway.domain.enums import ClosedBy, OrderStatus, Source
from gateway.domain.enums import TransactionKind as Kind
from gateway.domain.errors import Code
from gateway.domain.identity import AccountId, OrderId, VenueOrderId
from gateway.domain.order import Evidence, Order, Transaction
from gateway.domain.trade import TradeDigest
from gateway.domain.venue import VenueTrade

KEPT_ABSENCES = 4
KEPT_DOUBLES = 4

Trades = Mapping[str, TradeDigest]

ALARMS: Mapping[str, str] = {
    "bad_move": "A fact would have moved the order in a way that the table does not allow; the "
    "fact was ignored. A bug of the gateway: the order is as it was.",
    "doubled": "The venue has two orders under one order id. The trades of both count; the state "
    "is the first one's. Look at the second one at the venue.",
    "filled_less_at_venue": "The venue says less filled than the gateway holds. Both figures are "
    "kept and nothing is rolled back.",
    "overfill": "More was filled than was ever asked for. All of it is counted.",
    "refused_but_live": "The place was answered with a refusal, but the venue has the order. It "
    "is kept as the venue has it.",
    "rejected_with_fills": "The venue calls an order rejected that has fills. They count; the "
    "rest of the order is taken as canceled.",
    "revived": "An order that was closed by a refusal, a verdict or an operator is at the venue "
    "after all, or has a fill.",
    "trade_amended": "The venue corrected or busted a trade; or, asked again, it has other figures "
    "than were kept. It is a transaction of its own.",
    "trade_conflict": "A trade was reported again with other figures. The first are kept, and the "
    "venue is asked which are right.",
    "vanished": "The venue acknowledged the order and no longer knows it. It is in doubt until "
    "the venue shows it again or an operator resolves it.",
}
"""Every kind of alarm that an order's life raises, for people."""


class Alarm(Struct, frozen=True, kw_only=True):
    """Something that a person should see. `kind` is a stable word, `text` a sentence."""

    kind: str
    text: str
    at: int
    account: AccountId
    order_id: OrderId | None = None


class Change(Struct, frozen=True, kw_only=True):
    """What one fact did. `visible` False: nothing to publish.

    Not even `checked_at` has moved if `order` is the very object that went in: then there is
    nothing to journal either. `digests` are the trades to remember with the order, by key. `text`
    says for the order's history what the fact's name does not.
    """

    order: Order
    visible: bool
    transactions: tuple[Transaction, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    digests: Mapping[str, TradeDigest] = {}
    text: str = ""


class Timed(Protocol):
    @property
    def at(self) -> int: ...


class Heard(Timed, Protocol):
    @property
    def source(self) -> Source: ...


def only(order: Order, *alarms: Alarm) -> Change:
    return Change(order=order, visible=False, alarms=alarms)


def alarm(order: Order, fact: Timed, kind: str, text: str) -> Alarm:
    return Alarm(kind=kind, text=text, at=fact.at, account=order.account, order_id=order.order_id)


def filled(order: Order) -> Decimal:
    return max(order.reported_quantity, order.traded_quantity)


def acknowledge(order: Order, at: int, venue_order_id: VenueOrderId) -> Order:
    """The venue has it, whatever came of it there."""
    if order.acknowledged_at is None:
        order = replace(order, acknowledged_at=at)
    if order.venue_order_id is None and venue_order_id:
        order = replace(order, venue_order_id=venue_order_id)
    return order


def is_other(order: Order, venue_order_id: VenueOrderId) -> bool:
    """Whether this is a second order of the venue's under our id."""
    return bool(venue_order_id) and order.venue_order_id not in (None, venue_order_id)


def note_double(order: Order, fact: Timed, venue_order_id: VenueOrderId) -> Change:
    if venue_order_id in order.doubles or len(order.doubles) >= KEPT_DOUBLES:
        return only(order)
    text = f"the venue has it as {order.venue_order_id} and as {venue_order_id}"
    after = replace(order, doubles=(*order.doubles, venue_order_id))
    return only(after, alarm(order, fact, "doubled", text))


def close(
    order: Order, status: OrderStatus, by: ClosedBy, at: int, code: Code | None, text: str
) -> Order:
    return replace(
        order, closed_as=status, closed_by=by, closed_at=at, reason_code=code, reason=text
    )


def reopen(order: Order) -> Order:
    return replace(
        order,
        closed_as=None,
        closed_by=None,
        closed_quantity=None,
        closed_at=None,
        reason_code=None,
        reason="",
    )


def remember(order: Order, evidence: Evidence) -> tuple[Evidence, ...]:
    return (*order.absences, evidence)[-KEPT_ABSENCES:]


def transaction(order: Order, fact: Heard, key: str, kind: Kind, seen: VenueTrade) -> Transaction:
    return Transaction(
        key=key,
        kind=kind,
        order_id=order.order_id,
        account=order.account,
        symbol=seen.symbol,
        client_id=order.client_id,
        side=seen.side,
        quantity=seen.quantity,
        price=seen.price,
        fee=seen.fee,
        fee_currency=seen.fee_currency,
        liquidity=seen.liquidity,
        trade_id=seen.trade_id,
        venue_order_id=seen.venue_order_id,
        venue_time=seen.venue_time,
        recorded_at=fact.at,
        source=fact.source,
    )
