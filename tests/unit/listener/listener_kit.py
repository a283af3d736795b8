"""A listener with a real journal in memory, a store in memory, and time that stands still.

`Desk` outlives the listener: `crash` and `boot` as often as wanted. Whatever the listener says is
checked on the way: nothing is published or acknowledged that the journal does not hold.
"""

import heapq
import itertools
from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random
from typing import Any

from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.enums import OrderStatus, OrderType, Side
from gateway.domain.identity import (
    AccountId,
    ClientId,
    CommandId,
    OrderId,
    Symbol,
    VenueOrderId,
    make_order_id,
)
from gateway.domain.order import NewOrder, Order
from gateway.domain.records import FindOpenOrders, FindPositions
from gateway.journal import Journal, JournalOptions, JournalReader, MemoryFiles
from gateway.listener import CheckpointReader, Listener, ListenerSettings, alarm_of_checkpoint
from gateway.store.memory import MemoryStore
from gateway.writer import Writer

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
TAG = 0x5A5
MAIN, OTHER = AccountId("main"), AccountId("other")
BTC, ETH = Symbol("BTC/USDT"), Symbol("ETH/USDT")
OUTBOX = "0b" * 16
EMPTY = codec.encode(m.ListenerCheckpoint(at=0, streams=(), outboxes=(), orders=()))
LAG = SECOND // 2
PROFILE = v.VenueProfile(
    venue="paper",
    visibility_lag=LAG,
    receive_window=5 * SECOND,
    can_amend=True,
    has_private_stream=True,
)


class Died(BaseException):
    """The process ended in the middle of a step."""


class ManualClock:
    def __init__(self) -> None:
        self.wall = START
        self.mono = 7 * SECOND

    def now(self) -> int:
        return self.wall

    def monotonic(self) -> int:
        return self.mono


class ManualTimer:
    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        self.action = None


class Life:
    """One life of the process: its timers, and after how many more port calls it dies."""

    def __init__(self, clock: ManualClock) -> None:
        self.fuse: int | None = None
        self.alive = True
        self._clock = clock
        self._due: list[tuple[int, int, ManualTimer]] = []
        self._count = itertools.count()

    def touch(self) -> None:
        if not self.alive:
            raise Died
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                self.alive = False
                raise Died

    def after(self, delay: int, action: Callable[[], None]) -> ManualTimer:
        self.touch()
        timer = ManualTimer(action)
        heapq.heappush(self._due, (self._clock.mono + delay, next(self._count), timer))
        return timer

    def pop_due(self, upto: int) -> tuple[int, Callable[[], None]] | None:
        while self._due and self._due[0][0] <= upto:
            at, _, timer = heapq.heappop(self._due)
            if timer.action is not None:
                return at, timer.action
        return None


class WatchedLog:
    """`ports.Log`: notes what is journaled, and may die before each call."""

    def __init__(self, desk: "Desk", journal: Journal) -> None:
        self._desk = desk
        self._journal = journal
        self.roll_fails = False

    def append(self, payload: bytes, *, urgent: bool = False) -> int:
        self._desk.life.touch()
        number = self._journal.append(payload, urgent=urgent)
        self._desk.note_journaled(codec.listener_records.decode(payload))
        return number

    @property
    def should_roll(self) -> bool:
        return self._journal.should_roll

    def roll(self, checkpoint: bytes) -> None:
        self._desk.life.touch()
        self._journal.roll(checkpoint)

    def drop_before(self, number: int) -> None:
        self._desk.life.touch()
        self._journal.drop_before(number)

    def sync(self) -> None:
        self._desk.life.touch()
        self._journal.sync()

    @property
    def next_number(self) -> int:
        return self._journal.next_number


class Desk:
    """The world of one listener. `said`: all that it published, over all its lives."""

    def __init__(
        self,
        *,
        segment_records: int = 1_000,
        profiles: Mapping[AccountId, v.VenueProfile] | None = None,
        redial: Callable[[AccountId, str], None] = lambda _account, _reason: None,
        **settings: Any,
    ) -> None:
        self.clock = ManualClock()
        self.files = MemoryFiles()
        self.alarms: list[str] = []
        self.store = MemoryStore(now=self.clock.now)
        self.said: list[tuple[str, m.Message]] = []
        self.journaled_items: set[bytes] = set()
        self.journaled_positions: dict[str, int] = {}
        self.appends = 0
        self.writing = True
        self._segment_records = segment_records
        self._profiles = profiles or {MAIN: PROFILE, OTHER: PROFILE}
        self._redial = redial
        self._boots = 0
        self._settings = ListenerSettings(tag=TAG, **settings)
        self.life = Life(self.clock)
        self.boot()

    # ---- its process ---------------------------------------------------------------------------

    def boot(self) -> None:
        """As the service does it."""
        self.life = Life(self.clock)
        checkpoints = CheckpointReader()
        journal, recovery = Journal.open(
            self.files, self._options(), empty_checkpoint=EMPTY, takes=checkpoints.takes
        )
        self.journal = journal
        self.log = WatchedLog(self, journal)
        self.writer: Writer | None = None
        self.listener = Listener(
            self._settings,
            self._profiles,
            journal=self.log,
            status=self,
            clock=self.clock,
            timers=self.life,
            ask_store=self._ask_store,
            instance="i",
            written=lambda: 0 if self.writer is None else self.writer.written,
            appended=lambda: None if self.writer is None else self.writer.on_appended(),
            redial=self._redial,
        )
        self.checkpoints = checkpoints
        self.listener.boot(checkpoints.last, (payload for _, payload in recovery.records))
        if not (recovery.is_continuous and self.ledger.is_whole):
            self.renumber()
        self.listener.start()
        if checkpoints.refused:
            self.listener.note_alarm(alarm_of_checkpoint(self.clock.now()))
        self.start_writer()

    def _options(self) -> JournalOptions:
        return JournalOptions(
            segment_records=self._segment_records,
            segment_bytes=1 << 20,
            max_bytes=1 << 24,
            reserve_bytes=0,
            boot_id=f"boot-{self._boots}",
        )

    def renumber(self) -> None:
        positions = self.ask(FindPositions(journal=self.journal.identity.hex()))
        orders = self.ask(FindOpenOrders(accounts=tuple(self.ledger.accounts)))
        if positions.streams or orders.orders or self.ledger.has_history:
            self.ledger.renumber(positions.streams, orders.orders)

    def ask(self, query: Any) -> Any:
        answers: list[Any] = []
        self.store.ask(query, answers.append)
        self.store.run()
        return answers[0]

    def start_writer(self) -> None:
        if self.writing:
            life = self.life
            self.writer = Writer(
                self.journal.identity.hex(),
                log=self.log,
                reader=JournalReader(self.files),
                store=self.store,
                timers=life,
                clock=self.clock,
            )
            self.writer.start()

    def crash(self) -> None:
        self.life.alive = False
        self.files.crash()

    def lose_power(self, chance: Random | None = None) -> None:
        """The machine stops: what was not synced is gone, or by chance some of it stays."""
        self.life.alive = False
        self.files.lose_power(chance)
        self._boots += 1

    def do(self, step: Callable[[], None]) -> bool:
        """One step of the process; False: it died in it."""
        try:
            step()
        except Died:
            self.crash()
            return False
        return True

    def _ask_store(self, query: Any, done: Callable[[Any], None]) -> None:
        self.life.touch()
        life = self.life
        self.store.ask(query, lambda found: done(found) if life.alive else None)

    def pass_time(self, nanoseconds: int) -> bool:
        """Runs the timers that are due, and the store; False: the process died."""
        end = self.clock.mono + nanoseconds
        if not self.do(self._run_store):
            return False
        while (due := self.life.pop_due(end)) is not None:
            at, action = due
            self._move_to(max(at, self.clock.mono))
            if not self.do(action) or not self.do(self._run_store):
                return False
        self._move_to(end)
        return True

    def _run_store(self) -> None:
        self.store.run()

    def _move_to(self, mono: int) -> None:
        self.clock.wall += mono - self.clock.mono
        self.clock.mono = mono

    # ---- what it says --------------------------------------------------------------------------

    def publish(self, topic: str, frame: bytes) -> None:
        self.life.touch()
        message = codec.statuses.decode(frame)
        if isinstance(message, m.OrderUpdate | m.TransactionUpdate):
            assert frame in self.journaled_items, "published before it was journaled"
        if isinstance(message, m.Acknowledged):
            held = self.journaled_positions.get(message.outbox, 0)
            assert message.number <= held, "acknowledged before it was journaled"
        self.said.append((topic, message))

    def note_journaled(self, record: m.ListenerRecord) -> None:
        self.appends += 1
        self.journaled_items.update(codec.encode(item) for item in record.items)
        if record.position is not None:
            self.journaled_positions[record.position.outbox] = record.position.number

    def heard(self, kind: type[Any]) -> list[Any]:
        return [message for _, message in self.said if isinstance(message, kind)]

    def items(self) -> list[Any]:
        return [m_ for _, m_ in self.said if isinstance(m_, m.OrderUpdate | m.TransactionUpdate)]

    # ---- what goes in --------------------------------------------------------------------------

    @property
    def ledger(self) -> Any:
        return self.listener.ledger

    def report(self, report: m.Report) -> bool:
        return self.do(lambda: self.listener.on_report(codec.encode(report)))

    def event(self, event: v.StreamEvent) -> bool:
        return self.do(lambda: self.listener.on_event(event))

    def tell(self, number: int, event: m.OutboxEvent, outbox: str = OUTBOX) -> bool:
        return self.report(m.OutboxRecord(outbox=outbox, born_at=START, number=number, event=event))

    def order(self, order_id: str) -> Order:
        tracked = self.ledger.book.get(OrderId(order_id))
        assert tracked is not None, "the order is not in memory"
        order: Order = tracked.order
        return order

    def fill_disk(self) -> None:
        self.files.capacity = sum(self.files.size(name) for name in self.files.names())

    def free_disk(self) -> None:
        self.files.capacity = None


# ---- orders, and what is said of them ----------------------------------------------------------


def an_id(number: int, at: int = START) -> OrderId:
    return make_order_id(TAG, at + number * 1_000_000, number)


def new_order(number: int = 1, account: AccountId = MAIN, symbol: Symbol = BTC) -> NewOrder:
    return NewOrder(
        order_id=an_id(number),
        account=account,
        symbol=symbol,
        client_id=ClientId("desk"),
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        quantity=Decimal(10),
        price=Decimal(100),
        expires_at=START + 2 * SECOND,
    )


def venue_id(number: int) -> VenueOrderId:
    return VenueOrderId(f"v{number}")


def intended(number: int = 1, at: int = START, **more: Any) -> m.PlaceIntended:
    return m.PlaceIntended(
        at=at,
        command_id=CommandId("c"),
        order=new_order(number, **more),
        land_by=at + 5 * SECOND,
    )


def answered(number: int = 1, answer: Any = None, at: int = START) -> m.PlaceAnswered:
    return m.PlaceAnswered(
        at=at,
        sent_at=at,
        order_id=an_id(number),
        account=MAIN,
        answer=answer or v.Done(venue_order_id=venue_id(number)),
    )


def cancel_intended(
    number: int = 1, at: int = START, order_id: OrderId | None = None
) -> m.CancelIntended:
    return m.CancelIntended(
        at=at,
        command_id=CommandId("c"),
        client_id=ClientId("desk"),
        order_id=order_id or an_id(number),
        account=MAIN,
        symbol=BTC,
    )


def seen(
    number: int = 1,
    status: OrderStatus = OrderStatus.NEW,
    cum: int = 0,
    *,
    named: bool = True,
    symbol: Symbol = BTC,
) -> v.VenueOrder:
    return v.VenueOrder(
        symbol=symbol,
        venue_order_id=venue_id(number),
        status=status,
        order_id=an_id(number) if named else None,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        quantity=Decimal(10),
        price=Decimal(100),
        cum_quantity=Decimal(cum),
    )


def traded(
    number: int = 1, trade: int = 1, quantity: int = 1, *, named: bool = True, symbol: Symbol = BTC
) -> v.VenueTrade:
    return v.VenueTrade(
        symbol=symbol,
        venue_order_id=venue_id(number),
        side=Side.BUY,
        price=Decimal(100),
        quantity=Decimal(quantity),
        trade_id=f"t{number}-{trade}",
        order_id=an_id(number) if named else None,
        fee=Decimal("0.1"),
        fee_currency="USDT",
    )


def order_heard(number: int = 1, *args: Any, **more: Any) -> v.OrderHeard:
    return v.OrderHeard(account=MAIN, order=seen(number, *args, **more))


def trade_heard(number: int = 1, *args: Any, **more: Any) -> v.TradeHeard:
    return v.TradeHeard(account=MAIN, trade=traded(number, *args, **more))


def checked(number: int, answer: Any, asked_at: int, report_id: str = "r") -> m.OrderChecked:
    return m.OrderChecked(
        report_id=report_id,
        account=MAIN,
        order_id=an_id(number),
        symbol=BTC,
        asked_at=asked_at,
        answered_at=asked_at,
        answer=answer,
    )


def swept(asked_at: int, *orders: v.VenueOrder, **more: Any) -> m.AccountSwept:
    return m.AccountSwept(
        report_id="s",
        account=MAIN,
        asked_at=asked_at,
        answered_at=asked_at,
        open_orders=v.OpenOrders(orders=orders),
        **more,
    )
