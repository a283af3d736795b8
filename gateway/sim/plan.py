"""What is to go wrong in one world: drawn from its seed before it begins."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from random import Random

from gateway.paper.faults import Fault, FaultKind
from gateway.sim.network import FAIR, Weather

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
_K = FaultKind

PROCESSES = ("executor", "listener", "actioner", "manager")
WIRES = ("orders", "urgent", "reports", "status", "requests")
LOSING = 0.15
LAG_MS = 900
"""Below the visibility lag that the venue's profile promises (1 s)."""


class Blow(Enum):
    """What can happen to a process, or to the machine."""

    KILL = "kill"
    KILL_IN_STEP = "kill in a step"
    STOP = "stop"
    PAUSE = "pause"
    STORE_DOWN = "store down"
    STORE_LIES = "store answers lost"
    VENUE_CRASH = "venue crash"
    STREAM_CUT = "stream cut"
    CLOCK_STEP = "clock step"
    POWER_LOSS = "power loss"
    JOURNAL_DAMAGE = "journal damage"
    JOURNAL_LOST = "journal lost"
    JOURNAL_PUT_BACK = "journal put back"


@dataclass(frozen=True, slots=True)
class Planned:
    """`at` ns after the faults began; `length` of a pause, an outage, or of how far it goes."""

    at: int
    blow: Blow
    target: str
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    duration: int
    weather: dict[str, Weather] = field(default_factory=dict)
    venue: tuple[Fault, ...] = ()
    blows: tuple[Planned, ...] = ()
    host_clock_error: int = 0
    calm_first: int = 0
    """The users give their last commands so long before the faults end."""
    segment_records: int = 200
    spare_segments: int = 1
    tears: bool = False
    """A process that dies in an append may leave half a record behind."""
    client_clock_errors: int = 0
    """At most so far is each client's clock off."""

    @property
    def venue_skew(self) -> int:
        skews = (abs(fault.skew_ms) for fault in self.venue if fault.kind is _K.CLOCK_SKEW)
        return max(skews, default=0) * MILLISECOND


def basic(random: Random, duration: int) -> Plan:
    """Messages that are late or lost, and a restart of each part."""
    return Plan(
        duration=duration,
        weather={wire: _weather(random, 0.02) for wire in WIRES},
        blows=tuple(_blows(random, duration, (Blow.KILL, Blow.STOP), 4)),
    )


def calm(_random: Random, duration: int) -> Plan:
    """Nothing goes wrong."""
    return Plan(duration=duration, weather=dict.fromkeys(WIRES, FAIR))


def silent(_random: Random, duration: int) -> Plan:
    """The private streams stay open and say nothing any more, again and again; else all is well."""
    fault = Fault(kind=_K.SILENCE, probability=0.05, duration_ms=120_000)
    return Plan(duration=duration, weather=dict.fromkeys(WIRES, FAIR), venue=(fault,))


def everything(random: Random, duration: int) -> Plan:
    """What `most` has; and some worlds lose what their journals held."""
    plan = most(random, duration)
    if random.random() > LOSING:
        return plan
    blows = [*plan.blows, *_blows(random, duration, _LOSSES, 1)]
    return replace(plan, tears=True, blows=tuple(sorted(blows, key=lambda planned: planned.at)))


def most(random: Random, duration: int) -> Plan:
    """Each world has some of it, and some have much: bugs hide where two kinds meet, and a world
    in which nothing works for long shows nothing."""
    severity = random.choice((0.3, 1.0, 1.0, 3.0))
    blows = list(_blows(random, duration, _PROCESS_BLOWS, round(random.randrange(8) * severity)))
    if random.random() < 0.5:
        blows += _blows(random, duration, _OUTER_BLOWS, random.randrange(1, 4))
    blows.sort(key=lambda planned: planned.at)
    return Plan(
        duration=duration,
        weather={wire: _weather(random, 0.03 * severity) for wire in WIRES},
        venue=tuple(_venue_faults(random, severity)),
        blows=tuple(blows),
        host_clock_error=random.randrange(-400, 400) * MILLISECOND,
        client_clock_errors=400 * MILLISECOND,
        calm_first=random.choice((0, 0, 3, 8)) * SECOND,
        segment_records=random.choice((15, 100, 400, 1_000)),
        spare_segments=random.randrange(2),
    )


_PROCESS_BLOWS = (Blow.KILL, Blow.KILL_IN_STEP, Blow.KILL_IN_STEP, Blow.STOP, Blow.PAUSE)
_OUTER_BLOWS = (
    Blow.STORE_DOWN,
    Blow.STORE_LIES,
    Blow.VENUE_CRASH,
    Blow.STREAM_CUT,
    Blow.CLOCK_STEP,
)
_LOSSES = (
    Blow.POWER_LOSS,
    Blow.JOURNAL_DAMAGE,
    Blow.JOURNAL_LOST,
    Blow.JOURNAL_PUT_BACK,
)


def _weather(random: Random, chance: float) -> Weather:
    def some() -> float:
        return random.choice((0.0, 0.3, 1.0)) * chance

    most = random.choice((1, 1, 10, 300)) * MILLISECOND
    return Weather(
        most_delay=most,
        loss=some(),
        duplicate=some(),
        reorder=some(),
        stall=some() / 5,
    )


def _blows(random: Random, duration: int, kinds: tuple[Blow, ...], count: int) -> list[Planned]:
    found = [
        Planned(
            at=random.randrange(duration),
            blow=random.choice(kinds),
            target=random.choice(PROCESSES),
            length=_length(random),
        )
        for _ in range(count)
    ]
    return sorted(found, key=lambda planned: planned.at)


def _length(random: Random) -> int:
    return random.choice((200, 1_000, 3_000, 8_000, 15_000)) * MILLISECOND


def _venue_faults(random: Random, severity: float) -> list[Fault]:
    kinds = random.sample(list(_VENUE), random.randrange(len(_VENUE)))
    return [_venue_fault(random, kind, severity) for kind in kinds]


def _venue_fault(random: Random, kind: FaultKind, severity: float) -> Fault:
    chance = _VENUE[kind] * severity * random.choice((0.3, 1.0, 2.0))
    return Fault(
        kind=kind,
        operation=random.choice(_OPERATIONS.get(kind, ("*",))),
        probability=min(chance, 0.9),
        delay_ms=random.choice((50, 500, 3_000, 8_000, 12_000)),
        duration_ms=random.choice((200, 2_000, 8_000)) * _LONGER.get(kind, 1),
        lag_ms=random.randrange(1, LAG_MS),
        skew_ms=random.choice((-6_000, -500, 500, 6_000)),
        status=random.choice((500, 502, 503, 504)),
        code=random.choice((-1008, -1021, -2015)) if kind is _K.REFUSE else -1000,
    )


_VENUE: dict[FaultKind, float] = {
    _K.DROP_REQUEST: 0.03,
    _K.DELAY_REQUEST: 0.05,
    _K.HANG_REQUEST: 0.03,
    _K.ERROR_BEFORE: 0.03,
    _K.RATE_LIMIT: 0.03,
    _K.BAN: 0.01,
    _K.CDN_PAGE: 0.01,
    _K.REFUSE: 0.02,
    _K.CLOCK_SKEW: 0.03,
    _K.DROP_ANSWER: 0.05,
    _K.DELAY_ANSWER: 0.05,
    _K.HANG_ANSWER: 0.05,
    _K.ERROR_AFTER: 0.05,
    _K.EMPTY_BODY: 0.02,
    _K.BAD_BODY: 0.02,
    _K.TRUNCATED_BODY: 0.02,
    _K.NO_IDS: 0.02,
    _K.INVISIBLE: 0.2,
    _K.STALE: 0.2,
    _K.WRONG_FIGURES: 0.05,
    _K.CONFLICTING_TRADE: 0.02,
    _K.NO_COMMISSION: 0.1,
    _K.DROP_EVENT: 0.1,
    _K.DELAY_EVENT: 0.1,
    _K.DUPLICATE_EVENT: 0.1,
    _K.REORDER_EVENT: 0.1,
    _K.CORRUPT_FRAME: 0.005,
    _K.BAD_QUANTITY: 0.005,
    _K.CUT_BEFORE_EVENT: 0.01,
    _K.SILENCE: 0.01,
    _K.TERMINATE_STREAM: 0.005,
    _K.REFUSE_CONNECTION: 0.3,
    _K.CRASH_BEFORE: 0.001,
    _K.CRASH_AFTER: 0.001,
}
"""How often each happens to a message that it can happen to, in a world that has it."""

IN_THE_ADAPTER = frozenset({_K.DUPLICATE_ANSWER, _K.LIST_FRAME})
"""They end where frames are read, which is not simulated: an answer is taken once, and a frame that
is no event begins a new session, as `CORRUPT_FRAME` does."""

_OPERATIONS: dict[FaultKind, tuple[str, ...]] = {
    _K.ERROR_AFTER: ("order.*", "*"),
    _K.HANG_ANSWER: ("order.place", "*"),
    _K.DROP_ANSWER: ("order.place", "*"),
}

_LONGER = {_K.SILENCE: 10}
"""A stream that is silent for longer than a sweep's interval."""

PLANS: Mapping[str, Callable[[Random, int], Plan]] = {
    "none": calm,
    "silence": silent,
    "basic": basic,
    "most": most,
    "all": everything,
}
"""By what `--faults` says. `most` leaves out what costs a journal records that it held."""
