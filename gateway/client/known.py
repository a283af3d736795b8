"""What a trading program knows of orders: its own, and all that are open on its accounts."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from gateway.domain import messages as m
from gateway.domain.identity import AccountId, OrderId
from gateway.domain.order import Order
from gateway.ports import Timer


@dataclass(slots=True)
class Followed:
    """An order of this client: what was sent, what is known. `refusal` is that of its place."""

    order_id: OrderId
    account: str
    symbol: str
    expires_at: int
    command_id: str = ""
    order: Order | None = None
    refusal: m.Refusal | None = None
    never_received: bool = False
    asking: Timer | None = None
    pause: int = 0
    watchers: list[Callable[[], None]] = field(default_factory=list)

    @property
    def is_settled(self) -> bool:
        closed = self.order is not None and self.order.is_closed
        return closed or self.never_received or (self.refusal is not None and self.order is None)

    def tell(self) -> None:
        for changed in list(self.watchers):
            changed()


class Known:
    """Own orders, the settled ones up to `kept`, then the oldest go; others' orders while open:
    what is open is bounded by what the gateway takes."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._own: dict[OrderId, Followed] = {}
        self._settled: OrderedDict[OrderId, None] = OrderedDict()
        self._open: dict[AccountId, dict[OrderId, Order]] = {}
        self._accounts: dict[OrderId, AccountId] = {}

    def own(self, order_id: OrderId) -> Followed | None:
        return self._own.get(order_id)

    def order(self, order_id: OrderId) -> Order | None:
        followed = self._own.get(order_id)
        if followed is not None and followed.order is not None:
            return followed.order
        account = self._accounts.get(order_id)
        return None if account is None else self._open[account][order_id]

    def open_of(self, account: str) -> tuple[Order, ...]:
        return tuple(self._open.get(AccountId(account), {}).values())

    def add(self, followed: Followed) -> None:
        self._own[followed.order_id] = followed

    def remove(self, order_id: OrderId) -> None:
        self._own.pop(order_id, None)
        self._settled.pop(order_id, None)

    def renew(self, followed: Followed, place: m.Place) -> None:
        """The place was sent again: what became of the one before says nothing of this one."""
        followed.expires_at = max(followed.expires_at, place.expires_at)
        followed.command_id = place.command_id
        followed.refusal, followed.never_received, followed.pause = None, False, 0
        self.file(followed)

    def put(self, order: Order) -> Followed | None:
        """The newest state. Returns the own order that it is of."""
        order_id = order.order_id
        if order.is_closed:
            self._forget_open(order_id)
        else:
            self._accounts[order_id] = order.account
            self._open.setdefault(order.account, {})[order_id] = order
        followed = self._own.get(order_id)
        if followed is not None:
            followed.order = order
            followed.never_received = False
            self.file(followed)
        return followed

    def restate(self, account: AccountId, orders: Iterable[Order]) -> None:
        """These are all that are open."""
        for order_id in self._open.pop(account, {}):
            del self._accounts[order_id]
        for order in orders:
            self.put(order)

    def _forget_open(self, order_id: OrderId) -> None:
        account = self._accounts.pop(order_id, None)
        if account is not None:
            del self._open[account][order_id]

    def file(self, followed: Followed) -> None:
        """After it was settled, or revived."""
        if not followed.is_settled:
            self._settled.pop(followed.order_id, None)
            return
        self._settled.setdefault(followed.order_id)
        while len(self._settled) > self._kept:
            order_id, _ = self._settled.popitem(last=False)
            self._own.pop(order_id, None)

    def unsettled_of(self, account: AccountId) -> Iterator[Followed]:
        unsettled = (one for one in self._own.values() if one.account == account)
        return (one for one in unsettled if not one.is_settled)

    def all(self) -> Iterator[Followed]:
        return iter(self._own.values())


def is_newer(reply: Order, known: Order | None) -> bool:
    """Whether an answer's state may replace what the stream said. A late fact leaves `changed_at`
    as it is, and adds to what is known."""
    if known is None:
        return True
    return _progress(reply) >= _progress(known)


def _progress(order: Order) -> tuple[object, ...]:
    return order.changed_at, order.traded_quantity, order.cum_quantity, order.is_closed
