"""What the executor knows of the orders it placed, as far as it needs it for the next command."""

from collections.abc import Iterator

from msgspec import Struct

from gateway.domain.errors import Busy
from gateway.domain.identity import AccountId, OrderId, VenueOrderId
from gateway.domain.messages import AmendIntended, PlaceIntended


class PlacedOrder(Struct, kw_only=True):
    """`amend` is the one under way; after an unknown outcome it blocks others until it can't land.

    `since` are monotonic times of this process: when the place or the amend was started.
    """

    intent: PlaceIntended
    answered: bool = False
    doubt: bool = False
    venue_order_id: VenueOrderId | None = None
    amend: AmendIntended | None = None
    amend_answered: bool = True
    placed_since: int = 0
    amended_since: int = 0

    @property
    def order_id(self) -> OrderId:
        return self.intent.order.order_id

    @property
    def account(self) -> AccountId:
        return self.intent.order.account

    @property
    def waits(self) -> bool:
        return not (self.answered and self.amend_answered)

    @property
    def waits_since(self) -> int:
        return self.amended_since if self.answered else self.placed_since


class PlacedOrders:
    """Open orders, oldest first; at most `limit`, the oldest that waits for nothing gives way."""

    def __init__(self, limit: int, max_unanswered: int) -> None:
        self._limit = limit
        self._max_unanswered = max_unanswered
        self._orders: dict[OrderId, PlacedOrder] = {}
        self._waiting: dict[OrderId, PlacedOrder] = {}

    def __len__(self) -> int:
        return len(self._orders)

    def __iter__(self) -> Iterator[PlacedOrder]:
        return iter(self._orders.values())

    def get(self, order_id: str) -> PlacedOrder | None:
        return self._orders.get(OrderId(order_id))

    def waiting(self) -> list[PlacedOrder]:
        """Those with a place or an amend that the venue has not answered."""
        return list(self._waiting.values())

    def check_room(self) -> None:
        """Raises `Busy`: too many requests are not answered yet."""
        if len(self._waiting) >= self._max_unanswered:
            raise Busy(f"{len(self._waiting)} requests wait for the venue's answer: try later")

    def add(self, order: PlacedOrder) -> None:
        self._orders[order.order_id] = order
        self.note(order)
        if len(self._orders) > self._limit:
            self._evict()

    def note(self, order: PlacedOrder) -> None:
        """Call it after a change of what the order waits for."""
        if order.waits and order.order_id in self._orders:
            self._waiting[order.order_id] = order
        else:
            self._waiting.pop(order.order_id, None)

    def forget(self, order_id: str) -> None:
        self._orders.pop(OrderId(order_id), None)
        self._waiting.pop(OrderId(order_id), None)

    def _evict(self) -> None:
        for order_id, order in self._orders.items():
            if not order.waits:
                self.forget(order_id)
                return
