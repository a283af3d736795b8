"""A client's protocol with everything around it in memory, on time that stands still."""

import heapq
import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from gateway.client import ClientOptions, ClientProtocol
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus, OrderType, Pending, Side, TransactionKind
from gateway.domain.errors import Code
from gateway.domain.identity import AccountId, ClientId, OrderId, Symbol, make_order_id
from gateway.domain.order import Order, Transaction

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
MAIN = AccountId("main")
EPOCH = 100


class Time:
    """Clock and timers."""

    def __init__(self) -> None:
        self.wall = START
        self.mono = 3 * SECOND
        self._due: list[tuple[int, int, list[Callable[[], None] | None]]] = []
        self._count = itertools.count()

    def now(self) -> int:
        return self.wall

    def monotonic(self) -> int:
        return self.mono

    def after(self, delay: int, action: Callable[[], None]) -> "Timer":
        cell: list[Callable[[], None] | None] = [action]
        heapq.heappush(self._due, (self.mono + delay, next(self._count), cell))
        return Timer(cell)

    @property
    def armed(self) -> int:
        return sum(1 for _, _, cell in self._due if cell[0] is not None)

    def move_to(self, mono: int) -> None:
        self.wall += mono - self.mono
        self.mono = mono


class Timer:
    def __init__(self, cell: list[Callable[[], None] | None]) -> None:
        self._cell = cell

    def cancel(self) -> None:
        self._cell[0] = None


class Outlet:
    def __init__(self) -> None:
        self.up = True
        self.sent: list[Any] = []

    def send(self, frame: bytes) -> bool:
        if self.up:
            self.sent.append(codec.commands.decode(frame))
        return self.up


class Asker:
    """Keeps the questions until the test answers them."""

    def __init__(self) -> None:
        self.open: list[tuple[Any, Callable[[bytes | None], None]]] = []
        self.asked: list[Any] = []

    def request(
        self, frame: bytes, timeout_s: float, on_reply: Callable[[bytes | None], None]
    ) -> None:
        request = codec.requests.decode(frame)
        self.asked.append(request)
        self.open.append((request, on_reply))

    def take(self, kind: type[Any]) -> Any:
        """The oldest open question of a kind, and how to answer it."""
        for at, (request, on_reply) in enumerate(self.open):
            if isinstance(request, kind):
                del self.open[at]
                return request, lambda reply, go=on_reply: go(_frame(reply))
        raise AssertionError(f"no {kind.__name__} is asked for: {self.open}")

    def count(self, kind: type[Any]) -> int:
        return sum(1 for request, _ in self.open if isinstance(request, kind))


def _frame(reply: Any) -> bytes | None:
    return None if reply is None else codec.encode(reply)


class Bits:
    def __init__(self) -> None:
        self._next = itertools.count(1)

    def bits(self, count: int) -> int:
        return next(self._next)

    def uniform(self) -> float:
        return 0.5


class Desk:
    """One protocol that follows `main`."""

    def __init__(self, *, connect: bool = True, **options: Any) -> None:
        self.time = Time()
        self.orders, self.urgent, self.asker = Outlet(), Outlet(), Asker()
        self.topics: list[str] = []
        self.protocol = ClientProtocol(
            ClientOptions(client_id="desk", **options),
            orders=self.orders,
            urgent=self.urgent,
            asker=self.asker,
            subscribe=self.topics.append,
            clock=self.time,
            timers=self.time,
            randomness=Bits(),
        )
        self.items: list[tuple[m.StreamItem, bool]] = []
        self.restated: list[tuple[str, ...]] = []
        self.refusals: list[m.Refusal] = []
        self.protocol.on_item = lambda item, replayed: self.items.append((item, replayed))
        self.protocol.on_restated = lambda _, orders: self.restated.append(
            tuple(order.order_id for order in orders)
        )
        self.protocol.on_refusal = self.refusals.append
        if connect:
            self.protocol.connect((MAIN,), tag=7)
            self.hear(head(0))
            self.snapshot(0)

    def pass_time(self, nanoseconds: int) -> None:
        end = self.time.mono + nanoseconds
        due = self.time._due
        while due and due[0][0] <= end:
            at, _, cell = heapq.heappop(due)
            self.time.move_to(max(at, self.time.mono))
            action, cell[0] = cell[0], None
            if action is not None:
                action()
        self.time.move_to(end)

    def hear(self, message: m.Message) -> None:
        self.protocol.on_status("", codec.encode(message))

    def snapshot(self, seq: int, *orders: Order, epoch: int = EPOCH) -> None:
        _, answer = self.asker.take(m.TakeSnapshot)
        answer(m.SnapshotReply(request_id="r", epoch=epoch, seq=seq, orders=orders))

    def replay(self, *items: m.StreamItem, more: bool = False) -> m.Replay:
        request, answer = self.asker.take(m.Replay)
        answer(m.ReplayReply(request_id="r", items=items, more=more))
        return request  # type: ignore[no-any-return]

    def fate(self, fate: str, order: Order | None = None, refusal: Any = None) -> m.GetOrder:
        request, answer = self.asker.take(m.GetOrder)
        answer(m.OrderReply(request_id="r", fate=fate, order=order, refusal=refusal))
        return request  # type: ignore[no-any-return]

    def place(self, **more: Any) -> OrderId:
        place = self.protocol.new_place("main", "BTC/USDT", "buy", "limit", "1", price="5", **more)
        return self.protocol.place(place)

    def seqs(self) -> list[int]:
        return [item.seq for item, _ in self.items]


def order(order_id: str = "", **changes: Any) -> Order:
    return Order(
        order_id=OrderId(order_id or make_order_id(7, START, 1)),
        account=changes.pop("account", MAIN),
        symbol=Symbol("BTC/USDT"),
        client_id=changes.pop("client_id", ClientId("desk")),
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        quantity=Decimal(1),
        status=changes.pop("status", OrderStatus.NEW),
        pending=changes.pop("pending", Pending.NONE),
        changed_at=changes.pop("changed_at", START),
        **changes,
    )


def update(seq: int, of: Order | None = None, *, epoch: int = EPOCH) -> m.OrderUpdate:
    return m.OrderUpdate(
        account=MAIN,
        epoch=epoch,
        seq=seq,
        at=START,
        order=of or order(),
        cause=m.Cause(fact="x", source=""),
    )


def transaction(seq: int, *, epoch: int = EPOCH, account: AccountId = MAIN) -> m.TransactionUpdate:
    return m.TransactionUpdate(
        account=account,
        epoch=epoch,
        seq=seq,
        at=START,
        transaction=Transaction(
            key=f"k{epoch}-{seq}",
            kind=TransactionKind.FILL,
            order_id=order().order_id,
            account=account,
            symbol=Symbol("BTC/USDT"),
            client_id=ClientId("desk"),
            side=Side.BUY,
            quantity=Decimal(1),
            price=Decimal(5),
        ),
    )


def head(seq: int, *, epoch: int = EPOCH) -> m.Head:
    return m.Head(account=MAIN, epoch=epoch, seq=seq, at=START)


def refusal(command_id: str, order_id: str, code: Code = Code.HALTED) -> m.Refusal:
    return m.Refusal(
        at=START,
        client_id="desk",
        command_id=command_id,
        code=code,
        text="no",
        order_id=order_id,
        account="main",
    )
