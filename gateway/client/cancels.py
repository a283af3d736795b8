"""Cancels: said again and again until they have an effect."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.enums import Pending
from gateway.domain.errors import Busy, Code
from gateway.domain.identity import OrderId
from gateway.domain.order import Order
from gateway.ports import Outlet, Timer, Timers

MAX_CANCELS = 100_000
QUICK = 5
"""So many times at the first pace, then the pauses double, up to LONGEST times the first."""
LONGEST = 30
ASK_EVERY = 3
"""An end, or a refusal, that was lost on the way is found out by asking."""

NOT_NOW = frozenset({Code.BUSY, Code.TOO_MANY, Code.NOT_READY, Code.JOURNAL_FULL, Code.STORE_DOWN})
"""Refusals that are about the moment: the cancel is said again."""


@dataclass(slots=True)
class Sticky:
    cancel: m.Cancel
    frame: bytes
    said: int = 0
    timer: Timer | None = None


class Cancels:
    """Bounded by MAX_CANCELS, then a further one is refused with code `too_many`.

    A cancel ends when its order is seen to be closed, or to have a cancel pending (the executor
    repeats it from then on), or when the cancel itself, or the place, is refused for good.
    """

    def __init__(
        self,
        urgent: Outlet,
        timers: Timers,
        pause: int,
        known: Callable[[OrderId], Order | None],
        ask: Callable[[OrderId], None],
    ) -> None:
        self._urgent = urgent
        self._timers = timers
        self._pause = pause
        self._known = known
        self._ask = ask
        self._cancels: dict[OrderId, Sticky] = {}

    def __len__(self) -> int:
        return len(self._cancels)

    def get(self, order_id: OrderId) -> m.Cancel | None:
        sticky = self._cancels.get(order_id)
        return None if sticky is None else sticky.cancel

    def begin(self, cancel: m.Cancel) -> None:
        if len(self._cancels) >= MAX_CANCELS:
            raise Busy(f"{len(self._cancels)} cancels are being repeated", Code.TOO_MANY)
        order_id = OrderId(cancel.order_id)
        self._cancels[order_id] = Sticky(cancel, codec.encode(cancel))
        self._say(order_id)

    def _say(self, order_id: OrderId) -> None:
        sticky = self._cancels.get(order_id)
        if sticky is None:
            return
        taken = self._urgent.send(sticky.frame)
        if taken and self._has_effect(self._known(order_id)):
            self.end(order_id)  # no update would ever end it
            return
        sticky.said += 1
        sticky.timer = self._timers.after(self._delay(sticky), lambda: self._say(order_id))
        if sticky.said % ASK_EVERY == 0:
            self._ask(order_id)

    def _delay(self, sticky: Sticky) -> int:
        longer: int = 2 ** max(sticky.said - QUICK, 0)
        return self._pause * min(longer, LONGEST)

    def _has_effect(self, order: Order | None) -> bool:
        return order is not None and (order.is_closed or order.pending is Pending.CANCEL)

    def on_order(self, order: Order) -> None:
        if self._has_effect(order):
            self.end(order.order_id)

    def on_refusal(self, refusal: m.Refusal) -> None:
        order_id = OrderId(refusal.order_id)
        sticky = self._cancels.get(order_id)
        if sticky is None or sticky.cancel.command_id != refusal.command_id:
            return
        if refusal.code not in NOT_NOW:
            self.end(order_id)

    def end(self, order_id: OrderId) -> None:
        sticky = self._cancels.pop(order_id, None)
        if sticky is not None and sticky.timer is not None:
            sticky.timer.cancel()

    def close(self) -> None:
        for order_id in list(self._cancels):
            self.end(order_id)
