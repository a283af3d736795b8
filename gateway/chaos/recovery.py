"""From each fault to the moment when what had happened at the venue was right and published.

Each change of an order at the venue is one sample: how long until an update that covers it (the
acknowledgement, as much filled, the end) was published. What went wrong around it says which class
it belongs to: a fault that shows itself (an error, a cut, a crash), a silent loss (an event that
was late, wrong or never sent), a doubt that only time can end (the venue does not show it yet, or
never had it), or several of these at once. While a process is stopped or being started, or the disk
is full, nothing can be right: there the time runs from the end of the fault.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from gateway.chaos.plan import Blow
from gateway.chaos.striking import Struck
from gateway.paper.entries import Entry, Execution, FaultHit, Request
from gateway.paper.faults import FaultKind
from gateway.sim.records import OPEN, VenueChange, VenueOrder

SECOND = 1_000_000_000
BEFORE = 15 * SECOND
"""A fault that hit an order so long before a change may still be what delays it."""
AROUND = SECOND
CLOSED = {"filled", "canceled", "expired", "rejected"}
UNKNOWN = {"pending_new", "in_doubt"}

SHOWN, SILENT, VERDICT = "shows itself", "silent loss", "visibility verdict"
MIXED, CALM = "several at once", "no fault"
_SILENT = {
    FaultKind.DROP_EVENT,
    FaultKind.DELAY_EVENT,
    FaultKind.REORDER_EVENT,
    FaultKind.SILENCE,
    FaultKind.WRONG_FIGURES,
    Blow.VENUE_SILENCE,
}
_VISIBILITY = {FaultKind.INVISIBLE, FaultKind.STALE}
_OF_STREAMS = {
    FaultKind.SILENCE,
    FaultKind.TERMINATE_STREAM,
    FaultKind.CUT_BEFORE_EVENT,
    FaultKind.CORRUPT_FRAME,
    FaultKind.BAD_QUANTITY,
}
"""They hit what comes after them on the account's stream, too."""
_BLOWS = frozenset(Blow) - {Blow.GARBAGE, Blow.BROKEN_SUBSCRIBER, Blow.VENUE_SILENCE}
_HARMLESS = {Blow.GARBAGE, Blow.BROKEN_SUBSCRIBER}


@dataclass(frozen=True, slots=True)
class Update:
    """An order as it was published."""

    at: int
    status: str
    filled: Decimal

    def covers(self, change: VenueChange) -> bool:
        if self.status in UNKNOWN or self.filled < change.executed:
            return False
        return change.status == OPEN or self.status in CLOSED


@dataclass(frozen=True, slots=True)
class Cause:
    kind: str
    began: int
    ended: int
    lasts: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """`delay` in ns. `kinds`: of all faults around it."""

    order_id: str
    label: str
    kinds: frozenset[str]
    delay: int


def samples(
    orders: Iterable[VenueOrder],
    updates: Mapping[str, Sequence[Update]],
    entries: Sequence[Entry],
    struck: Iterable[Struck],
) -> list[Sample]:
    """One for each change that was ever covered; what never was is the checker's to say."""
    causes = _Causes(entries, struck)
    found = []
    for order in orders:
        known = updates.get(order.client_order_id, ())
        for change in order.changes:
            covered = next((update.at for update in known if update.covers(change)), None)
            if covered is not None:
                around = list(causes.around(order, change.at, covered))
                if not any(cause.kind not in _HARMLESS for cause in around):
                    around += causes.long_before(order, change.at)
                found.append(_sample(order.client_order_id, around, change.at, covered))
    return found


def verdicts(updates: Mapping[str, Sequence[Update]], at_venue: set[str]) -> list[Sample]:
    """Orders that the venue never had: from the doubt to the word that says so."""
    found = []
    for order_id, known in updates.items():
        doubted = next((one.at for one in known if one.status == "in_doubt"), None)
        ended = next((one.at for one in known if one.status == "rejected"), None)
        if order_id not in at_venue and doubted is not None and ended is not None:
            found.append(Sample(order_id, VERDICT, frozenset({"never received"}), ended - doubted))
    return found


def _sample(order_id: str, around: Sequence[Cause], changed: int, covered: int) -> Sample:
    kinds = frozenset(cause.kind for cause in around)
    label = _label(kinds)
    since = changed
    if label in {SHOWN, MIXED}:
        over = (cause.ended for cause in around if cause.lasts and cause.ended <= covered)
        since = max((changed, *over))
    return Sample(order_id, label, kinds, max(covered - since, 0))


def _label(kinds: frozenset[str]) -> str:
    blows = bool(kinds & _BLOWS)
    if kinds & (_SILENT | _VISIBILITY) and blows:
        return MIXED
    if kinds & _SILENT:
        return SILENT
    if kinds & _VISIBILITY:
        return VERDICT
    return SHOWN if kinds - _HARMLESS else CALM


class _Causes:
    """What went wrong, by the order, the account, or for all."""

    def __init__(self, entries: Sequence[Entry], struck: Iterable[Struck]) -> None:
        self._of_order: dict[tuple[str, str, str], list[Cause]] = defaultdict(list)
        self._of_account: dict[str, list[Cause]] = defaultdict(list)
        self._of_all = [Cause(one.blow, one.began, one.ended, lasts=True) for one in struck]
        names = _order_names(entries)
        for entry in entries:
            if isinstance(entry, FaultHit):
                self._note(entry, names)

    def _note(self, hit: FaultHit, names: Mapping[int, tuple[str, str, str]]) -> None:
        cause = Cause(hit.kind, hit.time, hit.time)
        name = names.get(hit.target)
        if name is not None:
            self._of_order[name].append(cause)
        if hit.kind in _OF_STREAMS or name is None:
            self._of_account[hit.account].append(cause)

    def around(self, order: VenueOrder, changed: int, covered: int) -> Iterator[Cause]:
        symbol = order.symbol.replace("/", "")
        names = ((order.account, symbol, order.venue_order_id), ("", "", order.client_order_id))
        for name in names:
            yield from _between(self._of_order.get(name, ()), changed - BEFORE, covered)
        yield from self._of_others(order.account, changed - AROUND, covered)

    def long_before(self, order: VenueOrder, changed: int) -> Iterator[Cause]:
        """What had brought down a connection may not be mended yet."""
        return self._of_others(order.account, changed - BEFORE, changed)

    def _of_others(self, account: str, after: int, before: int) -> Iterator[Cause]:
        for name in (account, ""):
            yield from _between(self._of_account.get(name, ()), after, before)
        yield from _between(self._of_all, after, before)


def _between(causes: Iterable[Cause], after: int, before: int) -> Iterator[Cause]:
    return (cause for cause in causes if cause.ended >= after and cause.began <= before)


def _order_names(entries: Iterable[Entry]) -> dict[int, tuple[str, str, str]]:
    """Which order each request and each event of the record is about."""
    names: dict[int, tuple[str, str, str]] = {}
    for entry in entries:
        match entry:
            case Execution(order=order):
                names[entry.seq] = order.account, order.symbol, str(order.order_id)
            case Request(params={"newClientOrderId": ours}):
                names[entry.seq] = "", "", ours
            case Request(params={"origClientOrderId": ours}):
                names[entry.seq] = "", "", ours
            case Request(params={"orderId": number, "symbol": symbol}):
                names[entry.seq] = entry.account, symbol, number
            case _:
                pass
    return names


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds."""

    count: int
    median: float
    p99: float
    most: float


def spread(delays: Iterable[int]) -> Spread:
    ordered = sorted(delays)
    if not ordered:
        return Spread(0, 0.0, 0.0, 0.0)
    at = [ordered[int(len(ordered) * part)] / SECOND for part in (0.5, 0.99)]
    return Spread(len(ordered), at[0], at[1], ordered[-1] / SECOND)
