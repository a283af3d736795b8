"""Cancel all: one sticky cancel per open order, and one result each."""

from collections import deque
from collections.abc import Callable

from gateway.actioner.asked import Asked
from gateway.actioner.held_orders import HeldOrders
from gateway.actioner.settings import ActionerSettings
from gateway.actioner.view import View
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.enums import Origin, Pending
from gateway.domain.errors import Code, TimedOut, Unavailable
from gateway.domain.identity import AccountId, OrderId, order_id_time
from gateway.domain.order import NewOrder, Order
from gateway.ports import Clock, Outlet, Timers

LAST_WORD = 100_000_000
"""Ns before the asker gives up: an answer that is sent later it does not hear."""
ENDED = frozenset({Code.ALREADY_CLOSED, Code.UNKNOWN_ORDER})
"""Refusals of a cancel of which nothing is left to send again."""


class CancelAll:
    """Sends to the executor, which repeats each cancel until the order's end is evidenced.

    What is held is cancelled at once. What was placed before and is still on its way through the
    executor and the listener is cancelled as it comes, until the executor's journal, as far as the
    listener has applied it, reaches beyond the time the request came in: it says so each second.
    That time is the gateway's own, so it does not matter how far off the program's clock is.

    What the executor took may have died with it. The listener's journal shows which cancels it has
    recorded; the others are sent again, under the same ids, at each of its words that comes after.
    """

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
        self._runs: list[_Run] = []

    def cancel(self, asked: Asked, account: AccountId, request: m.CancelAll) -> None:
        """Raises, and sends nothing, unless all open orders that the listener knows are known."""
        self._view.require()
        deadline = self._clock.monotonic() + asked.time_left
        run = _Run(asked, account, request, deadline, self._settings.clock_error)
        self._await_word(run)
        self._advance(run)
        if not asked.answered:
            self._follow(run)

    def _follow(self, run: "_Run") -> None:
        if not self._runs:
            self._timers.after(self._settings.cancel_retry, self._look_again)
        self._runs.append(run)

    def _look_again(self) -> None:
        """One look into the journal for all that are under way."""
        self._view.poll()
        runs, self._runs = self._runs, []
        for run in runs:
            run.asked.run(lambda run=run: self._advance(run))  # type: ignore[misc]
        for run in runs:
            if not run.asked.answered:
                self._follow(run)

    def _advance(self, run: "_Run") -> None:
        run.take_newcomers(self._view.orders)
        run.take_evidence(self._view)
        self._note_alive(run)
        self._send(run)
        is_heard_again = self._is_whole(run)
        run.is_complete = run.is_complete or is_heard_again
        if run.left:
            self._give_up_sending(run)
        elif run.is_complete and not run.unseen:
            run.answer()
        elif self._clock.monotonic() >= run.last_moment:
            self._give_up_waiting(run)
        elif is_heard_again:
            self._send_again(run)

    # ---- sending -------------------------------------------------------------------------------

    def _send(self, run: "_Run") -> None:
        while run.left and self._urgent.send(codec.encode(self._cancel_of(run.left[0], run))):
            run.note_taken(run.left.popleft(), self._clock.monotonic())

    def _send_again(self, run: "_Run") -> None:
        """The executor has spoken, and these cancels are not in its journal. Those that it has all
        the same, and has only not come to yet, it takes for the same."""
        before = self._clock.monotonic() - self._settings.cancel_all_margin
        for order_id, taken_at in run.unseen.items():
            if taken_at <= before:
                run.left.append(self._view.orders.get(order_id) or run.orders[order_id])
        self._await_word(run)
        self._send(run)

    def _give_up_sending(self, run: "_Run") -> None:
        """What the executor does not take is tried again for a while. Then there is no use in
        waiting for more: the results say that all of it has to be sent again."""
        now = self._clock.monotonic()
        if run.stuck_since is None:
            run.stuck_since = now
        if now >= min(run.stuck_since + self._settings.cancel_patience, run.last_moment):
            run.answer()

    def _cancel_of(self, order: Order, run: "_Run") -> m.Cancel:
        return m.Cancel(
            order_id=order.order_id,
            command_id=run.command_ids.setdefault(order.order_id, self._new_id()),
            client_id=run.request.client_id,
            account=order.account,
            symbol=order.symbol,
            venue_order_id=order.venue_order_id,
        )

    # ---- waiting -------------------------------------------------------------------------------

    def _await_word(self, run: "_Run") -> None:
        """One that the executor says, and that the listener has applied, after a margin from now:
        by the clock, and by the monotonic one, for the clock may be set forward meanwhile."""
        outbox, margin = self._view.outbox(), self._settings.cancel_all_margin
        said = 0 if outbox is None else outbox.alive_at  # ahead, if the clock was set back since
        run.whole_at = max(self._clock.now(), said) + margin
        run.wait_until = self._clock.monotonic() + margin
        run.heard_before = None

    def _note_alive(self, run: "_Run") -> None:
        """What had been heard when the wait was over is no later word."""
        outbox = self._view.outbox()
        if run.heard_before is None and self._clock.monotonic() >= run.wait_until:
            run.heard_before = 0 if outbox is None else outbox.alive_at

    def _is_whole(self, run: "_Run") -> bool:
        """Only the executor's present journal counts: nothing more comes from an earlier one."""
        outbox = self._view.outbox()
        return (
            outbox is not None
            and outbox.alive_at >= run.whole_at
            and run.heard_before is not None
            and outbox.alive_at != run.heard_before
            and not self._view.problem
            and not any(run.is_before(new) for new in self._view.waiting_places(run.account))
        )

    def _give_up_waiting(self, run: "_Run") -> None:
        """Raises, unless all were found: what was found has been sent, and nobody can say that it
        was all."""
        if run.is_complete:
            run.answer()
            return
        text = (
            f"cancels of {len(run.orders)} orders were sent, all that were found; there may be "
            "more that were placed before"
        )
        if self._view.problem:
            raise Unavailable(f"{text}: {self._view.problem}; ask again", Code.NOT_READY)
        raise TimedOut(f"{text}: the executor's journal has not come so far in time; ask again")


class _Run:
    """One request's orders: which are left to send, which the executor has not shown that it has,
    and what became of the others."""

    def __init__(
        self,
        asked: Asked,
        account: AccountId,
        request: m.CancelAll,
        deadline: int,
        clock_error: int,
    ) -> None:
        """`deadline` by the monotonic clock."""
        self.asked = asked
        self.account = account
        self.request = request
        self.last_moment = deadline - LAST_WORD
        self._clock_error = clock_error
        self.whole_at = 0
        self.wait_until = 0  # monotonic
        self.heard_before: int | None = None
        self.is_complete = False
        """Nothing that was placed before is still to come."""
        self.left: deque[Order] = deque()
        self.stuck_since: int | None = None  # monotonic
        self.orders: dict[OrderId, Order] = {}
        """As they were found."""
        self.command_ids: dict[OrderId, str] = {}
        self.unseen: dict[OrderId, int] = {}
        """When each was taken, monotonic."""
        self._refusals: dict[OrderId, m.Refusal] = {}
        self._orders: HeldOrders | None = None
        self._arrivals = 0

    def take_newcomers(self, orders: HeldOrders) -> None:
        """All, the first time, and when the view has begun anew."""
        if orders is not self._orders:
            self._orders, self._arrivals = orders, 0
        for order in orders.arrived_since(self.account, self._arrivals):
            if order.order_id not in self.orders and self._is_meant(order):
                self.orders[order.order_id] = order
                self.unseen[order.order_id] = 0
                self.left.append(order)
        self._arrivals = orders.arrivals

    def note_taken(self, order: Order, now: int) -> None:
        self.stuck_since = None
        if order.order_id in self.unseen:
            self.unseen[order.order_id] = now

    def _is_meant(self, order: Order) -> bool:
        return is_meant(order, self.request, self._clock_error)

    def is_before(self, new: NewOrder) -> bool:
        by_asker = new.client_id == self.request.client_id
        until = latest(self.request, self._clock_error, by_asker=by_asker)
        return order_id_time(new.order_id) <= until

    def take_evidence(self, view: View) -> None:
        """The executor has recorded the cancel or refused it, it has another one of the order, or
        the order has ended. A venue's no soon takes back what is pending: that it was counts."""
        for order_id in list(self.unseen):
            order, refusal = view.orders.get(order_id), view.refusal_of(order_id)
            if refusal is not None and refusal.command_id == self.command_ids.get(order_id):
                self._refusals[order_id] = refusal
            elif order is not None and not order.is_closed and order.pending is not Pending.CANCEL:
                continue
            del self.unseen[order_id]

    def answer(self) -> None:
        results = tuple(self._result(order) for order in self.orders.values())
        self.asked.answer(m.CancelAllReply(request_id=self.asked.id, results=results))

    def _result(self, order: Order) -> m.CancelResult:
        refusal = self._refusals.get(order.order_id)
        if order.order_id in self.unseen:
            code, text = Code.NOT_READY, "the executor has not shown that it has it: send it again"
        elif refusal is not None and refusal.code not in ENDED:
            code, text = refusal.code, refusal.text
        else:
            return m.CancelResult(order_id=order.order_id, status=order.status, sent=True)
        return m.CancelResult(
            order_id=order.order_id, status=order.status, sent=False, code=code, text=text
        )


def is_meant(order: Order, request: m.CancelAll, clock_error: int) -> bool:
    """Placed before the request was sent; external ones only on request, and never by owner.

    The id of one that was placed through the gateway tells when it was made; of others there is
    only when they were first heard of.
    """
    external = order.origin is Origin.EXTERNAL
    made_at = order.created_at if external else order_id_time(order.order_id)
    by_asker = not external and order.client_id == request.client_id
    return (
        made_at <= latest(request, clock_error, by_asker=by_asker)
        and request.symbol in (None, order.symbol)
        and request.owner in (None, order.client_id)
        and (not external or (request.include_external and request.owner is None))
    )


def latest(request: m.CancelAll, clock_error: int, *, by_asker: bool) -> int:
    """What was made by then counts as placed before. The asker's own orders were made by the clock
    that the request is sent by; that of others may be ahead of it."""
    return request.sent_at + (0 if by_asker else clock_error)
