"""What the store in memory holds, and which of it a question is about."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.domain import records as r
from gateway.domain.change import Alarm
from gateway.domain.identity import AccountId, OrderId
from gateway.domain.messages import Refusal, StreamItem
from gateway.domain.order import Order
from gateway.store.batches import Place

Number = tuple[int, int]  # (seq, epoch): the order in which items are read
NEVER: Place = (0, 0)


@dataclass(slots=True)
class Held:
    order: Order
    place: Place


@dataclass(slots=True)
class Stream:
    """One account's items by number; `numbers` is sorted."""

    items: dict[Number, StreamItem] = field(default_factory=dict)
    numbers: list[Number] = field(default_factory=list)

    def between(self, first: int, last: int) -> Iterator[StreamItem]:
        for at in range(bisect_left(self.numbers, (first, -1)), len(self.numbers)):
            if self.numbers[at][0] > last:
                return
            yield self.items[self.numbers[at]]


@dataclass(slots=True)
class Contents:
    orders: dict[OrderId, Held] = field(default_factory=dict)
    streams: dict[AccountId, Stream] = field(default_factory=lambda: defaultdict(Stream))
    of_order: dict[OrderId, list[StreamItem]] = field(default_factory=lambda: defaultdict(list))
    keys: dict[str, tuple[AccountId, Number]] = field(default_factory=dict)
    refusals: dict[bytes, Refusal] = field(default_factory=dict)
    alarms: dict[bytes, Alarm] = field(default_factory=dict)
    acknowledged: dict[str, r.NoteAcknowledged] = field(default_factory=dict)
    rejected: dict[bytes, None] = field(default_factory=dict)
    consumers: dict[tuple[str, str], int] = field(default_factory=dict)
    journals: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    heads: dict[AccountId, Place] = field(default_factory=dict)


def age_of(order: Order) -> tuple[int, str]:
    return order.created_at, order.order_id


def matches(order: Order, query: r.FindOrders) -> bool:
    return (
        query.account in (None, order.account)
        and query.symbol in (None, order.symbol)
        and query.owner in (None, order.client_id)
        and (not query.statuses or order.status in query.statuses)
        and (query.since is None or query.since <= order.created_at)
        and (query.until is None or order.created_at < query.until)
        and (query.after is None or age_of(order) < query.after)
    )


def is_named(order: Order, query: r.Recall) -> bool:
    by_venue = (order.symbol, order.venue_order_id) == (query.symbol, query.venue_order_id)
    return order.order_id == query.order_id or (query.venue_order_id is not None and by_venue)
