"""An account's open orders as of one number of its stream, at once or page by page."""

from collections import OrderedDict
from collections.abc import Sequence

from gateway.actioner.asked import Asked
from gateway.actioner.settings import ActionerSettings
from gateway.actioner.view import View
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.errors import BadInput, Code, Unavailable
from gateway.domain.identity import AccountId, Symbol
from gateway.domain.order import Order

Moment = tuple[AccountId, int, int, bool]
"""Account, epoch and seq; and whether with those closed whose trades are not all here."""
KEPT = 16
MOST_SYMBOLS = 500
"""Those used last: as many as the manager remembers."""


class Snapshots:
    """What does not fit into one page is kept as it was, for the pages that follow. Orders never
    change, a change makes a new one: a kept snapshot costs its references, and the orders that
    changed since. The oldest goes first; who still wants it begins anew."""

    def __init__(self, view: View, settings: ActionerSettings) -> None:
        self._view = view
        self._page_bytes = settings.max_reply_bytes // 4
        self._kept: OrderedDict[Moment, Sequence[Order]] = OrderedDict()

    def answer(self, asked: Asked, account: AccountId, request: m.TakeSnapshot) -> None:
        if request.offset:
            moment = (account, request.epoch, request.seq, request.unsettled)
            self._answer_page(asked, moment, self._find(moment, request.offset), request.offset)
            return
        self._view.require()
        position = self.position(account)
        moment = (account, position.epoch, position.seq, request.unsettled)
        orders = self._kept.get(moment) or self._orders_of(account, unsettled=request.unsettled)
        if request.offset is None:
            self._send(asked, moment, orders, None)
        else:
            self._answer_page(asked, moment, orders, 0)

    def _orders_of(self, account: AccountId, *, unsettled: bool) -> Sequence[Order]:
        """Closed orders are let go of without a new number: of one moment the first list stands,
        or whoever reads its pages would miss what has moved up."""
        orders = list(self._view.orders.open_of(account))
        if unsettled:
            orders += self._view.orders.unsettled_of(account)
        return orders

    def position(self, account: AccountId) -> m.StreamPosition:
        position = self._view.streams.get(account)
        if position is None:
            text = f"the listener has not begun the stream of {account} yet; ask again"
            raise Unavailable(text, Code.NOT_READY)
        return position

    def _find(self, moment: Moment, offset: int) -> Sequence[Order]:
        orders = self._kept.get(moment)
        if orders is None:
            text = "that snapshot is not kept any more: begin anew, with offset 0"
            raise Unavailable(text, Code.NOT_KEPT)
        if not 0 <= offset < len(orders):
            raise BadInput("offset must be the `next` of the page before")
        return orders

    def _answer_page(
        self, asked: Asked, moment: Moment, orders: Sequence[Order], offset: int
    ) -> None:
        end = self._end_of_page(orders, offset)
        if end < len(orders):
            self._keep(moment, orders)
            self._send(asked, moment, orders[offset:end], end)
        else:
            self._send(asked, moment, orders[offset:], None)

    def _end_of_page(self, orders: Sequence[Order], offset: int) -> int:
        size = 0
        for at in range(offset, len(orders)):
            size += len(codec.encode(orders[at]))
            if size > self._page_bytes and at > offset:
                return at
        return len(orders)

    def _keep(self, moment: Moment, orders: Sequence[Order]) -> None:
        self._kept[moment] = orders
        self._kept.move_to_end(moment)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def _send(
        self, asked: Asked, moment: Moment, orders: Sequence[Order], following: int | None
    ) -> None:
        account, epoch, seq, unsettled = moment
        asked.answer(
            m.SnapshotReply(
                request_id=asked.id,
                epoch=epoch,
                seq=seq,
                orders=tuple(orders),
                next=following,
                used=self._used(account) if unsettled and following is None else {},
            )
        )

    def _used(self, account: AccountId) -> dict[Symbol, int]:
        last: dict[Symbol, int] = {}
        for order in self._view.orders.all():
            if order.account == account and order.is_closed:
                last[order.symbol] = max(order.changed_at, last.get(order.symbol, 0))
        newest_first = sorted(last.items(), key=lambda one: one[1], reverse=True)
        return dict(newest_first[:MOST_SYMBOLS])
