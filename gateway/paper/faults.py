"""A fault plan: which misfortune hits which message. Pure; the servers and the simulation apply it.

A plan is data. A `Fault` says what happens (`kind`), to which messages (`operation`, `account`,
`channel`: shell patterns), when (`after_ns` <= now < `until_ns`), and how often (`skip` the first
matches, then at most `count` hits, each with `probability`). Operations have the names of
Binance's websocket API, on REST too (`order.place`, `order.cancel`, `order.status`, `myTrades`...);
private events are `stream.executionReport` and so on, and a dial is `stream.connect`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from fnmatch import fnmatchcase
from random import Random

import msgspec


class FaultKind(StrEnum):
    """What can happen. Each belongs to one phase; see `PHASES`."""

    # before the request is executed
    DROP_REQUEST = "drop_request"  # connection closed, nothing executed
    DELAY_REQUEST = "delay_request"  # executed only after `delay_ms`
    HANG_REQUEST = "hang_request"  # never executed, never answered
    ERROR_BEFORE = "error_before"  # `status`, `code`, `msg`; nothing executed
    RATE_LIMIT = "rate_limit"  # 429 with Retry-After `retry_after_s`
    BAN = "ban"  # 418 with Retry-After `retry_after_s`
    CDN_PAGE = "cdn_page"  # 403 with an html page
    REFUSE = "refuse"  # a venue's refusal: `code`, `msg` (-1008, -1021, -2015...)
    CLOCK_SKEW = "clock_skew"  # the venue's clock is `skew_ms` ahead for this request
    # after it has been executed
    DROP_ANSWER = "drop_answer"  # connection closed instead of an answer
    DELAY_ANSWER = "delay_answer"  # answered after `delay_ms`
    HANG_ANSWER = "hang_answer"  # never answered
    ERROR_AFTER = "error_after"  # `status`, `code`, `msg` although executed
    EMPTY_BODY = "empty_body"  # 200 without a body
    BAD_BODY = "bad_body"  # 200 with something that is not JSON
    TRUNCATED_BODY = "truncated_body"  # 200 with the first half of the answer
    NO_IDS = "no_ids"  # 200 without orderId and clientOrderId
    DUPLICATE_ANSWER = "duplicate_answer"  # the answer twice (websocket only)
    # data of an answer or an event that is not so
    INVISIBLE = "invisible"  # orders and trades younger than `lag_ms` are not there
    STALE = "stale"  # orders as they were `lag_ms` ago
    WRONG_FIGURES = "wrong_figures"  # executedQty and status lower than true
    CONFLICTING_TRADE = "conflicting_trade"  # a trade once more, same id, other figures
    NO_COMMISSION = "no_commission"  # fills without their commission
    # private events
    DROP_EVENT = "drop_event"
    DELAY_EVENT = "delay_event"  # by `delay_ms`; later ones overtake it
    DUPLICATE_EVENT = "duplicate_event"
    REORDER_EVENT = "reorder_event"  # sent after the next one
    CORRUPT_FRAME = "corrupt_frame"  # half of the event: not JSON
    LIST_FRAME = "list_frame"  # `[]` before the event
    BAD_QUANTITY = "bad_quantity"  # quantities that are no numbers
    CUT_BEFORE_EVENT = "cut_before_event"  # the socket closes instead
    SILENCE = "silence"  # the socket stays open, nothing is sent for `duration_ms`
    TERMINATE_STREAM = "terminate_stream"  # eventStreamTerminated, then nothing
    # a dial
    REFUSE_CONNECTION = "refuse_connection"
    # the venue as a whole
    CRASH_BEFORE = "crash_before"  # dies before executing; back after `duration_ms`
    CRASH_AFTER = "crash_after"  # dies after executing, before answering


class Phase(StrEnum):
    """When a kind is asked for."""

    BEFORE = "before"
    AFTER = "after"
    DATA = "data"
    STREAM = "stream"
    CONNECT = "connect"


_K = FaultKind
PHASES: dict[FaultKind, Phase] = {
    **dict.fromkeys(
        (
            _K.DROP_REQUEST,
            _K.DELAY_REQUEST,
            _K.HANG_REQUEST,
            _K.ERROR_BEFORE,
            _K.RATE_LIMIT,
            _K.BAN,
            _K.CDN_PAGE,
            _K.REFUSE,
            _K.CLOCK_SKEW,
            _K.CRASH_BEFORE,
        ),
        Phase.BEFORE,
    ),
    **dict.fromkeys(
        (
            _K.DROP_ANSWER,
            _K.DELAY_ANSWER,
            _K.HANG_ANSWER,
            _K.ERROR_AFTER,
            _K.EMPTY_BODY,
            _K.BAD_BODY,
            _K.TRUNCATED_BODY,
            _K.NO_IDS,
            _K.DUPLICATE_ANSWER,
            _K.CRASH_AFTER,
        ),
        Phase.AFTER,
    ),
    **dict.fromkeys(
        (
            _K.INVISIBLE,
            _K.STALE,
            _K.WRONG_FIGURES,
            _K.CONFLICTING_TRADE,
            _K.NO_COMMISSION,
        ),
        Phase.DATA,
    ),
    **dict.fromkeys(
        (
            _K.DROP_EVENT,
            _K.DELAY_EVENT,
            _K.DUPLICATE_EVENT,
            _K.REORDER_EVENT,
            _K.CORRUPT_FRAME,
            _K.LIST_FRAME,
            _K.BAD_QUANTITY,
            _K.CUT_BEFORE_EVENT,
            _K.SILENCE,
            _K.TERMINATE_STREAM,
        ),
        Phase.STREAM,
    ),
    _K.REFUSE_CONNECTION: Phase.CONNECT,
}

STREAM_PREFIX = "stream."
CONNECT = "stream.connect"


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One rule of a plan; see the module for matching, `FaultKind` for what it does."""

    kind: FaultKind
    operation: str = "*"
    account: str = "*"
    channel: str = "*"
    probability: float = 1.0
    skip: int = 0
    count: int | None = None
    after_ns: int = 0
    until_ns: int | None = None
    delay_ms: int = 100
    duration_ms: int = 1000
    lag_ms: int = 1000
    skew_ms: int = 0
    retry_after_s: int = 1
    status: int = 503
    code: int = -1000
    msg: str = "An unknown error occurred while processing the request."

    @property
    def phase(self) -> Phase:
        return PHASES[self.kind]

    def matches(self, operation: str, account: str, channel: str, now: int) -> bool:
        in_time = self.after_ns <= now and (self.until_ns is None or now < self.until_ns)
        if not in_time or not self._applies_to(operation):
            return False
        return (
            _fits(operation, self.operation)
            and _fits(account, self.account)
            and _fits(channel, self.channel)
        )

    def _applies_to(self, operation: str) -> bool:
        """Event kinds only hit events, and a `*` never makes a request kind hit an event."""
        phase = self.phase
        if phase is Phase.CONNECT:
            return operation == CONNECT
        if operation == CONNECT:
            return False
        is_event = operation.startswith(STREAM_PREFIX)
        if phase is Phase.DATA:
            return not is_event or self.kind in _DATA_OF_EVENTS
        return is_event == (phase is Phase.STREAM)


def _fits(name: str, pattern: str) -> bool:
    return pattern == "*" or fnmatchcase(name, pattern)


_DATA_OF_EVENTS = {_K.WRONG_FIGURES, _K.CONFLICTING_TRADE, _K.NO_COMMISSION}


class _Use:
    """How often one fault has matched and hit."""

    __slots__ = ("fault", "hits", "matched")

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.matched = 0
        self.hits = 0


class FaultPlan:
    """Faults with their counters. Deterministic: same calls and same `rng`, same decisions."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._uses = [_Use(fault) for fault in faults]

    def __bool__(self) -> bool:
        return bool(self._uses)

    @property
    def faults(self) -> list[Fault]:
        return [use.fault for use in self._uses]

    def hits(self) -> list[tuple[Fault, int]]:
        """Each fault with how often it has hit."""
        return [(use.fault, use.hits) for use in self._uses]

    def add(self, faults: Iterable[Fault]) -> None:
        self._uses.extend(_Use(fault) for fault in faults)

    def replace(self, faults: Iterable[Fault]) -> None:
        """A new plan with counters at zero."""
        self._uses = [_Use(fault) for fault in faults]

    def decide(
        self, operation: str, account: str, now: int, rng: Random, channel: str = "direct"
    ) -> list[Fault]:
        """The faults that hit this message, in the plan's order. Counts them as used.

        `rng` is drawn from only for faults with a probability below 1.
        """
        chosen: list[Fault] = []
        for use in self._uses:
            if not use.fault.matches(operation, account, channel, now):
                continue
            use.matched += 1
            if _strikes(use, rng):
                use.hits += 1
                chosen.append(use.fault)
        return chosen


def _strikes(use: _Use, rng: Random) -> bool:
    fault = use.fault
    if use.matched <= fault.skip:
        return False
    if fault.count is not None and use.hits >= fault.count:
        return False
    return fault.probability >= 1.0 or rng.random() < fault.probability


def first_of(faults: Iterable[Fault], *kinds: FaultKind) -> Fault | None:
    """The first of these kinds, if any was chosen."""
    return next((fault for fault in faults if fault.kind in kinds), None)
