"""What is counted and timed of orders, for metrics."""

from collections import Counter, defaultdict

from gateway.domain.enums import OrderStatus, Origin
from gateway.domain.identity import AccountId, OrderId
from gateway.domain.latency import Latencies
from gateway.domain.order import Order


class Census:
    """The orders in memory; what happens to them is counted from `begin` on, since a journal that
    is read again tells what happened before.

    open: open orders by account and status. doubts: the orders in doubt, and since when (ns UTC).
    outcomes: orders closed, by account and status. transactions: by account and kind.
    accepted: from an order's intent to the first evidence that the venue has it, by account.
    published: from hearing what changed an order to having published it, by the input.
    """

    def __init__(self) -> None:
        self.open: Counter[tuple[AccountId, OrderStatus]] = Counter()
        self.doubts: dict[OrderId, tuple[AccountId, int]] = {}
        self.outcomes: Counter[tuple[AccountId, OrderStatus]] = Counter()
        self.transactions: Counter[tuple[AccountId, str]] = Counter()
        self.accepted: defaultdict[AccountId, Latencies] = defaultdict(Latencies)
        self.published: defaultdict[str, Latencies] = defaultdict(Latencies)
        self._counting = False

    def begin(self) -> None:
        self._counting = True

    def move(self, before: Order | None, after: Order) -> None:
        """The order in memory is another one now."""
        if before is not None:
            if before.status is after.status:
                return
            if not before.is_closed:
                self.open[before.account, before.status] -= 1
        if not after.is_closed:
            self.open[after.account, after.status] += 1
        if after.status is OrderStatus.IN_DOUBT:
            self.doubts[after.order_id] = after.account, after.changed_at
        else:
            self.doubts.pop(after.order_id, None)

    def happened(self, before: Order | None, after: Order) -> None:
        """The order was changed, and that was published."""
        if not self._counting:
            return
        if after.is_closed and (before is None or not before.is_closed):
            self.outcomes[after.account, after.status] += 1
        if before is None or after.acknowledged_at is None or after.origin is not Origin.OWN:
            return
        if before.acknowledged_at is None:
            self.accepted[after.account].add(after.acknowledged_at - after.created_at)
