"""A manager whose actioner is the test: every request is seen, and answered when it says so."""

from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any

from msgspec.structs import replace

from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus, OrderType, Role, Side
from gateway.domain.errors import Code
from gateway.domain.identity import AccountId, ClientId, OrderId, Symbol, make_order_id
from gateway.domain.order import Order
from gateway.domain.venue import VenueProfile
from gateway.manager import Manager, ManagerSettings
from gateway.sim.scheduler import Scheduler

SECOND = 1_000_000_000
START = 1_800_000_000 * SECOND
ACC = AccountId("acc1")
BTC = Symbol("BTC/USDT")
ETH = Symbol("ETH/USDT")
PROFILE = VenueProfile(
    venue="paper",
    visibility_lag=SECOND,
    receive_window=5 * SECOND,
    can_amend=True,
    has_private_stream=True,
)


class DeskClock:
    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.error = 0

    def now(self) -> int:
        return self._scheduler.now + self.error

    def monotonic(self) -> int:
        return self._scheduler.now - START


class NoChance:
    def bits(self, count: int) -> int:
        return 0

    def uniform(self) -> float:
        return 0.0


class DeskOutlet:
    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def send(self, frame: bytes) -> bool:
        self.frames.append(frame)
        return True


Answer = Callable[[Any], "m.AnyReply | None"]


class DeskAsker:
    """`answer` gives each request's reply; None is a time-out. Requests of `held` kinds wait."""

    def __init__(self, scheduler: Scheduler, answer: Answer) -> None:
        self._scheduler = scheduler
        self.answer = answer
        self.held: set[type[Any]] = set()
        self.asked: list[tuple[int, Any]] = []
        self.open: list[tuple[Any, Callable[[bytes | None], None]]] = []

    def request(
        self, frame: bytes, timeout_s: float, on_reply: Callable[[bytes | None], None]
    ) -> None:
        request = codec.requests.decode(frame)
        self.asked.append((self._scheduler.now - START, request))
        if type(request) in self.held:
            self.open.append((request, on_reply))
            return
        self._reply(self.answer(request), timeout_s, on_reply)

    def _reply(
        self,
        reply: m.AnyReply | None,
        timeout_s: float,
        on_reply: Callable[[bytes | None], None],
    ) -> None:
        if reply is None:
            self._scheduler.after(int(timeout_s * SECOND), lambda: on_reply(None))
        else:
            frame = codec.encode(reply)
            self._scheduler.after(1_000_000, lambda: on_reply(frame))

    def release(self, reply: m.AnyReply | None = None) -> None:
        """Answers the oldest held request, as `answer` says if no reply is given."""
        request, on_reply = self.open.pop(0)
        self._reply(reply or self.answer(request), 0, on_reply)


class Desk:
    def __init__(self, profile: VenueProfile = PROFILE, **settings: Any) -> None:
        self.scheduler = Scheduler(START)
        self.clock = DeskClock(self.scheduler)
        self.asker = DeskAsker(self.scheduler, self.answer)
        self.reports = DeskOutlet()
        self.orders: dict[OrderId, Order] = {}
        self.used: dict[Symbol, int] = {}
        self.epoch, self.seq = 1, 0
        self.numbers = count(1)
        self.failing: set[type[Any]] = set()
        self.silent: set[type[Any]] = set()
        self.sweeps_have_effect = True
        self.checks_have_effect = True
        self.swept: dict[str, Any] = {}
        self.lost_trades: set[str] = set()
        self.manager = Manager(
            ManagerSettings(**settings),
            asker=self.asker,
            reports=self.reports,
            clock=self.clock,
            timers=self.scheduler,
            randomness=NoChance(),
            profiles={ACC: profile},
            instance="run-1",
        )

    # ---- the actioner and the listener -----------------------------------------------------------

    def answer(self, request: Any) -> m.AnyReply | None:
        if type(request) in self.silent:
            return None
        if type(request) in self.failing:
            return m.Failed(request_id=request.request_id, code=Code.NOT_READY, text="not now")
        report_id = "x"
        match request:
            case m.TakeSnapshot():
                return self.snapshot(request)
            case m.CheckOrders():
                report_id = f"c{next(self.numbers)}"
                if self.checks_have_effect:
                    for order_id in request.order_ids:
                        self._later(lambda o=order_id: self.checked(report_id, o))
            case m.SweepAccount():
                report_id = f"s{next(self.numbers)}"
                if self.sweeps_have_effect:
                    self._sweep(request, report_id)
        return m.TakenReply(request_id=request.request_id, report_id=report_id)

    def snapshot(self, request: Any) -> m.SnapshotReply:
        return m.SnapshotReply(
            request_id=request.request_id,
            epoch=self.epoch,
            seq=self.seq,
            orders=tuple(
                o for o in self.orders.values() if not o.is_closed or not o.trades_complete
            ),
            used=self.used,
        )

    def _sweep(self, request: Any, report_id: str) -> None:
        asked_at = self.clock.now()
        for part, symbol in enumerate(request.symbols):
            if symbol not in self.lost_trades:
                at = asked_at + part
                self._later(
                    lambda at=at, symbol=symbol: self.hear_checked(report_id, at, searched=symbol)
                )
        more, self.swept = self.swept, {}
        self._later(lambda: self.hear_checked(report_id, asked_at, swept=True, **more))

    def _later(self, action: Callable[[], None]) -> None:
        self.scheduler.after(10_000_000, action)

    def checked(self, report_id: str, order_id: OrderId) -> None:
        self.hear_checked(report_id, self.clock.now(), order_ids=(order_id,))

    def hear_checked(self, report_id: str, asked_at: int, **more: Any) -> None:
        checked = m.Checked(account=ACC, asked_at=asked_at, report_id=report_id, **more)
        self.hear(m.CHECKS, checked)

    def hear(self, topic: str, message: m.Message) -> None:
        self.manager.on_status(topic, codec.encode(message))

    def hear_head(self) -> None:
        self.hear(m.HEADS, m.Head(account=ACC, epoch=self.epoch, seq=self.seq, at=START))

    def hear_health(self, role: Role, instance: str) -> None:
        self.hear(m.HEALTH, m.Health(role=role, instance=instance, at=START, ready=True))

    def hear_stream(self, *, up: bool, at: int) -> None:
        self.hear(m.STREAMS, m.StreamState(account=ACC, at=at, up=up))

    # ---- orders ----------------------------------------------------------------------------------

    def order(self, **fields: Any) -> Order:
        given: dict[str, Any] = {
            "order_id": make_order_id(7, self.clock.now(), next(self.numbers)),
            "account": ACC,
            "symbol": BTC,
            "client_id": ClientId("bot"),
            "side": Side.BUY,
            "order_type": OrderType.LIMIT,
            "quantity": Decimal(2),
            "price": Decimal(100),
            "status": OrderStatus.NEW,
            "created_at": self.clock.now(),
            "changed_at": self.clock.now(),
            **fields,
        }
        return Order(**given)

    def put(self, order: Order, *, heard: bool = True) -> Order:
        self.orders[order.order_id] = order
        self.seq += 1
        if heard:
            update = m.OrderUpdate(
                account=ACC,
                epoch=self.epoch,
                seq=self.seq,
                at=self.clock.now(),
                order=order,
                cause=m.Cause(fact="snapshot", source="stream"),
            )
            self.hear(m.stream_topic(ACC), update)
        return order

    def placed(self, **fields: Any) -> Order:
        return self.put(self.order(**fields))

    def change(self, order: Order, *, heard: bool = True, **fields: Any) -> Order:
        return self.put(replace(order, **fields), heard=heard)

    # ---- what it did -----------------------------------------------------------------------------

    def started(self) -> "Desk":
        """With its first snapshot and sweep behind it."""
        self.manager.start()
        self.run(0.5)
        return self

    def run(self, seconds: float) -> None:
        self.scheduler.run_until(self.scheduler.now + int(seconds * SECOND))

    def asked(self, kind: type[Any]) -> list[Any]:
        return [request for _, request in self.asker.asked if isinstance(request, kind)]

    def times(self, kind: type[Any], order: Order | None = None) -> list[float]:
        """Seconds after the desk's beginning, to the tenth."""
        return [
            round(at / SECOND, 1)
            for at, request in self.asker.asked
            if isinstance(request, kind) and (order is None or order.order_id in request.order_ids)
        ]

    def beats(self) -> list[Any]:
        return [codec.reports.decode(frame) for frame in self.reports.frames]
