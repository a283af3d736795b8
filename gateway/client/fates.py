"""What became of orders that nothing is heard of: asked, a few at a time, and asked again."""

from collections.abc import Callable

from gateway.client.known import Followed
from gateway.domain import messages as m
from gateway.domain.errors import GatewayError
from gateway.domain.identity import OrderId
from gateway.ports import Timers

AT_ONCE = 8
"""Questions open at a time: a requester has sixteen, and streams need some of them."""
LONGEST = 30
"""Pauses grow to so many times the first."""

Ask = Callable[[Followed, Callable[[m.OrderReply | GatewayError], None]], None]


class Fates:
    """Each order is asked for until it is known what became of it; the pauses double. Bounded by
    the orders of this client that are not settled."""

    def __init__(
        self,
        ask: Ask,
        timers: Timers,
        first_pause: int,
        take: Callable[[Followed, m.OrderReply, int], bool],
    ) -> None:
        """`take(followed, reply, expires_at)`: False if that is no answer; it is asked again."""
        self._ask = ask
        self._timers = timers
        self._first_pause = first_pause
        self._take = take
        self._waiting: dict[OrderId, Followed] = {}
        self._open = 0

    def later(self, followed: Followed, delay: int) -> None:
        self.stop(followed)
        followed.asking = self._timers.after(delay, lambda: self.now(followed))

    def now(self, followed: Followed) -> None:
        self.stop(followed)
        self._waiting[followed.order_id] = followed
        self._go_on()

    def stop(self, followed: Followed) -> None:
        """Something was heard."""
        if followed.asking is not None:
            followed.asking.cancel()
            followed.asking = None

    def _go_on(self) -> None:
        while self._waiting and self._open < AT_ONCE:
            followed = self._waiting.pop(next(iter(self._waiting)))
            if not followed.is_settled:
                self._open += 1
                self._ask(followed, self._answered_to(followed))

    def _answered_to(self, followed: Followed) -> Callable[[m.OrderReply | GatewayError], None]:
        expires_at = followed.expires_at
        return lambda reply: self._on_answer(followed, reply, expires_at)

    def _on_answer(
        self, followed: Followed, reply: m.OrderReply | GatewayError, expires_at: int
    ) -> None:
        self._open -= 1
        if not followed.is_settled:
            taken = (
                isinstance(reply, m.OrderReply)
                and reply.fate != "unknown"
                and self._take(followed, reply, expires_at)
            )
            if taken:
                followed.pause = 0
            else:
                self._again(followed)
        self._go_on()

    def _again(self, followed: Followed) -> None:
        pause = followed.pause or self._first_pause
        followed.pause = min(2 * pause, LONGEST * self._first_pause)
        self.later(followed, pause)
