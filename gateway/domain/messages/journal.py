"""What the listener's journal holds."""

from msgspec import Struct

from gateway.domain.change import Alarm
from gateway.domain.facts import Fact
from gateway.domain.identity import AccountId, OrderId
from gateway.domain.messages.status import Refusal, StreamItem
from gateway.domain.order import Order
from gateway.domain.trade import TradeDigest


class OutboxPosition(Struct, frozen=True, kw_only=True):
    """How far an outbox has been applied, and until when its executor is known to have lived."""

    outbox: str
    born_at: int
    number: int
    alive_at: int = 0


class TrackedOrder(Struct, frozen=True, kw_only=True):
    order: Order
    digests: dict[str, TradeDigest]


class ParkedFact(Struct, frozen=True, kw_only=True):
    """A fact that can't be applied yet. `number` names it until it is unparked.

    With an `order_id` it waits for the store to be asked for that order; without one, until it is
    known whether the venue's id in it is that of one of our orders. `at`: when it was taken in.
    """

    number: int
    account: AccountId
    at: int
    fact: Fact
    order_id: OrderId | None = None


class StreamPosition(Struct, frozen=True, kw_only=True):
    account: AccountId
    epoch: int
    seq: int


class ListenerRecord(Struct, frozen=True, kw_only=True, tag="listener_record"):
    """All that one input changed, in one append: it happened wholly or not at all.

    `recalled` orders came from the store, where they were newer than here, before anything else of
    this happened to them.
    `items` are published in this order. `touched` are orders of which only `checked_at` moved.
    `digests`: what to remember of new trades, by order id and trade key. `unparked` facts have
    been dealt with, before the new `parked` ones. `streams` began new epochs before this: the store
    is told even if nothing is published in them.
    """

    at: int
    position: OutboxPosition | None = None
    items: tuple[StreamItem, ...] = ()
    touched: tuple[Order, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    digests: dict[str, dict[str, TradeDigest]] = {}
    recalled: tuple[TrackedOrder, ...] = ()
    parked: tuple[ParkedFact, ...] = ()
    unparked: tuple[int, ...] = ()
    streams: tuple[StreamPosition, ...] = ()


class Unconfirmed(Struct, frozen=True, kw_only=True):
    """An order with an id of ours, heard of at the venue, whose intent has not come so far."""

    order_id: OrderId
    account: AccountId
    heard_at: int


class Loss(Struct, frozen=True, kw_only=True):
    """Orders that were placed from `since` until `until` (ns UTC) may be in no journal."""

    since: int
    until: int


class ListenerCheckpoint(Struct, frozen=True, kw_only=True, tag="listener_checkpoint"):
    """Everything the listener needs to go on from here without reading older records."""

    at: int
    streams: tuple[StreamPosition, ...]
    outboxes: tuple[OutboxPosition, ...]
    orders: tuple[TrackedOrder, ...]
    refusals: tuple[Refusal, ...] = ()
    evicted_upto: int = 0  # orders of ours made up to then may be in the store only
    evicted_any: bool = False
    parked: tuple[ParkedFact, ...] = ()
    unconfirmed: tuple[Unconfirmed, ...] = ()
    losses: tuple[Loss, ...] = ()
    unproven: tuple[OrderId, ...] = ()  # the store may have a newer state of these
