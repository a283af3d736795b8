"""The orders in memory: all open ones, and the closed ones that late facts may still name."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import islice

from gateway.domain.enums import Origin
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
from gateway.domain.trade import TradeDigest, trade_key
from gateway.domain.venue import VenueTrade
from gateway.listener.census import Census

AtVenue = tuple[AccountId, Symbol, VenueOrderId]
"""Some venues (Binance) number the orders of each symbol by themselves."""
EVICTED_AT_ONCE = 200
"""More than a commit closes, so a backlog goes; and few, since while the store is away the oldest
of many is looked at with each commit."""


class Tracked:
    """One order in memory and the digests of its trades.

    `record`: where its last change is journaled. `known_since`, `changed_since`: when it came into
    this memory and when it was last changed, on the monotonic clock of this process.
    """

    __slots__ = ("changed_since", "digests", "known_since", "order", "record")

    def __init__(self, order: Order, record: int, now: int) -> None:
        self.order = order
        self.digests: dict[str, TradeDigest] = {}
        self.record = record
        self.known_since = now
        self.changed_since = now


class Book:
    """Orders by our id and by the venue's.

    Closed orders beyond `kept_closed` are evicted, oldest first, but none whose last change is
    not in the store yet: until then only this memory knows that it was there. Of what is evicted,
    the last `kept_trades` digests stay a while longer.
    """

    def __init__(self, kept_closed: int, kept_trades: int, monotonic: Callable[[], int]) -> None:
        self._kept_closed = kept_closed
        self._kept_trades = kept_trades
        self._monotonic = monotonic
        self.census = Census()
        self._orders: dict[OrderId, Tracked] = {}
        self._by_venue_id: dict[AtVenue, OrderId] = {}
        self._open: dict[AccountId, dict[OrderId, None]] = {}
        self._unnamed: dict[tuple[AccountId, Symbol], dict[OrderId, None]] = {}
        self._closed: dict[OrderId, None] = {}  # in order of closing
        self._evicted_upto = 0  # newest id time among the evicted orders of ours
        self._evicted_any = False
        self._asked: dict[OrderId, None] = {}  # the store does not have these either
        self._counted: OrderedDict[str, TradeDigest] = OrderedDict()  # of evicted orders
        self.unproven: dict[OrderId, None] = {}
        """In memory, but the journal may have lost a newer state, which the store then has."""

    def __len__(self) -> int:
        return len(self._orders)

    def get(self, order_id: OrderId) -> Tracked | None:
        return self._orders.get(order_id)

    def by_venue_id(
        self, account: AccountId, symbol: Symbol, venue_order_id: VenueOrderId
    ) -> OrderId | None:
        return self._by_venue_id.get((account, symbol, venue_order_id))

    def open_of(self, account: AccountId) -> Iterator[Tracked]:
        return (self._orders[order_id] for order_id in self._open.get(account, ()))

    def tracked(self) -> Iterator[Tracked]:
        return iter(self._orders.values())

    def has_unnamed(self, account: AccountId, symbol: Symbol) -> bool:
        """Whether the venue's id of an open order is not known yet."""
        return bool(self._unnamed.get((account, symbol)))

    # ---- what is not here ----------------------------------------------------------------------

    def is_at_hand(self, order_id: OrderId) -> bool:
        """In memory with its newest state, or certainly not one that was in memory before."""
        if order_id in self._orders:
            return order_id not in self.unproven
        return not self._may_be_evicted(order_id)

    def _may_be_evicted(self, order_id: OrderId) -> bool:
        if order_id in self._asked:
            return False
        if order_id_tag(order_id) == EXTERNAL_TAG:
            return self._evicted_any  # ours too can be named by the venue's id only
        return order_id_time(order_id) <= self._evicted_upto

    def never_seen(self, order_id: OrderId) -> None:
        """The store was asked and does not have it: it is new, or has not been written yet."""
        self.unproven.pop(order_id, None)
        if order_id in self._orders:
            return
        self._asked[order_id] = None
        if len(self._asked) > self._kept_closed:
            del self._asked[next(iter(self._asked))]

    def prove(self, order_id: OrderId) -> None:
        """The store was asked: what is here is the newest there is."""
        self.unproven.pop(order_id, None)

    def has_counted(self, account: AccountId, trade: VenueTrade) -> bool:
        """Whether an order that was evicted has this very trade, so that it would change nothing:
        sweeps tell again of trades of the last minutes, whose orders may be gone by then. Not known
        any more after a restart."""
        known = self._counted.get(trade_key(account, trade))
        return (
            known is not None
            and (known.price, known.quantity) == (trade.price, trade.quantity)
            and (known.fee_known or trade.fee is None)
        )

    # ---- change --------------------------------------------------------------------------------

    def change(self, order: Order, record: int) -> None:
        """The order's new state, which has been published."""
        held = self._orders.get(order.order_id)
        self.census.happened(None if held is None else held.order, order)
        self.put(order, record).changed_since = self._monotonic()

    def put(self, order: Order, record: int) -> Tracked:
        tracked = self._orders.get(order.order_id)
        self.census.move(None if tracked is None else tracked.order, order)
        if tracked is None:
            tracked = self._orders[order.order_id] = Tracked(order, record, self._monotonic())
            self._asked.pop(order.order_id, None)  # once evicted, it is in the store
        tracked.order = order
        tracked.record = record
        for name in _names_at_venue(order):
            self._by_venue_id[name] = order.order_id
        self._file(order)
        return tracked

    def remember(self, order_id: OrderId, digests: Mapping[str, TradeDigest]) -> None:
        tracked = self._orders.get(order_id)
        if tracked is not None:
            tracked.digests.update(digests)

    def is_newer(self, stored: TrackedOrder) -> bool:
        """Whether the store's state is newer than what is here."""
        held = self._orders.get(stored.order.order_id)
        if held is None:
            return True
        return _progress(held.order, held.digests) < _progress(stored.order, stored.digests)

    def take_back(self, stored: TrackedOrder, record: int) -> None:
        """From the store. Order and digests go together: a digest stands for a trade counted in
        that very order."""
        if self.is_newer(stored):
            self.put(stored.order, record).digests = dict(stored.digests)
        self.unproven.pop(stored.order.order_id, None)
        for key in stored.digests:
            self._counted.pop(key, None)

    def _file(self, order: Order) -> None:
        open_orders = self._open.setdefault(order.account, {})
        unnamed = self._unnamed.setdefault((order.account, order.symbol), {})
        if order.is_closed:
            open_orders.pop(order.order_id, None)
            self._closed.setdefault(order.order_id)
        else:
            open_orders.setdefault(order.order_id)
            self._closed.pop(order.order_id, None)
        if order.is_closed or order.venue_order_id is not None:
            unnamed.pop(order.order_id, None)
        else:
            unnamed.setdefault(order.order_id)

    def evict(self, written: int) -> None:
        """Forgets the oldest closed orders whose last change the store has (record <= written)."""
        excess = min(len(self._closed) - self._kept_closed, EVICTED_AT_ONCE)
        for order_id in list(islice(self._closed, max(excess, 0))):
            tracked = self._orders[order_id]
            if tracked.record > written:
                return
            self._keep_digests(tracked)
            self._forget(tracked.order)

    def _keep_digests(self, tracked: Tracked) -> None:
        """Not of an order that may still change with a trade that it has: one whose figures are in
        dispute, or one of which the store may have another state."""
        order = tracked.order
        if order.disputed or order.order_id in self.unproven:
            return
        self._counted.update(tracked.digests)
        while len(self._counted) > self._kept_trades:
            self._counted.popitem(last=False)

    def _forget(self, order: Order) -> None:
        del self._orders[order.order_id]
        self.unproven.pop(order.order_id, None)
        del self._closed[order.order_id]
        for name in _names_at_venue(order):
            if self._by_venue_id.get(name) == order.order_id:
                del self._by_venue_id[name]
        self._evicted_any = True
        if order_id_tag(order.order_id) != EXTERNAL_TAG:
            self._evicted_upto = max(self._evicted_upto, order_id_time(order.order_id))

    # ---- checkpoint ----------------------------------------------------------------------------

    def dump(self) -> tuple[TrackedOrder, ...]:
        return tuple(TrackedOrder(order=t.order, digests=t.digests) for t in self.tracked())

    def forgotten(self) -> tuple[int, bool]:
        """What `is_at_hand` rests on, for a checkpoint."""
        return self._evicted_upto, self._evicted_any

    def note_forgotten(self, evicted_upto: int, *, evicted_any: bool) -> None:
        self._evicted_upto = max(self._evicted_upto, evicted_upto)
        self._evicted_any = self._evicted_any or evicted_any

    def load(self, orders: Iterable[TrackedOrder], record: int) -> None:
        for tracked in orders:
            self.take_back(tracked, record)


def _progress(order: Order, digests: Mapping[str, TradeDigest]) -> tuple[int | Decimal, ...]:
    """Grows over an order's life. A late fact leaves `changed_at` as it is and adds knowledge."""
    return (
        order.changed_at,
        len(digests),
        order.cum_quantity,
        order.origin is not Origin.RECOVERED,
        order.acknowledged_at is not None,
        order.is_closed,
        order.revision,
    )


def _names_at_venue(order: Order) -> Iterator[AtVenue]:
    """A second order of the venue's under our id is ours as well."""
    if order.venue_order_id is not None:
        yield order.account, order.symbol, order.venue_order_id
    for double in order.doubles:
        yield order.account, order.symbol, double
