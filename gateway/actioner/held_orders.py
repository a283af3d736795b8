"""The orders that the listener's journal tells of: all open ones, and the last closed ones."""

from collections.abc import Iterable, Iterator

from gateway.domain.identity import EXTERNAL_TAG, AccountId, OrderId, order_id_tag, order_id_time
from gateway.domain.order import Order


class HeldOrders:
    """Bounded by what is open, and `kept_closed` closed ones; the oldest closed go first.

    `forgotten_record` is the newest journal record that told of an order which was let go.
    """

    def __init__(self, kept_closed: int) -> None:
        self._kept_closed = kept_closed
        self._orders: dict[OrderId, Order] = {}
        self._records: dict[OrderId, int] = {}
        self._open: dict[AccountId, dict[OrderId, int]] = {}  # by arrival
        self.arrivals = 0
        self._closed: dict[OrderId, None] = {}
        self._evicted_upto = 0
        self._evicted_any = False
        self.forgotten_record = 0

    def __len__(self) -> int:
        return len(self._orders)

    def get(self, order_id: OrderId) -> Order | None:
        return self._orders.get(order_id)

    def all(self) -> Iterator[Order]:
        return iter(self._orders.values())

    def open_of(self, account: AccountId) -> Iterator[Order]:
        return (self._orders[order_id] for order_id in self._open.get(account, ()))

    def arrived_since(self, account: AccountId, arrivals: int) -> list[Order]:
        """Open ones, oldest first, that came, or of which it became known whose they are, when
        there had been so many `arrivals` already. As much work as there are of them."""
        came = []
        for order_id, arrival in reversed(self._open.get(account, {}).items()):
            if arrival <= arrivals:
                break
            came.append(self._orders[order_id])
        return came[::-1]

    def unsettled_of(self, account: AccountId) -> Iterator[Order]:
        """Closed orders whose trades, or their fees, are not all here, or are in dispute."""
        closed = (self._orders[order_id] for order_id in self._closed)
        of_account = (o for o in closed if o.account == account)
        return (o for o in of_account if o.fees_missing or o.disputed or not o.trades_complete)

    def put(self, order: Order, record: int) -> None:
        before = self._orders.get(order.order_id)
        self._orders[order.order_id] = order
        self._records[order.order_id] = record
        open_orders = self._open.setdefault(order.account, {})
        if not order.is_closed:
            if before is not None and before.client_id != order.client_id:
                open_orders.pop(order.order_id, None)
            self._note_arrival(order.order_id, open_orders)
            self._closed.pop(order.order_id, None)
            return
        open_orders.pop(order.order_id, None)
        self._closed.setdefault(order.order_id)
        while len(self._closed) > self._kept_closed:
            self._forget(next(iter(self._closed)))

    def _note_arrival(self, order_id: OrderId, open_orders: dict[OrderId, int]) -> None:
        if order_id not in open_orders:
            self.arrivals += 1
            open_orders[order_id] = self.arrivals

    def _forget(self, order_id: OrderId) -> None:
        del self._closed[order_id], self._orders[order_id]
        self.forgotten_record = max(self.forgotten_record, self._records.pop(order_id))
        self.note_evicted(order_id_time(order_id) if _is_tagged(order_id) else 0, any_at_all=True)

    def drop_open_except(self, kept: Iterable[OrderId]) -> None:
        """A checkpoint lists every open order: one that it does not name is not open."""
        named = set(kept)
        for open_orders in self._open.values():
            for order_id in [one for one in open_orders if one not in named]:
                del open_orders[order_id], self._orders[order_id], self._records[order_id]

    def note_evicted(self, upto: int, *, any_at_all: bool) -> None:
        self._evicted_upto = max(self._evicted_upto, upto)
        self._evicted_any = self._evicted_any or any_at_all

    def may_be_forgotten(self, order_id: OrderId) -> bool:
        """Whether an order that is not here can be one that was here before."""
        if _is_tagged(order_id):
            return order_id_time(order_id) <= self._evicted_upto
        return self._evicted_any

    @property
    def is_whole(self) -> bool:
        """Nothing that was ever journaled has been let go."""
        return not self._evicted_any and self._evicted_upto == 0


def _is_tagged(order_id: str) -> bool:
    return order_id_tag(order_id) != EXTERNAL_TAG
