"""Cancel all: one sticky cancel per open order, and one result each."""

from collections import deque
from collections.abc import Callable

from gateway.actioner.asked import Asked
from gateway.actioner.settings import ActionerSettings
from gateway.actioner.view import View
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.enums import Origin
from gateway.domain.errors import Code
from gateway.domain.identity import AccountId, order_id_time
from gateway.domain.order import Order
from gateway.ports import Clock, Outlet, Timers


class CancelAll:
    """Sends to the executor, which repeats each cancel until the order's end is evidenced."""

    def __init__(
        self,
        view: View,
        urgent: Outlet,
        settings: ActionerSettings,
        clock: Clock,
        timers: Timers,
        new_id: Callable[[], str],
    ) -> None:
        self._view = view
        self._urgent = urgent
        self._settings = settings
        self._clock = clock
        self._timers = timers
        self._new_id = new_id

    def cancel(self, asked: Asked, account: AccountId, request: m.CancelAll) -> None:
        """Raises, and sends nothing, unless all open orders are known."""
        self._view.require()
        orders = [o for o in self._view.orders.open_of(account) if is_meant(o, request)]
        patience = min(self._settings.cancel_patience, asked.time_left)
        deadline = self._clock.monotonic() + patience
        self._send(_Run(asked, request.client_id, orders, deadline))

    def _send(self, run: "_Run") -> None:
        """What the executor does not take at once is tried again for a while."""
        while run.left:
            if self._urgent.send(codec.encode(self._cancel_of(run.left[0], run.client_id))):
                run.note(run.left.popleft(), sent=True)
            elif self._clock.monotonic() < run.deadline:
                self._timers.after(self._settings.cancel_retry, lambda: self._send(run))
                return
            else:
                run.note(run.left.popleft(), sent=False)
        run.asked.answer(m.CancelAllReply(request_id=run.asked.id, results=tuple(run.results)))

    def _cancel_of(self, order: Order, client_id: str) -> m.Cancel:
        return m.Cancel(
            order_id=order.order_id,
            command_id=self._new_id(),
            client_id=client_id,
            account=order.account,
            symbol=order.symbol,
            venue_order_id=order.venue_order_id,
        )


class _Run:
    """One request's orders: which are left to send, and what became of the others."""

    def __init__(self, asked: Asked, client_id: str, orders: list[Order], deadline: int) -> None:
        self.asked = asked
        self.client_id = client_id
        self.left = deque(orders)
        self.deadline = deadline
        self.results: list[m.CancelResult] = []

    def note(self, order: Order, *, sent: bool) -> None:
        self.results.append(
            m.CancelResult(
                order_id=order.order_id,
                status=order.status,
                sent=sent,
                code=None if sent else Code.NOT_READY,
                text="" if sent else "the executor takes no cancels now: send it again",
            )
        )


def is_meant(order: Order, request: m.CancelAll) -> bool:
    """Placed before the request was sent; external ones only on request, and never by owner.

    Of our own orders the id tells when they were made, by the clock of the program that sends the
    request too; of others there is only when they were first heard of.
    """
    own = order.origin is not Origin.EXTERNAL
    made_at = order_id_time(order.order_id) if own else order.created_at
    return (
        made_at <= request.sent_at
        and request.symbol in (None, order.symbol)
        and request.owner in (None, order.client_id)
        and (own or (request.include_external and request.owner is None))
    )
