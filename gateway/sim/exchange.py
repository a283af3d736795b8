"""The venue's side: the paper venue's core behind a line that fails as the fault plan says.

It keeps the paper venue's own record of everything, with each request as it arrived and what
became of it; that record is the truth that the gateway is judged against.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from random import Random

from gateway.paper.core import PaperVenue
from gateway.paper.entries import Event
from gateway.paper.errors import INVALID_TIMESTAMP, NO_SUCH_ORDER, TOO_MANY_REQUESTS, VenueError
from gateway.paper.faults import CONNECT, STREAM_PREFIX, Fault, FaultKind, FaultPlan, first_of
from gateway.paper.liquidity import MarketMaker
from gateway.paper.symbols import Symbol
from gateway.paper.view import TRUTH, View, view_under
from gateway.sim.scheduler import Scheduler
from gateway.sim.trace import Trace

MILLISECOND = 1_000_000
AHEAD = 1_000 * MILLISECOND
"""A request signed further in the future than this is refused, as at Binance."""

_K = FaultKind


class How(Enum):
    """How a request ended for the caller."""

    RESULT = "result"
    ERROR = "error"  # a status and a code
    CLOSED = "closed"  # the connection was closed without an answer
    GARBAGE = "garbage"  # an answer that can't be read
    UNREACHABLE = "unreachable"  # no connection: nothing was sent


@dataclass(frozen=True, slots=True)
class Reply:
    how: How
    result: object = None
    status: int = 200
    code: int = 0
    text: str = ""
    faults: tuple[Fault, ...] = ()


OnReply = Callable[[Reply], None]
Perform = Callable[[View], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. `signed_at` is the caller's wall clock; `window` how long it may travel (ns)."""

    account: str
    operation: str
    params: dict[str, str]
    client_order_id: str
    signed_at: int
    window: int
    perform: Perform


class Line:
    """One private stream of one account, from dial to end. `heard` gets events and None at its
    end."""

    __slots__ = ("account", "heard", "held", "last_at", "open", "silent_until")

    def __init__(self, account: str, heard: Callable[[Event | None, tuple[Fault, ...]], None]):
        self.account = account
        self.heard = heard
        self.open = True
        self.silent_until = 0
        self.last_at = 0
        self.held: list[tuple[Event, tuple[Fault, ...]]] = []


class Exchange:
    def __init__(
        self,
        scheduler: Scheduler,
        random: Random,
        trace: Trace,
        counters: Counter[str],
        symbols: tuple[Symbol, ...],
    ) -> None:
        self.core = PaperVenue(symbols)
        self.plan = FaultPlan()
        self.running = True
        self.makers: list[MarketMaker] = []
        self._scheduler = scheduler
        self._random = random
        self._trace = trace
        self._counters = counters
        self._lines: dict[str, list[Line]] = {}
        self._life = 0

    @property
    def now(self) -> int:
        return self._scheduler.now

    def step_market(self) -> None:
        """Moves the prices, and may trade with what rests."""
        if self.running:
            for maker in self.makers:
                maker.step(self.now, self._random)

    # ---- requests ------------------------------------------------------------------------------

    def travel(self) -> int:
        """How long a message takes one way."""
        random = self._random
        slow = random.random() < 0.02
        return random.randrange(MILLISECOND, 200 * MILLISECOND if slow else 20 * MILLISECOND)

    def submit(self, call: Call, reply: OnReply) -> None:
        """Takes the request on its way. A hanging one is never replied to."""
        if not self.running:
            self._scheduler.after(MILLISECOND, lambda: reply(Reply(How.UNREACHABLE)))
            return
        life = self._life
        self._scheduler.after(self.travel(), lambda: self._arrive(call, reply, life))

    def _arrive(self, call: Call, reply: OnReply, life: int) -> None:
        if life != self._life:
            reply(Reply(How.CLOSED))
            return
        faults = tuple(self.plan.decide(call.operation, call.account, self.now, self._random))
        seq = self.core.record.request(
            call.account,
            call.operation,
            call.params,
            self.now,
            client_order_id=call.client_order_id,
        )
        if faults:
            self._note(faults, call.account, call.operation, seq)
        slow = first_of(faults, _K.DELAY_REQUEST)
        if slow is None:
            self._execute(call, reply, life, faults, seq)
        else:
            self._scheduler.after(
                slow.delay_ms * MILLISECOND,
                lambda: self._execute(call, reply, life, faults, seq),
            )

    def _execute(
        self, call: Call, reply: OnReply, life: int, faults: tuple[Fault, ...], seq: int
    ) -> None:
        if life != self._life:
            self._finish(call, seq, faults, Reply(How.CLOSED), executed=False)
            reply(Reply(How.CLOSED))
            return
        instead = _instead(faults)
        if instead is not None:
            self._finish(call, seq, faults, instead, executed=False)
            self._crash_if(faults)
        else:
            judged = self._judge(call, faults)
            self._finish(call, seq, faults, judged, executed=True)
            instead = _afterwards(faults, judged)
            self._crash_if(faults)
        if first_of(faults, _K.HANG_REQUEST, _K.HANG_ANSWER) is not None:
            return
        late = first_of(faults, _K.DELAY_ANSWER)
        delay = self.travel() + (late.delay_ms * MILLISECOND if late else 0)
        self._scheduler.after(delay, lambda: reply(instead))

    def _judge(self, call: Call, faults: tuple[Fault, ...]) -> Reply:
        skew = first_of(faults, _K.CLOCK_SKEW)
        venue_time = self.now + (skew.skew_ms * MILLISECOND if skew else 0)
        view = view_under(faults, self.core.record, self.now) if faults else TRUTH
        try:
            _check_time(call, venue_time)
            return Reply(How.RESULT, call.perform(view), faults=faults)
        except VenueError as refusal:
            return Reply(How.ERROR, status=400, code=refusal.code, text=refusal.msg)

    def _finish(
        self, call: Call, seq: int, faults: tuple[Fault, ...], judged: Reply, *, executed: bool
    ) -> None:
        self.core.record.outcome(
            seq,
            call.account,
            call.operation,
            self.now,
            executed=executed,
            answered=judged.how in (How.RESULT, How.ERROR),
            code=judged.code,
            msg=judged.text,
            faults=tuple(fault.kind.value for fault in faults),
        )
        if self._trace.on:
            names = ",".join(fault.kind.value for fault in faults)
            told = f"{judged.how.value} {judged.code or ''} {judged.text}"
            ran = "" if executed else "not executed"
            self._trace.say(
                "venue", call.operation, call.account, call.client_order_id, told, ran, names
            )

    def _note(self, faults: tuple[Fault, ...], account: str, operation: str, target: int) -> None:
        for fault in faults:
            self._counters[f"venue {fault.kind.value}"] += 1
            self.core.record.fault(account, fault.kind.value, operation, target, self.now)

    # ---- the venue as a whole ------------------------------------------------------------------

    def _crash_if(self, faults: tuple[Fault, ...]) -> None:
        fault = first_of(faults, _K.CRASH_BEFORE, _K.CRASH_AFTER)
        if fault is not None:
            self.crash(fault.duration_ms * MILLISECOND)

    def crash(self, duration: int) -> None:
        """Everything that is open is cut. The books stay; it is back after `duration`."""
        if not self.running:
            return
        self._trace.say("venue", "crashes for", duration / 1e9)
        self._counters["venue crashed"] += 1
        self.running = False
        self._life += 1
        for account in list(self._lines):
            self.cut(account)
        self._scheduler.after(duration, self._come_back)

    def _come_back(self) -> None:
        self._trace.say("venue", "is back")
        self.running = True

    # ---- private streams -----------------------------------------------------------------------

    def dial(
        self, account: str, heard: Callable[[Event | None, tuple[Fault, ...]], None]
    ) -> Line | None:
        """None: refused."""
        faults = self.plan.decide(CONNECT, account, self.now, self._random)
        if faults:
            self._note(tuple(faults), account, CONNECT, 0)
        if not self.running or faults:
            return None
        if account not in self._lines:
            self._lines[account] = []
            self.core.listen(account, lambda event: self._on_event(account, event))
        line = Line(account, heard)
        self._lines[account].append(line)
        return line

    def hang_up(self, line: Line) -> None:
        line.open = False
        if line in self._lines[line.account]:
            self._lines[line.account].remove(line)

    def cut(self, account: str) -> None:
        for line in list(self._lines.get(account, ())):
            self._cut(line)

    def _cut(self, line: Line) -> None:
        if line.open:
            self.hang_up(line)
            self._scheduler.after(self.travel(), lambda: line.heard(None, ()))

    def _on_event(self, account: str, event: Event) -> None:
        for line in list(self._lines[account]):
            operation = STREAM_PREFIX + _EVENT_NAMES.get(type(event).__name__, "executionReport")
            faults = tuple(self.plan.decide(operation, account, self.now, self._random))
            if faults:
                self._note(faults, account, operation, event.seq)
            self._emit(line, event, faults)

    def _emit(self, line: Line, event: Event, faults: tuple[Fault, ...]) -> None:
        kinds = {fault.kind for fault in faults}
        quiet = first_of(faults, _K.SILENCE)
        if quiet is not None:
            line.silent_until = self.now + quiet.duration_ms * MILLISECOND
        if self.now < line.silent_until or _K.DROP_EVENT in kinds:
            return
        if kinds & _CUTTING:
            self._cut(line)
            return
        if _K.REORDER_EVENT in kinds:
            line.held.append((event, faults))
            return
        late = first_of(faults, _K.DELAY_EVENT)
        times = 2 if _K.DUPLICATE_EVENT in kinds else 1
        for _ in range(times):
            self._send(line, event, faults, late.delay_ms * MILLISECOND if late else 0)
        held, line.held = line.held, []
        for earlier, its_faults in held:
            self._send(line, earlier, its_faults, 0)

    def _send(self, line: Line, event: Event, faults: tuple[Fault, ...], late: int) -> None:
        at = self.now + self.travel() + late
        if not late:
            at = line.last_at = max(line.last_at, at)

        def arrive() -> None:
            if line.open:
                line.heard(event, faults)

        self._scheduler.after(at - self.now, arrive)


_EVENT_NAMES = {"Position": "outboundAccountPosition", "Deposit": "balanceUpdate"}
_CUTTING = {_K.CUT_BEFORE_EVENT, _K.CORRUPT_FRAME, _K.BAD_QUANTITY, _K.TERMINATE_STREAM}
"""What the adapter can't read makes it begin a new session, so it costs the same as a cut."""


def _check_time(call: Call, venue_time: int) -> None:
    if call.signed_at > venue_time + AHEAD or venue_time - call.signed_at > call.window:
        text = "Timestamp for this request is outside of the recvWindow."
        raise VenueError(INVALID_TIMESTAMP, text)


def _instead(faults: tuple[Fault, ...]) -> Reply | None:
    """What the caller gets instead of an execution."""
    for fault in faults:
        make = _INSTEAD.get(fault.kind)
        if make is not None:
            return make(fault)
    return None


def _afterwards(faults: tuple[Fault, ...], judged: Reply) -> Reply:
    """What is left of the answer on its way back."""
    for fault in faults:
        make = _AFTERWARDS.get(fault.kind)
        if make is not None:
            return make(fault)
    return judged


def _error(fault: Fault) -> Reply:
    return Reply(How.ERROR, status=fault.status, code=fault.code, text=fault.msg)


def _closed(_: Fault) -> Reply:
    return Reply(How.CLOSED)


def _garbage(_: Fault) -> Reply:
    return Reply(How.GARBAGE)


_INSTEAD: dict[FaultKind, Callable[[Fault], Reply]] = {
    _K.CRASH_BEFORE: _closed,
    _K.DROP_REQUEST: _closed,
    _K.HANG_REQUEST: _closed,
    _K.ERROR_BEFORE: _error,
    _K.REFUSE: lambda f: Reply(How.ERROR, status=400, code=f.code, text=f.msg),
    _K.RATE_LIMIT: lambda _f: Reply(
        How.ERROR, status=429, code=TOO_MANY_REQUESTS, text="Too much request weight."
    ),
    _K.BAN: lambda _f: Reply(
        How.ERROR, status=418, code=TOO_MANY_REQUESTS, text="Way too much request weight used."
    ),
    _K.CDN_PAGE: lambda _f: Reply(How.GARBAGE, status=403),
}
_AFTERWARDS: dict[FaultKind, Callable[[Fault], Reply]] = {
    _K.CRASH_AFTER: _closed,
    _K.DROP_ANSWER: _closed,
    _K.HANG_ANSWER: _closed,
    _K.ERROR_AFTER: _error,
    _K.EMPTY_BODY: _garbage,
    _K.BAD_BODY: _garbage,
    _K.TRUNCATED_BODY: _garbage,
}


def order_missing() -> VenueError:
    return VenueError(NO_SUCH_ORDER, "Order does not exist.")
