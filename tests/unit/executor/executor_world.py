"""The executor's outside world, by hand: clocks, timers, a venue, a journal, a listener.

The journal is the real one on a folder in memory. A fuse can blow before any call into a port:
the process is then dead, and `World.start` begins another one on what is left.
"""

import heapq
import itertools
import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.enums import OrderStatus, Role
from gateway.domain.identity import AccountId, OrderId, Symbol, VenueOrderId, make_order_id
from gateway.domain.order import Order
from gateway.executor import Executor, ExecutorSettings, first_checkpoint
from gateway.journal import Journal, JournalOptions, JournalReader, MemoryFiles

SECOND = 1_000_000_000
MILLI = 1_000_000
TAG = 7
ACCOUNT = AccountId("acc1")
SYMBOL = Symbol("BTC/USDT")
BEGINNING = 1_700_000_000 * SECOND
SETTINGS = ExecutorSettings(tag=TAG)
MARKETS = {
    SYMBOL: v.Market(
        symbol=SYMBOL,
        base="BTC",
        quote="USDT",
        price_step=Decimal("0.01"),
        quantity_step=Decimal("0.0001"),
    )
}


class Killed(BaseException):
    """The process died here. Nothing in it may catch this."""


class Fuse:
    """Blows before the call after `calls` more; None: never."""

    def __init__(self) -> None:
        self.calls: int | None = None
        self.burnt = 0

    def burn(self) -> None:
        self.burnt += 1
        if self.calls == 0:
            raise Killed
        if self.calls is not None:
            self.calls -= 1


class HandClock:
    def __init__(self) -> None:
        self.wall = BEGINNING
        self.passed = 0

    def now(self) -> int:
        return self.wall

    def monotonic(self) -> int:
        return self.passed

    def pass_time(self, ns: int) -> None:
        self.wall += ns
        self.passed += ns


class HandTimer:
    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        self.action = None


class HandTimers:
    def __init__(self, clock: HandClock) -> None:
        self._clock = clock
        self._numbers = itertools.count()
        self._due: list[tuple[int, int, HandTimer]] = []

    def after(self, delay: int, action: Callable[[], None]) -> HandTimer:
        timer = HandTimer(action)
        heapq.heappush(self._due, (self._clock.passed + delay, next(self._numbers), timer))
        return timer

    def run(self, upto: int) -> None:
        while self._due and self._due[0][0] <= upto:
            due, _, timer = heapq.heappop(self._due)
            self._clock.pass_time(max(due - self._clock.passed, 0))
            if timer.action is not None:
                timer.action()

    def clear(self) -> None:
        self._due.clear()


class Chance:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def bits(self, count: int) -> int:
        return self._random.getrandbits(count)

    def uniform(self) -> float:
        return self._random.random()


class HandVenue:
    """Records every request; answers when told to. Outlives the executor, as a venue does."""

    def __init__(self, account: AccountId, fuse: Fuse) -> None:
        self.account = account
        self.profile = v.VenueProfile(
            venue="hand",
            visibility_lag=SECOND,
            receive_window=5 * SECOND,
            can_amend=True,
            has_private_stream=True,
        )
        self.ready = True
        self.markets: Mapping[Symbol, v.Market] = MARKETS
        self.sent: list[v.VenueRequest] = []
        self.open: list[tuple[v.VenueRequest, Callable[[v.VenueAnswer], None]]] = []
        self._fuse = fuse

    def start(self, request: v.VenueRequest, done: Callable[[v.VenueAnswer], None]) -> None:
        self._fuse.burn()
        self.sent.append(request)
        self.open.append((request, done))

    def listen(self, on_event: Callable[[v.StreamEvent], None]) -> None:
        raise AssertionError("the executor does not listen")

    def answer(self, answer: v.VenueAnswer, at: int = 0) -> None:
        _, done = self.open.pop(at)
        done(answer)

    def places(self) -> list[OrderId]:
        return [r.order.order_id for r in self.sent if isinstance(r, v.PlaceOrder)]

    def cancels(self) -> list[v.CancelOrder]:
        return [r for r in self.sent if isinstance(r, v.CancelOrder)]

    def amends(self) -> list[v.AmendOrder]:
        return [r for r in self.sent if isinstance(r, v.AmendOrder)]


class FusedLog:
    def __init__(self, journal: Journal, fuse: Fuse) -> None:
        self._journal = journal
        self._fuse = fuse

    def append(self, payload: bytes, *, urgent: bool = False) -> int:
        self._fuse.burn()
        return self._journal.append(payload, urgent=urgent)

    @property
    def should_roll(self) -> bool:
        return self._journal.should_roll

    def roll(self, checkpoint: bytes) -> None:
        self._fuse.burn()
        self._journal.roll(checkpoint)

    def drop_before(self, number: int) -> None:
        self._fuse.burn()
        self._journal.drop_before(number)

    def sync(self) -> None:
        self._fuse.burn()
        self._journal.sync()

    @property
    def next_number(self) -> int:
        return self._journal.next_number


class CountedReader:
    def __init__(self, reader: JournalReader) -> None:
        self._reader = reader
        self.calls = 0

    def read_from(self, number: int, limit: int) -> list[tuple[int, bytes]]:
        self.calls += 1
        return self._reader.read_from(number, limit)


class HandListener:
    """Applies records strictly in order, as the real one; what it says waits in `said`."""

    def __init__(self, fuse: Fuse) -> None:
        self.up = True
        self.positions: dict[str, int] = defaultdict(int)
        self.events: list[m.OutboxEvent] = []
        self.heartbeats: list[m.Heartbeat] = []
        self.ended: set[str] = set()
        self.said: list[m.Acknowledged] = []
        self.inbox: list[bytes] = []
        self._fuse = fuse

    def send(self, frame: bytes) -> bool:
        self._fuse.burn()
        if self.up:
            self.inbox.append(frame)
        return self.up

    def read(self) -> None:
        frames, self.inbox = self.inbox, []
        for frame in frames:
            report = codec.reports.decode(frame)
            if isinstance(report, m.Heartbeat):
                self.heartbeats.append(report)
            elif isinstance(report, m.OutboxRecord):
                self._apply(report)

    def _apply(self, record: m.OutboxRecord) -> None:
        last = self.positions[record.outbox]
        ended: tuple[OrderId, ...] = ()
        if record.number == last + 1:
            last = self.positions[record.outbox] = record.number
            self.events.append(record.event)
            if isinstance(record.event, m.CancelIntended | m.CancelAnswered):
                ended = (record.event.order_id,) if record.event.order_id in self.ended else ()
        gap = record.number > last
        self.said.append(m.Acknowledged(outbox=record.outbox, number=last, gap=gap, ended=ended))

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


class World:
    def __init__(
        self,
        settings: ExecutorSettings = SETTINGS,
        *,
        options: JournalOptions | None = None,
        accounts: tuple[AccountId, ...] = (ACCOUNT,),
        capacity: int | None = None,
        seed: int = 1,
    ) -> None:
        self.settings = settings
        self.options = options or JournalOptions(boot_id="boot", reserve_bytes=0)
        self.clock = HandClock()
        self.timers = HandTimers(self.clock)
        self.fuse = Fuse()
        self.chance = Chance(seed)
        self.files = MemoryFiles(capacity)
        self.venues = {account: HandVenue(account, self.fuse) for account in accounts}
        self.venue = self.venues[accounts[0]]
        self.listener = HandListener(self.fuse)
        self.instances = 0
        self.seq = 0
        self.epoch = 1
        self.executor: Executor
        self.journal: Journal
        self.reader: CountedReader

    # ---- the process ---------------------------------------------------------------------------

    def start(self, *, spoil_checkpoint: bool = False) -> Executor:
        """The first start, or another one on what the last process left."""
        self.instances += 1
        born_at = self.clock.now()
        self.journal, recovery = Journal.open(
            self.files,
            self.options,
            empty_checkpoint=first_checkpoint(born_at),
            new_identity=lambda: self.chance.bits(128).to_bytes(16, "big"),
        )
        self.reader = CountedReader(JournalReader(self.files))
        self.executor = Executor(
            self.settings,
            log=FusedLog(self.journal, self.fuse),
            reader=self.reader,
            venues=self.venues,
            reports=self.listener,
            clock=self.clock,
            timers=self.timers,
            randomness=self.chance,
            instance=str(self.instances),
            outbox=recovery.identity.hex(),
            born_at=born_at,
            settled=self.journal.settle,
        )
        continuous = recovery.created or recovery.is_proven
        checkpoint = b"\xc1" if spoil_checkpoint else recovery.checkpoint
        self.executor.boot(checkpoint, recovery.records, continuous=continuous)
        self.executor.start()
        return self.executor

    def kill(self) -> None:
        """Whatever it waited for is gone with it; the venues go on."""
        self.fuse.calls = None
        self.files.crash()
        self.timers.clear()
        for venue in self.venues.values():
            venue.open.clear()

    def restart(self) -> Executor:
        self.kill()
        return self.start()

    # ---- time and delivery ---------------------------------------------------------------------

    def advance(self, ns: int) -> None:
        upto = self.clock.passed + ns
        self.timers.run(upto)
        self.clock.pass_time(upto - self.clock.passed)

    def deliver(self) -> None:
        """The listener reads all, and the executor hears all that it says."""
        for _ in range(1_000):
            self.listener.read()
            said, self.listener.said = self.listener.said, []
            if not said:
                return
            for one in said:
                self.tell(m.ACKNOWLEDGEMENTS, one)
        raise AssertionError("they never agree")

    def tell(self, topic: str, message: m.Status) -> None:
        self.executor.on_status(topic, codec.encode(message))

    def update(self, order: Order) -> None:
        self.seq += 1
        update = m.OrderUpdate(
            account=order.account,
            epoch=self.epoch,
            seq=self.seq,
            at=self.clock.now(),
            order=order,
            cause=m.Cause(fact="test", source="test"),
        )
        self.tell(m.stream_topic(order.account), update)

    def health(self, *problems: str) -> None:
        self.tell(
            m.HEALTH,
            m.Health(
                role=Role.LISTENER,
                instance="l",
                at=self.clock.now(),
                ready=True,
                problems=problems,
            ),
        )

    # ---- what was recorded ---------------------------------------------------------------------

    def recorded(self, kind: type[Any]) -> list[Any]:
        """Every event of a kind that the journal still holds, oldest first."""
        reader = JournalReader(self.files)
        number, events = reader.first_number(), []
        while found := reader.read_from(number):
            events += [codec.outbox_events.decode(payload) for _, payload in found]
            number = found[-1][0] + 1
        return [event for event in events if isinstance(event, kind)]

    def refusals(self) -> list[tuple[str, str]]:
        """(command_id, code) of every refusal."""
        return [(r.command_id, r.code) for r in self.recorded(m.CommandRefused)]

    # ---- commands ------------------------------------------------------------------------------

    def new_id(self, age: int = 0, tag: int = TAG) -> OrderId:
        return make_order_id(tag, self.clock.now() - age, self.chance.bits(62))

    def place(self, order_id: str | None = None, **changes: Any) -> m.Place:
        place = m.Place(
            order_id=order_id or self.new_id(),
            command_id=f"p{self.chance.bits(40)}",
            client_id="desk",
            account=ACCOUNT,
            symbol=SYMBOL,
            side="buy",
            order_type="limit",
            quantity="0.5",
            price="30000",
            expires_at=self.clock.now() + 2 * SECOND,
        )
        return replace(place, **changes)

    def cancel(self, order_id: str, **changes: Any) -> m.Cancel:
        cancel = m.Cancel(
            order_id=order_id,
            command_id=f"c{self.chance.bits(40)}",
            client_id="desk",
            account=ACCOUNT,
            symbol=SYMBOL,
        )
        return replace(cancel, **changes)

    def amend(self, order_id: str, **changes: Any) -> m.Amend:
        amend = m.Amend(
            order_id=order_id,
            command_id=f"a{self.chance.bits(40)}",
            client_id="desk",
            account=ACCOUNT,
            symbol=SYMBOL,
            price="31000",
            expires_at=self.clock.now() + 2 * SECOND,
        )
        return replace(amend, **changes)

    def order(self, command: m.Place | m.Amend) -> None:
        self.executor.on_order(codec.encode(command))

    def urgent(self, command: m.Command) -> None:
        self.executor.on_urgent(codec.encode(command))

    def placed(self, venue_order_id: str | None = "v1") -> OrderId:
        """An order that the venue has, or with None has not answered."""
        place = self.place()
        self.order(place)
        if venue_order_id is not None:
            self.venue.answer(done(venue_order_id), at=-1)
        return OrderId(place.order_id)


def started(settings: ExecutorSettings = SETTINGS, **changes: Any) -> World:
    """Old enough that ids made now are certainly of this outbox."""
    world = World(settings, **changes)
    world.start()
    world.advance(5 * SECOND)
    world.deliver()
    return world


def done(venue_order_id: str = "v1", status: OrderStatus | None = None) -> v.Done:
    if status is None:
        return v.Done(venue_order_id=VenueOrderId(venue_order_id))
    order = v.VenueOrder(symbol=SYMBOL, venue_order_id=VenueOrderId(venue_order_id), status=status)
    return v.Done(venue_order_id=VenueOrderId(venue_order_id), order=order)
