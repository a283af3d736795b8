"""What became of an order: one state, its history, or why there is none."""

from collections.abc import Callable, Iterable

from gateway.actioner.asked import Asked, checked_order_id, expect, unknown_order
from gateway.actioner.settings import ActionerSettings
from gateway.actioner.view import View
from gateway.domain import messages as m
from gateway.domain.errors import Code, Unavailable
from gateway.domain.identity import OrderId, order_id_tag, order_id_time
from gateway.domain.messages import Fate
from gateway.domain.order import Order
from gateway.domain.records import (
    FindOrder,
    FindPositions,
    FindRefusal,
    Found,
    FoundOrder,
    FoundPositions,
    FoundRefusal,
    StoreFailed,
)
from gateway.ports import Clock, Store


class Fates:
    """Asks the view first: it is never older than the store. Then the store, for what is old."""

    def __init__(
        self, view: View, store: Store, clock: Clock, settings: ActionerSettings, tag: int
    ) -> None:
        self._view = view
        self._store = store
        self._clock = clock
        self._settings = settings
        self._tag = tag
        self._kept_since = 0

    def get(self, asked: Asked, request: m.GetOrder) -> None:
        order_id = checked_order_id(request.order_id)
        self._view.require()
        if request.history:
            query = FindOrder(order_id=order_id, history=True)
            self._store.ask(query, asked.then(lambda f: self._with_history(asked, order_id, f)))
        else:
            self.find(asked, order_id, lambda order: self._tell(asked, order_id, order))

    def find(self, asked: Asked, order_id: OrderId, step: Callable[[Order | None], None]) -> None:
        """The newest state; None only when there certainly is no such order, as far as the journal
        was applied. Calls `step` at once if the store need not be asked."""
        self._view.require()
        order = self._view.orders.get(order_id)
        if order is not None or not self._view.orders.may_be_forgotten(order_id):
            step(order)
            return
        query = FindOrder(order_id=order_id)
        asked.find(self._store, query, FoundOrder, lambda f: self._found(asked, order_id, f, step))

    def find_known(self, asked: Asked, order_id: str, step: Callable[[Order], None]) -> None:
        """As `find`; an order that does not exist becomes the answer."""

        def known(order: Order | None) -> None:
            if order is None:
                raise unknown_order()
            step(order)

        self.find(asked, checked_order_id(order_id), known)

    def _found(
        self,
        asked: Asked,
        order_id: OrderId,
        found: FoundOrder,
        step: Callable[[Order | None], None],
    ) -> None:
        order = self._newest(order_id, found)
        self._kept_since = max(self._kept_since, found.kept_since)
        if order is not None or self._view.orders.forgotten_record == 0:
            step(order)
            return
        query = FindPositions(journal=self._view.journal)

        def none_if_written(positions: FoundPositions) -> None:
            if positions.upto < self._view.orders.forgotten_record:
                raise Unavailable("the store is behind; ask again", Code.STORE_DOWN)
            step(None)

        asked.find(self._store, query, FoundPositions, none_if_written)

    def _newest(self, order_id: OrderId, found: FoundOrder) -> Order | None:
        self._view.poll()
        held = self._view.orders.get(order_id)
        if held is None or found.order is None:
            return held or found.order
        behind = found.seq > self._view.seq_of(held.account)
        return found.order if behind else held

    def _tell(self, asked: Asked, order_id: OrderId, order: Order | None) -> None:
        if order is not None:
            asked.answer(m.OrderReply(request_id=asked.id, fate="known", order=order))
            return
        refusal = self._view.refusal_of(order_id)
        made_at = order_id_time(order_id) - self._settings.clock_error
        if refusal is not None or self._view.has_refusals_since(made_at):
            self._tell_fate(asked, order_id, refusal)
            return
        query = FindRefusal(order_id=order_id)
        asked.find(
            self._store,
            query,
            FoundRefusal,
            lambda found: self._tell_fate(asked, order_id, found.refusal),
        )

    def _tell_fate(self, asked: Asked, order_id: OrderId, refusal: m.Refusal | None) -> None:
        """The store may have taken its time: an order that came meanwhile is known."""
        self._view.poll()
        order = self._view.orders.get(order_id)
        if order is not None:
            reply = m.OrderReply(request_id=asked.id, fate="known", order=order)
        elif refusal is not None and is_about_place(refusal):
            reply = m.OrderReply(request_id=asked.id, fate="refused", refusal=refusal)
        else:
            reply = m.OrderReply(request_id=asked.id, fate=self._verdict(asked.request, order_id))
        asked.answer(reply)

    def _verdict(self, request: m.AnyRequest, order_id: OrderId) -> Fate:
        expires_at = getattr(request, "expires_at_of_place", None)
        outbox = self._view.outbox()
        if expires_at is None or outbox is None or order_id_tag(order_id) != self._tag:
            return "unknown"
        if self._view.is_heard_of(order_id):
            return "unknown"  # it was received, and will be known once the store has answered
        if order_id_time(order_id) < self._kept_since + self._settings.clock_error:
            return "unknown"  # there may have been one, and the store has let go of it
        late = expires_at + self._settings.clock_error
        is_over = min(outbox.alive_at, self._clock.now()) > late
        born_before = outbox.born_at + self._settings.clock_error < order_id_time(order_id)
        return "never_received" if is_over and born_before else "unknown"

    # ---- history -------------------------------------------------------------------------------

    def _with_history(self, asked: Asked, order_id: OrderId, found: Found | StoreFailed) -> None:
        if isinstance(found, StoreFailed):
            self._history_of_view(asked, order_id, found)
            return
        stored = expect(found, FoundOrder)
        order = self._newest(order_id, stored)
        if order is None:
            self.find(asked, order_id, lambda again: self._tell(asked, order_id, again))
            return
        held = self._view.items(order.account).of_order(order_id)
        self._answer_history(asked, order, (*stored.history, *stored.transactions, *held))

    def _history_of_view(self, asked: Asked, order_id: OrderId, failed: StoreFailed) -> None:
        """Without the store there is a whole history only of what began in what is held."""
        self._view.require()
        order = self._view.orders.get(order_id)
        if order is None:
            self.find(asked, order_id, lambda again: self._tell(asked, order_id, again))
            return
        items = self._view.items(order.account)
        began_at = items.began_at()
        if began_at is None or order.created_at <= began_at:
            expect(failed, FoundOrder)
        self._answer_history(asked, order, items.of_order(order_id))

    def _answer_history(self, asked: Asked, order: Order, items: Iterable[m.StreamItem]) -> None:
        by_number = {(item.epoch, item.seq): item for item in items}
        ordered = [by_number[number] for number in sorted(by_number)]
        asked.answer(
            m.OrderReply(
                request_id=asked.id,
                fate="known",
                order=order,
                history=tuple(i for i in ordered if isinstance(i, m.OrderUpdate)),
                transactions=tuple(i for i in ordered if isinstance(i, m.TransactionUpdate)),
            )
        )


NOT_ABOUT_A_PLACE = frozenset(
    {
        Code.UNKNOWN_ORDER,
        Code.ALREADY_CLOSED,
        Code.WRONG_ACCOUNT,
        Code.ORDER_ID_REUSED,
        Code.REPLACE_PENDING,
        Code.AMEND_UNSUPPORTED,
    }
)


def is_about_place(refusal: m.Refusal) -> bool:
    """A refused cancel or amend names the order too, and says nothing of what became of it."""
    return refusal.code not in NOT_ABOUT_A_PLACE
