"""The end of one account's stream, as far as the journal and the bound allow."""

from collections import deque
from itertools import islice

from gateway.domain import messages as m


class HeldItems:
    """Every item with a number from `first_seq` to `last_seq` of `epoch` is here, without a hole.

    They stand in the records from `first_record` on: what older records hold of this stream is in
    the store, or nowhere.
    """

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._items: deque[tuple[int, m.StreamItem]] = deque()
        self.epoch = 0
        self.first_seq = 1
        self.last_seq = 0
        self.first_record = 1

    def begin(self, position: m.StreamPosition, record: int) -> None:
        """The stream stands at `position` before record number `record`; what is held is let go,
        unless it ends right there."""
        if (self.epoch, self.last_seq) != (position.epoch, position.seq):
            self._restart(position.epoch, position.seq + 1, record)

    def add(self, item: m.StreamItem, record: int) -> None:
        if (item.epoch, item.seq) != (self.epoch, self.last_seq + 1):
            self._restart(item.epoch, item.seq, record)
        self._items.append((record, item))
        self.last_seq = item.seq
        if len(self._items) > self._bound:
            oldest, dropped = self._items.popleft()
            self.first_seq, self.first_record = dropped.seq + 1, oldest + 1

    def _restart(self, epoch: int, first_seq: int, record: int) -> None:
        self._items.clear()
        self.epoch, self.first_seq, self.last_seq = epoch, first_seq, first_seq - 1
        self.first_record = record

    def between(self, first: int, last: int) -> list[m.StreamItem]:
        """Those held with first <= seq <= last."""
        start = max(first - self.first_seq, 0)
        stop = max(last + 1 - self.first_seq, 0)
        return [item for _, item in islice(self._items, start, stop)]

    def transactions(self, first: int, limit: int) -> list[m.TransactionUpdate]:
        """The first `limit` transactions held with a number from `first` on."""
        items = islice(self._items, max(first - self.first_seq, 0), None)
        found = (item for _, item in items if isinstance(item, m.TransactionUpdate))
        return list(islice(found, limit))

    def of_order(self, order_id: str) -> list[m.StreamItem]:
        return [item for _, item in self._items if _order_id(item) == order_id]

    def began_at(self) -> int | None:
        """When the oldest item held was made; None: nothing is held."""
        return self._items[0][1].at if self._items else None


def _order_id(item: m.StreamItem) -> str:
    if isinstance(item, m.OrderUpdate):
        return item.order.order_id
    return item.transaction.order_id
