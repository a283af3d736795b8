"""What the listener publishes of our orders: the evidence that ends a cancel."""

from gateway.domain.enums import ClosedBy, OrderStatus, Pending
from gateway.domain.identity import AccountId, OrderId
from gateway.domain.messages import OrderUpdate
from gateway.domain.order import Order
from gateway.executor.cancels import Cancels
from gateway.executor.orders import PlacedOrder
from gateway.executor.state import State

_LIVE = (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)


class Heard:
    """Updates can be lost, and come late. A lost end is heard of by asking again with the cancel;
    an old picture of an order counts only if it shows an end that nothing revokes."""

    def __init__(self, state: State, cancels: Cancels) -> None:
        self._state = state
        self._cancels = cancels
        self._heads: dict[AccountId, tuple[int, int]] = {}

    def on_update(self, update: OrderUpdate) -> None:
        if update.account not in self._state.venues:
            return
        place = (update.epoch, update.seq)
        in_order = place > self._heads.get(update.account, (0, 0))
        if in_order:
            self._heads[update.account] = place
        order = update.order
        if order.is_closed and (in_order or _is_irrevocable(order)):
            self._close(order)
        elif in_order and not order.is_closed:
            self._note_open(order)

    def on_ended(self, order_id: OrderId) -> None:
        """It is closed; how, is not said."""
        self._state.orders.forget(order_id)
        self._cancels.lay_by(order_id)

    def _close(self, order: Order) -> None:
        """Only an end that stays is remembered: a cancel would then be refused here (case 20)."""
        self._state.orders.forget(order.order_id)
        if _is_irrevocable(order):
            self._state.memory.mark_closed(order.order_id, closed=True)
            self._cancels.end(order.order_id, order.status)
        else:
            self._cancels.lay_by(order.order_id, order.status)

    def _note_open(self, order: Order) -> None:
        self._state.memory.mark_closed(order.order_id, closed=False)
        self._cancels.resume(order.order_id)
        placed = self._state.orders.get(order.order_id)
        if placed is None:
            return
        if self._learn(placed, order):
            self._cancels.nudge(order.order_id)
        if placed.amend_answered and order.pending is not Pending.REPLACE:
            placed.amend = None

    def _learn(self, placed: PlacedOrder, order: Order) -> bool:
        """Whether there is news that may make a cancel work now."""
        found = placed.doubt and order.status in _LIVE
        if order.status is OrderStatus.IN_DOUBT:
            placed.doubt = True
        elif found:
            placed.doubt = False
        named = placed.venue_order_id is None and order.venue_order_id is not None
        placed.venue_order_id = order.venue_order_id or placed.venue_order_id
        return found or named


def _is_irrevocable(order: Order) -> bool:
    if order.status is OrderStatus.FILLED:
        return True
    return order.closed_by in (ClosedBy.VENUE, ClosedBy.NOT_SENT)
