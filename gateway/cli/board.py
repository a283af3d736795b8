"""What `gateway watch` knows: health, streams, orders, the latest fills and the open alarms."""

import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable

from gateway.client import Client
from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus, Role
from gateway.domain.errors import GatewayError
from gateway.domain.order import Order, Transaction

KEPT_ORDERS = 2_000
KEPT_FILLS = 5
KEPT_ALARMS = 50
POLL_S = 2.0
RECENT = 200


class Glances:
    """What is not on the stream, asked every other second by a thread of its own.

    So the board goes on while nobody answers; `answered_at` (monotonic) tells how long that is.
    """

    def __init__(self, client: Client, accounts: Iterable[str]) -> None:
        self.accounts: tuple[m.AccountInfo, ...] = ()
        self.streams: tuple[m.StreamState, ...] = ()
        self.alarms: tuple[m.KnownAlarm, ...] = ()
        self.answered_at = time.monotonic()
        self._client = client
        self._wanted = set(accounts)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="glances", daemon=True)

    def __enter__(self) -> "Glances":
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()  # its question's time-out at most: a client belongs to one thread

    def wants(self, account: str) -> bool:
        return not self._wanted or not account or account in self._wanted

    def _run(self) -> None:
        while not self._over.wait(POLL_S):
            self._look()

    def _look(self) -> None:
        try:
            infos = self._client.accounts().accounts
            streams = self._client.health().streams
            alarms = self._client.alarms(limit=KEPT_ALARMS, unacknowledged=True).alarms
        except GatewayError:
            return
        self.accounts = tuple(one for one in infos if self.wants(one.account))
        self.streams = tuple(one for one in streams if self.wants(one.account))
        self.alarms = tuple(one for one in alarms if self.wants(one.account))
        self.answered_at = time.monotonic()


class Board:
    """Fed by the client's callbacks. Of closed orders the oldest go."""

    def __init__(self, client: Client, glances: Glances) -> None:
        self.glances = glances
        self.orders: OrderedDict[str, Order] = OrderedDict()
        self.fills: deque[Transaction] = deque(maxlen=KEPT_FILLS)
        self.health: dict[Role, m.Health] = {}
        self.updates = 0
        self.began = time.monotonic()
        protocol = client.protocol
        protocol.on_item = self._on_item
        protocol.on_restated = lambda _account, orders: self.load(orders)
        protocol.on_health = lambda health: self.health.__setitem__(health.role, health)

    def load(self, orders: Iterable[Order]) -> None:
        for order in sorted(orders, key=lambda order: order.changed_at):
            self._note(order)

    def load_fills(self, fills: Iterable[Transaction]) -> None:
        for fill in sorted(fills, key=lambda fill: fill.recorded_at)[-KEPT_FILLS:]:
            self.fills.appendleft(fill)

    def take_health(self, reply: m.HealthReply) -> None:
        self.health = {health.role: health for health in reply.processes}

    def _on_item(self, item: m.StreamItem, _replayed: bool) -> None:
        self.updates += 1
        if isinstance(item, m.OrderUpdate):
            self._note(item.order)
        elif self.glances.wants(item.account):
            self.fills.appendleft(item.transaction)

    def _note(self, order: Order) -> None:
        if not self.glances.wants(order.account):
            return
        known = self.orders.get(order.order_id)
        if known is None or order.changed_at >= known.changed_at:
            self.orders[order.order_id] = order
            self.orders.move_to_end(order.order_id)
        if len(self.orders) > KEPT_ORDERS:
            closed = next((one for one in self.orders.values() if one.is_closed), None)
            self.orders.pop(closed.order_id if closed else next(iter(self.orders)))

    # ---- what is shown -------------------------------------------------------------------------

    def ranked(self) -> list[Order]:
        """Doubts first, then what is open, the latest change first."""
        return sorted(self.orders.values(), key=_rank)

    def doubts(self, account: str = "") -> list[Order]:
        """Those that have been in doubt for longest first."""
        doubts = (one for one in self.orders.values() if one.status is OrderStatus.IN_DOUBT)
        mine = (one for one in doubts if account in ("", one.account))
        return sorted(mine, key=lambda order: order.changed_at)

    def open_count(self, account: str) -> int:
        return sum(one.account == account and not one.is_closed for one in self.orders.values())

    def counts(self) -> Counter[OrderStatus]:
        return Counter(order.status for order in self.orders.values())


def _rank(order: Order) -> tuple[bool, bool, int]:
    return (order.status is not OrderStatus.IN_DOUBT, order.is_closed, -order.changed_at)
