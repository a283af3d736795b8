"""Waiting for what becomes of any order, not only one of this client's own."""

import time
from collections.abc import Callable

from gateway.client import Client, Refused
from gateway.client import questions as q
from gateway.domain import messages as m
from gateway.domain.errors import BadInput, Code
from gateway.domain.identity import is_order_id
from gateway.domain.order import Order

SHORTEST_TAIL = 4
LISTED = 1_000


def find_id(client: Client, text: str) -> str:
    """The whole id of an order, from that or from its end, as the tables show it."""
    text = text.lower()
    if is_order_id(text):
        return text
    if len(text) < SHORTEST_TAIL or not set(text) <= set("0123456789abcdef-"):
        raise BadInput(f"not an order's id, nor the end of one: {text}", Code.BAD_ORDER_ID)
    orders = client.ask(q.list_orders(limit=LISTED)).orders
    found = [order.order_id for order in orders if order.order_id.endswith(text)]
    if not found:
        what = f"no order of the latest {LISTED} ends with {text}; give the whole id"
        raise BadInput(what, Code.UNKNOWN_ORDER)
    if len(found) > 1:
        raise BadInput(
            f"{len(found)} orders end with {text}: {', '.join(found)}", Code.BAD_ORDER_ID
        )
    return found[0]


def find_order(client: Client, text: str) -> Order:
    """Raises BadInput with code `unknown_order`."""
    order_id = find_id(client, text)
    reply = client.get_order(order_id)
    if reply.order is None:
        raise BadInput(f"no order {order_id} is known ({reply.fate})", Code.UNKNOWN_ORDER)
    return reply.order


class Follow:
    """One order as the stream shows it, and the refusals that a command of ours gets.

    Made before the command is sent, and after the client's streams are whole.
    """

    def __init__(self, client: Client, order: Order) -> None:
        self._client = client
        self.order = order
        self._refusal: m.Refusal | None = None
        client.protocol.on_item = self._on_item
        client.protocol.on_restated = lambda _account, orders: self._note(*orders)
        client.protocol.on_refusal = self._on_refusal

    def _on_item(self, item: m.StreamItem, _replayed: bool) -> None:
        if isinstance(item, m.OrderUpdate):
            self._note(item.order)

    def _note(self, *orders: Order) -> None:
        for order in orders:
            if order.order_id == self.order.order_id and order.changed_at >= self.order.changed_at:
                self.order = order

    def _on_refusal(self, refusal: m.Refusal) -> None:
        if refusal.order_id == self.order.order_id:
            self._refusal = refusal

    def until(self, reached: Callable[[Order], bool], seconds: float) -> bool:
        """False after `seconds`. Raises Refused if the command was refused meanwhile."""
        deadline = time.monotonic() + seconds
        while not reached(self.order):
            if self._refusal is not None:
                raise Refused(self._refusal)
            if time.monotonic() >= deadline:
                return False
            self._client.pump(0.02)
        return True
