"""Facts: everything that can become known about one order, each with the time it was learnt.

`at` is the gateway's clock in ns UTC when the fact was learnt; for the answer to a question
`asked_at` is when the question was sent: what the venue did after that is not in the answer.
"""

from decimal import Decimal

from msgspec import Struct

from gateway.domain.enums import OrderStatus, Origin, Source
from gateway.domain.errors import Code
from gateway.domain.identity import ClientId, VenueOrderId
from gateway.domain.order import Evidence, NewOrder
from gateway.domain.venue import TradeAmendment, VenueOrder, VenueTrade


class Intent(Struct, frozen=True, kw_only=True, tag="intent"):
    """We are about to send it. In the outbox before the first byte goes to the venue."""

    at: int
    order: NewOrder
    land_by: int


class Accepted(Struct, frozen=True, kw_only=True, tag="accepted"):
    """The venue answered the place: it has the order."""

    at: int
    venue_order_id: VenueOrderId


class PlaceRefused(Struct, frozen=True, kw_only=True, tag="place_refused"):
    at: int
    code: Code
    text: str
    venue_code: str = ""


class PlaceNotSent(Struct, frozen=True, kw_only=True, tag="place_not_sent"):
    at: int
    code: Code
    text: str


class PlaceUnknown(Struct, frozen=True, kw_only=True, tag="place_unknown"):
    at: int
    text: str


class Snapshot(Struct, frozen=True, kw_only=True, tag="snapshot"):
    """The venue's picture of the order. `asked_at` equals `at` for what a stream said."""

    at: int
    asked_at: int
    source: Source
    order: VenueOrder
    lag: int = 0  # the venue's visibility lag in ns: how old its answer may be
    origin: Origin = Origin.RECOVERED  # what it is if nothing is known of it yet
    client_id: ClientId = ClientId("")


class Trade(Struct, frozen=True, kw_only=True, tag="trade"):
    """`asked_at`: when the venue was asked for its trades, if its answer tells this one in one way
    only. Such a word decides between two tellings of one trade (case 31). 0: nobody asked."""

    at: int
    source: Source
    trade: VenueTrade
    origin: Origin = Origin.RECOVERED
    client_id: ClientId = ClientId("")
    asked_at: int = 0


class TradeAmended(Struct, frozen=True, kw_only=True, tag="trade_amended"):
    at: int
    source: Source
    amendment: TradeAmendment


class CancelRequested(Struct, frozen=True, kw_only=True, tag="cancel_requested"):
    at: int
    client_id: ClientId


class CancelAccepted(Struct, frozen=True, kw_only=True, tag="cancel_accepted"):
    """An acknowledgement only: the end of the order is a snapshot's to tell."""

    at: int


class CancelRefused(Struct, frozen=True, kw_only=True, tag="cancel_refused"):
    """`VENUE_ORDER_NOT_FOUND` decides nothing: filled, canceled by us before, or never there."""

    at: int
    code: Code
    text: str


class CancelUnknown(Struct, frozen=True, kw_only=True, tag="cancel_unknown"):
    at: int
    text: str


class AmendRequested(Struct, frozen=True, kw_only=True, tag="amend_requested"):
    at: int
    quantity: Decimal | None
    price: Decimal | None
    land_by: int


class AmendAccepted(Struct, frozen=True, kw_only=True, tag="amend_accepted"):
    """`lag` is the venue's visibility lag in ns: how old what it showed may have been. The amend
    took effect between `sent_at` and `at`."""

    at: int
    sent_at: int
    quantity: Decimal | None
    price: Decimal | None
    lag: int = 0


class AmendRefused(Struct, frozen=True, kw_only=True, tag="amend_refused"):
    at: int
    code: Code
    text: str


class AmendUnknown(Struct, frozen=True, kw_only=True, tag="amend_unknown"):
    at: int
    text: str


class Absent(Struct, frozen=True, kw_only=True, tag="absent"):
    """The venue authoritatively has no such order. `lag` is its visibility lag in ns."""

    at: int
    evidence: Evidence
    lag: int


class Resolution(Struct, frozen=True, kw_only=True, tag="resolution"):
    """An operator's word on an order in doubt; audited, and revoked by any positive evidence."""

    at: int
    operator: str
    status: OrderStatus
    text: str


VenueFact = Snapshot | Trade | TradeAmended
"""Said by a venue of an order that it names: by our id, or only by its own."""

Fact = (
    Intent
    | Accepted
    | PlaceRefused
    | PlaceNotSent
    | PlaceUnknown
    | Snapshot
    | Trade
    | TradeAmended
    | CancelRequested
    | CancelAccepted
    | CancelRefused
    | CancelUnknown
    | AmendRequested
    | AmendAccepted
    | AmendRefused
    | AmendUnknown
    | Absent
    | Resolution
)
