"""Pages of orders: the store's, corrected by what the view knows newer."""

from collections.abc import Iterable

from gateway.actioner.asked import Asked
from gateway.actioner.settings import ActionerSettings
from gateway.actioner.view import View
from gateway.domain import messages as m
from gateway.domain.enums import CLOSED, OrderStatus
from gateway.domain.errors import BadInput
from gateway.domain.identity import is_order_id
from gateway.domain.order import Order
from gateway.domain.records import FindOrders, FoundOrders
from gateway.ports import Store

OPEN = tuple(status for status in OrderStatus if status not in CLOSED)
Place = tuple[int, str]
"""Where an order stands in the list: (created_at, order_id), newest first."""


class OrderLists:
    """Open orders need no store: the view has them all."""

    def __init__(self, view: View, store: Store, settings: ActionerSettings) -> None:
        self._view = view
        self._store = store
        self._settings = settings

    def list(self, asked: Asked, request: m.ListOrders) -> None:
        query = _query_of(request, self._settings.max_page)
        self._view.require()
        if self._view.orders.is_whole or (query.statuses and not CLOSED & set(query.statuses)):
            self._answer(asked, query, ())
        else:
            asked.find(
                self._store, query, FoundOrders, lambda f: self._answer(asked, query, f.orders)
            )

    def _answer(self, asked: Asked, query: FindOrders, stored: tuple[Order, ...]) -> None:
        """Below the end of a full page of the store there is more: that is for the next page."""
        self._view.require()
        held = self._view.orders
        rows = [order for order in held.all() if _fits(order, query)]
        rows += [order for order in stored if held.get(order.order_id) is None]
        full = len(stored) >= query.limit
        if full:
            end = _place(stored[-1])
            rows = [order for order in rows if _place(order) >= end]
        rows.sort(key=_place, reverse=True)
        page = rows[: query.limit]
        following = None
        if len(rows) > query.limit:
            following = _text_of(_place(page[-1]))
        elif full:
            following = _text_of(_place(stored[-1]))
        asked.answer(m.OrdersReply(request_id=asked.id, orders=tuple(page), next=following))


def _query_of(request: m.ListOrders, max_page: int) -> FindOrders:
    statuses: Iterable[OrderStatus] = request.statuses
    if request.open_only:
        statuses = [status for status in request.statuses or OPEN if status in OPEN]
        if not statuses:
            raise BadInput("open_only goes with none of these statuses")
    if request.limit < 1:
        raise BadInput("limit must be at least 1")
    return FindOrders(
        account=request.account,
        symbol=request.symbol,
        owner=request.owner,
        statuses=tuple(statuses),
        since=request.since,
        until=request.until,
        limit=min(request.limit, max_page),
        after=None if request.after is None else _place_of(request.after),
    )


def _fits(order: Order, query: FindOrders) -> bool:
    return (
        query.account in (None, order.account)
        and query.symbol in (None, order.symbol)
        and query.owner in (None, order.client_id)
        and (not query.statuses or order.status in query.statuses)
        and (query.since is None or order.created_at >= query.since)
        and (query.until is None or order.created_at < query.until)
        and (query.after is None or _place(order) < query.after)
    )


def _place(order: Order) -> Place:
    return (order.created_at, order.order_id)


def _text_of(place: Place) -> str:
    return f"{place[0]}:{place[1]}"


def _place_of(text: str) -> Place:
    created_at, _, order_id = text.partition(":")
    if not created_at.isdecimal() or len(created_at) > 20 or not is_order_id(order_id):
        raise BadInput("after must be the `next` of the page before")
    return int(created_at), order_id
