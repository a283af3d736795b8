"""The orders in memory: all open ones, and the closed ones that late facts may still name."""

from collections.abc import Iterable, Iterator

from gateway.domain.identity import (
    EXTERNAL_TAG,
    AccountId,
    OrderId,
    Symbol,
    VenueOrderId,
    order_id_tag,
    order_id_time,
)
from gateway.domain.messages import TrackedOrder
from gateway.domain.order import Order
from gateway.domain.trade import TradeDigest


class Tracked:
    """One order in memory, the digests of its trades, and where its last change is journaled."""

    __slots__ = ("digests", "order", "record")

    def __init__(self, order: Order, digests: dict[str, TradeDigest], record: int) -> None:
        self.order = order
        self.digests = digests
        self.record = record


class Book:
    """Orders by our id and by the venue's.

    Closed orders beyond `kept_closed` are evicted, oldest first, but none whose last change is
    not in the store yet: until then only this memory knows that it was there.
    """

    def __init__(self, kept_closed: int) -> None:
        self._kept_closed = kept_closed
        self._orders: dict[OrderId, Tracked] = {}
        self._by_venue_id: dict[tuple[AccountId, Symbol, VenueOrderId], OrderId] = {}
        self._open: dict[AccountId, dict[OrderId, None]] = {}
        self._closed: dict[OrderId, None] = {}  # in order of closing
        self._evicted_upto = 0  # newest id time among the evicted orders of ours
        self._evicted_any = False
        self._asked: dict[OrderId, None] = {}  # the store does not have these either

    def __len__(self) -> int:
        return len(self._orders)

    def get(self, order_id: OrderId) -> Tracked | None:
        return self._orders.get(order_id)

    def by_venue_id(
        self, account: AccountId, symbol: Symbol, venue_order_id: VenueOrderId
    ) -> OrderId | None:
        """Some venues (Binance) number the orders of each symbol by themselves."""
        return self._by_venue_id.get((account, symbol, venue_order_id))

    def open_of(self, account: AccountId) -> Iterator[Order]:
        for order_id in self._open.get(account, ()):
            yield self._orders[order_id].order

    def open_count(self) -> int:
        return sum(len(orders) for orders in self._open.values())

    def tracked(self) -> Iterator[Tracked]:
        return iter(self._orders.values())

    def may_be_evicted(self, order_id: OrderId) -> bool:
        """Whether an order that is not here may be one that was here before."""
        if order_id in self._asked:
            return False
        if order_id_tag(order_id) == EXTERNAL_TAG:
            return self._evicted_any  # ours too can be named by the venue's id only
        return order_id_time(order_id) <= self._evicted_upto

    def never_seen(self, order_id: OrderId) -> None:
        """The store was asked and does not have it: it is new."""
        self._asked[order_id] = None
        if len(self._asked) > self._kept_closed:
            del self._asked[next(iter(self._asked))]

    def has_unacknowledged(self, account: AccountId, symbol: str) -> bool:
        """Whether an open order of ours has no venue order id yet."""
        return any(
            order.symbol == symbol and order.venue_order_id is None
            for order in self.open_of(account)
        )

    def put(self, order: Order, digests: dict[str, TradeDigest], record: int) -> None:
        """`digests` are added to those held."""
        tracked = self._orders.get(order.order_id)
        if tracked is None:
            self._orders[order.order_id] = Tracked(order, dict(digests), record)
        else:
            tracked.order = order
            tracked.record = record
            tracked.digests.update(digests)
        if order.venue_order_id is not None:
            self._by_venue_id[order.account, order.symbol, order.venue_order_id] = order.order_id
        self._file(order)

    def _file(self, order: Order) -> None:
        open_orders = self._open.setdefault(order.account, {})
        if order.is_closed:
            open_orders.pop(order.order_id, None)
            self._closed.setdefault(order.order_id)
        else:
            open_orders.setdefault(order.order_id)
            self._closed.pop(order.order_id, None)

    def evict(self, written: int) -> None:
        """Forgets the oldest closed orders whose last change the store has (record <= written)."""
        excess = len(self._closed) - self._kept_closed
        for order_id in list(_first(self._closed, excess)):
            tracked = self._orders[order_id]
            if tracked.record > written:
                return
            self._forget(tracked.order)

    def _forget(self, order: Order) -> None:
        del self._orders[order.order_id]
        del self._closed[order.order_id]
        if order.venue_order_id is not None:
            self._by_venue_id.pop((order.account, order.symbol, order.venue_order_id), None)
        self._evicted_any = True
        if order_id_tag(order.order_id) != EXTERNAL_TAG:
            self._evicted_upto = max(self._evicted_upto, order_id_time(order.order_id))

    def dump(self) -> tuple[TrackedOrder, ...]:
        return tuple(TrackedOrder(order=t.order, digests=t.digests) for t in self.tracked())

    def forgotten(self) -> tuple[int, bool]:
        """What `may_be_evicted` rests on, for a checkpoint."""
        return self._evicted_upto, self._evicted_any

    def load(self, orders: Iterable[TrackedOrder], evicted_upto: int, evicted_any: bool) -> None:
        self._evicted_upto = max(self._evicted_upto, evicted_upto)
        self._evicted_any = self._evicted_any or evicted_any
        for tracked in orders:
            self.put(tracked.order, tracked.digests, record=0)


def _first(keys: Iterable[OrderId], count: int) -> Iterator[OrderId]:
    for _, key in zip(range(count), keys, strict=False):
        yield key
