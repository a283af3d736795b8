"""An actioner between a journal that the test writes, a store, venues and outlets in memory."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import count
from typing import Any

from msgspec.structs import replace

from gateway.actioner import Actioner, ActionerSettings
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.enums import OrderStatus, OrderType, Pending, Side, TransactionKind
from gateway.domain.identity import (
    AccountId,
    ClientId,
    OrderId,
    Symbol,
    VenueOrderId,
    make_order_id,
)
from gateway.domain.order import Order, Transaction
from gateway.domain.records import Batch
from gateway.journal import Journal, JournalOptions, MemoryFiles
from gateway.journal.follower import JournalFollower
from gateway.sim.scheduler import Scheduler
from gateway.store.memory import MemoryStore

SECOND = 1_000_000_000
START = 1_800_000_000 * SECOND
TAG = 7
ACC = AccountId("acc1")
BTC = Symbol("BTC/USDT")
ETH = Symbol("ETH/USDT")
PROFILE = v.VenueProfile(
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
        return self._scheduler.now


class DeskOutlet:
    """`room`: how many more frames are taken; None: all. `on_frame` gets each that is."""

    def __init__(self, on_frame: Callable[[bytes], None] = lambda _: None) -> None:
        self._on_frame = on_frame
        self.frames: list[bytes] = []
        self.room: int | None = None

    def send(self, frame: bytes) -> bool:
        if self.room == 0:
            return False
        if self.room is not None:
            self.room -= 1
        self.frames.append(frame)
        self._on_frame(frame)
        return True


class DeskVenue:
    """Keeps every question; `answers` gives those that are answered at once."""

    def __init__(self, scheduler: Scheduler, account: AccountId) -> None:
        self.account = account
        self.profile = PROFILE
        self.ready = True
        self.markets = {symbol: _market(symbol) for symbol in (BTC, ETH)}
        self.answers: Callable[[v.VenueRequest], v.VenueAnswer | None] = lambda _: None
        self.asked: list[v.VenueRequest] = []
        self.open: list[tuple[v.VenueRequest, Callable[[v.VenueAnswer], None]]] = []
        self._scheduler = scheduler

    def start(self, request: v.VenueRequest, done: Callable[[v.VenueAnswer], None]) -> None:
        self.asked.append(request)
        answer = self.answers(request)
        if answer is None:
            self.open.append((request, done))
        else:
            self._scheduler.after(1_000_000, lambda: done(answer))

    def answer(self, answer: v.VenueAnswer) -> None:
        """The oldest open question's answer."""
        _, done = self.open.pop(0)
        self._scheduler.after(0, lambda: done(answer))

    def listen(self, on_event: Callable[[v.StreamEvent], None]) -> None:
        raise AssertionError("the actioner listens to no private stream")


class DeskListener:
    """Writes the listener's journal, and the store from it."""

    def __init__(self, files: MemoryFiles, now: Callable[[], int]) -> None:
        self.files = files
        self._now = now
        self.epoch = 1
        self.seqs: dict[AccountId, int] = {ACC: 0}
        self.orders: dict[OrderId, Order] = {}
        self.outboxes: dict[str, m.OutboxPosition] = {}
        self.records: list[tuple[int, m.ListenerRecord]] = []
        self._unwritten: list[tuple[int, m.ListenerRecord]] = []
        self.open_journal()

    def open_journal(self, **options: Any) -> None:
        given = JournalOptions(boot_id="boot", reserve_bytes=0, spare_segments=0, **options)
        self.journal, _ = Journal.open(self.files, given, empty_checkpoint=self.checkpoint())

    def checkpoint(self, **more: Any) -> bytes:
        state = m.ListenerCheckpoint(
            at=self._now(),
            streams=tuple(
                m.StreamPosition(account=account, epoch=self.epoch, seq=seq)
                for account, seq in self.seqs.items()
            ),
            outboxes=tuple(self.outboxes.values()),
            orders=tuple(m.TrackedOrder(order=order, digests={}) for order in self.orders.values()),
            **more,
        )
        return codec.encode(state)

    def roll(self, **more: Any) -> None:
        self.journal.roll(self.checkpoint(**more))

    def append(self, **fields: Any) -> int:
        record = m.ListenerRecord(at=self._now(), **fields)
        number = self.journal.append(codec.encode(record))
        self.records.append((number, record))
        self._unwritten.append((number, record))
        return number

    def _number(self, account: AccountId) -> int:
        self.seqs[account] = self.seqs.get(account, 0) + 1
        return self.seqs[account]

    def put(self, order: Order, fact: str = "snapshot") -> m.OrderUpdate:
        self.orders[order.order_id] = order
        update = m.OrderUpdate(
            account=order.account,
            epoch=self.epoch,
            seq=self._number(order.account),
            at=self._now(),
            order=order,
            cause=m.Cause(fact=fact, source="stream"),
        )
        self.append(items=(update,))
        return update

    def touch(self, order: Order) -> None:
        self.orders[order.order_id] = order
        self.append(touched=(order,))

    def fill(self, order: Order, key: str) -> m.TransactionUpdate:
        transaction = Transaction(
            key=key,
            kind=TransactionKind.FILL,
            order_id=order.order_id,
            account=order.account,
            symbol=order.symbol,
            client_id=order.client_id,
            side=order.side,
            quantity=Decimal(1),
            price=Decimal(100),
            trade_id=key,
            recorded_at=self._now(),
        )
        update = m.TransactionUpdate(
            account=order.account,
            epoch=self.epoch,
            seq=self._number(order.account),
            at=self._now(),
            transaction=transaction,
        )
        self.append(items=(update,))
        return update

    def alive(self, at: int, outbox: str = "box", born_at: int = START - 3600 * SECOND) -> None:
        position = m.OutboxPosition(outbox=outbox, born_at=born_at, number=1, alive_at=at)
        self.outboxes[outbox] = position
        self.append(position=position)

    def write(self, store: MemoryStore) -> None:
        """The store gets all that it lacks."""
        for number, record in self._unwritten:
            batch = Batch(
                journal=self.journal.identity.hex(),
                upto=number,
                mark=b"mark",
                items=record.items,
                touched=record.touched,
                refusals=record.refusals,
                alarms=record.alarms,
            )
            store.write(batch, lambda failed: None)
        self._unwritten.clear()


class Desk:
    def __init__(self, **settings: Any) -> None:
        self.scheduler = Scheduler(START)
        self.clock = DeskClock(self.scheduler)
        self.files = MemoryFiles()
        self.listener = DeskListener(self.files, self.clock.now)
        self.store = MemoryStore(lambda work: self.scheduler.after(1_000, work))
        self.venue = DeskVenue(self.scheduler, ACC)
        self.reports, self.urgent = DeskOutlet(), DeskOutlet(self._take_cancel)
        self.executor_stands = False
        """What it is sent lies in its queue."""
        self.settings = ActionerSettings(**settings)
        self.numbers = count(1)
        self._beats = False
        self.actioner = self.start_actioner("run-1")

    def start_actioner(self, instance: str) -> Actioner:
        self.actioner = Actioner(
            self.settings,
            journal=JournalFollower(self.files),
            store=self.store,
            venues={ACC: self.venue},
            reports=self.reports,
            urgent=self.urgent,
            clock=self.clock,
            timers=self.scheduler,
            instance=instance,
            tag=TAG,
        )
        return self.actioner

    def run(self, seconds: float = 0.05) -> None:
        self.scheduler.run_until(self.scheduler.now + int(seconds * SECOND))

    def executor_lives(self) -> None:
        """It says so each second from now on, and the listener applies it."""
        if not self._beats:
            self._beats = True
            self._beat()

    def _beat(self) -> None:
        self.listener.alive(self.clock.now())
        self.scheduler.after(SECOND, self._beat)

    def _take_cancel(self, frame: bytes) -> None:
        """The executor records it, and the listener applies that."""
        if not self.executor_stands:
            cancel: Any = codec.commands.decode(frame)
            self.scheduler.after(1_000_000, lambda: self._show_cancel(cancel.order_id))

    def _show_cancel(self, order_id: OrderId) -> None:
        order = self.listener.orders.get(order_id)
        if order is not None and not order.is_closed and order.pending is not Pending.CANCEL:
            self.listener.put(replace(order, pending=Pending.CANCEL))

    # ---- orders --------------------------------------------------------------------------------

    def new_id(self) -> OrderId:
        return make_order_id(TAG, self.clock.now(), next(self.numbers))

    def order(self, **fields: Any) -> Order:
        given: dict[str, Any] = {
            "order_id": self.new_id(),
            "account": ACC,
            "symbol": BTC,
            "client_id": ClientId("bot"),
            "side": Side.BUY,
            "order_type": OrderType.LIMIT,
            "quantity": Decimal(2),
            "price": Decimal(100),
            "status": OrderStatus.NEW,
            "venue_order_id": VenueOrderId(f"v{next(self.numbers)}"),
            **fields,
        }
        given.setdefault("created_at", self.clock.now())
        given.setdefault("changed_at", given["created_at"])
        return Order(**given)

    def placed(self, **fields: Any) -> Order:
        order = self.order(**fields)
        self.listener.put(order)
        return order

    def closed(self, order: Order, status: OrderStatus = OrderStatus.CANCELED) -> Order:
        ended = replace(order, status=status, changed_at=self.clock.now())
        self.listener.put(ended)
        return ended

    # ---- requests ------------------------------------------------------------------------------

    def request(self, kind: Callable[..., m.AnyRequest], **fields: Any) -> m.AnyRequest:
        given: dict[str, Any] = {
            "request_id": f"r{next(self.numbers)}",
            "client_id": "tester",
            "expires_at": self.clock.now() + 5 * SECOND,
            **fields,
        }
        return kind(**given)

    def send(self, request: m.AnyRequest) -> list[Any]:
        """The list that the answers will be in."""
        answers: list[Any] = []
        self.actioner.on_request(
            codec.encode(request), lambda frame: answers.append(codec.replies.decode(frame))
        )
        return answers

    def ask(self, kind: Callable[..., m.AnyRequest], seconds: float = 0.05, **fields: Any) -> Any:
        """The one answer, which must come within the time."""
        answers = self.send(self.request(kind, **fields))
        self.run(seconds)
        assert len(answers) == 1
        return answers[0]

    # ---- what it sent --------------------------------------------------------------------------

    def reported(self, kind: type[Any]) -> list[Any]:
        frames = (codec.reports.decode(frame) for frame in self.reports.frames)
        return [report for report in frames if isinstance(report, kind)]

    def cancels(self) -> list[Any]:
        return [codec.commands.decode(frame) for frame in self.urgent.frames]

    def hear(self, topic: str, message: m.Message) -> None:
        self.actioner.on_status(topic, codec.encode(message))

    def hear_checked(self, report: Any, **more: Any) -> None:
        checked = m.Checked(
            account=report.account,
            asked_at=getattr(report, "asked_at", 0),
            report_id=report.report_id,
            **more,
        )
        self.hear(m.CHECKS, checked)


def ids(orders: Iterable[Any]) -> list[str]:
    return [order.order_id for order in orders]


def seqs(items: Iterable[Any]) -> list[int]:
    return [item.seq for item in items]


def _market(symbol: Symbol) -> v.Market:
    base, quote = symbol.split("/")
    return v.Market(
        symbol=symbol,
        base=base,
        quote=quote,
        price_step=Decimal("0.01"),
        quantity_step=Decimal("0.001"),
    )


def seen(order: Order, status: OrderStatus = OrderStatus.NEW) -> v.VenueOrder:
    """The venue's picture of the order."""
    assert order.venue_order_id is not None
    return v.VenueOrder(
        symbol=order.symbol,
        venue_order_id=order.venue_order_id,
        status=status,
        order_id=order.order_id,
        quantity=order.quantity,
        cum_quantity=order.cum_quantity,
    )
