"""Keeps the way of an order warm: an executor that leads nowhere carries out orders of its own.

Much of what an order costs that comes after a pause is cold caches. So the same code runs every few
milliseconds on a second executor, whose journal, reports and timers lead nowhere and whose venues
stop short of the socket. It shares nothing with the real one but code, markets and what signs.
"""

import logging
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Protocol

from gateway.domain.codec import encode
from gateway.domain.enums import OrderType, Side
from gateway.domain.errors import Code
from gateway.domain.identity import AccountId, Symbol, make_order_id
from gateway.domain.messages import ACKNOWLEDGEMENTS, Acknowledged, Place
from gateway.domain.money import ZERO
from gateway.domain.venue import (
    Market,
    NotSent,
    PlaceOrder,
    StreamEvent,
    VenueAnswer,
    VenueRequest,
)
from gateway.executor import Executor, ExecutorSettings
from gateway.ports import Clock, Randomness, Timer, Timers, Venue

log = logging.getLogger("gateway.service")

NAME = "rehearsal"
TAG = 1
LIFE = 2_000_000_000
FIGURE = "1000"
"""A multiple of nearly every step; where it is not, the order gets less far."""
TURNS = 1_000
"""Orders until a new executor takes over: the memory of one stays small."""


class RehearsedVenue(Venue, Protocol):
    def rehearse(self, request: PlaceOrder) -> None:
        """Does what `start` does, up to the point where bytes would leave."""


class Rehearsal:
    """`interval` in ns. It pauses while real places come, which keep themselves warm, and where
    debug messages are logged, which would tell of its orders."""

    def __init__(
        self,
        executor: Executor,
        venues: Mapping[AccountId, RehearsedVenue],
        clock: Clock,
        timers: Timers,
        randomness: Randomness,
        *,
        interval: int,
    ) -> None:
        self._real = executor
        self._venues = venues
        self._clock = _SteadyClock(clock)
        self._timers = timers
        self._randomness = randomness
        self._interval = interval
        self._seen = 0
        self._turn = 0
        self._nowhere = _Nowhere()
        self._stand_ins: list[_StandIn] = []
        self._executor: Executor | None = None
        self._timer: Timer | None = None

    def begin(self) -> None:
        """Without effect for an interval of 0."""
        if self._interval and self._venues:
            self._timer = self._timers.after(self._interval, self._step)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _step(self) -> None:
        try:
            if not self._has_real_orders() and not log.isEnabledFor(logging.DEBUG):
                self._rehearse()
        except Exception:
            log.exception("rehearsal_failed")  # and that was the last
        else:
            self._timer = self._timers.after(self._interval, self._step)

    def _has_real_orders(self) -> bool:
        seen, self._seen = self._seen, self._real.counters.placed
        return seen != self._seen

    def _rehearse(self) -> None:
        executor = self._executor
        if executor is None or self._turn % TURNS == 0:
            executor = self._executor = self._build()
        self._turn += 1
        venue = self._stand_ins[self._turn % len(self._stand_ins)]
        if not (venue.ready and venue.markets):
            return
        executor.on_order(encode(self._place(venue)))
        if executor.counters.refused:
            raise RuntimeError(f"refused: {dict(executor.counters.refused)}")
        venue.answer()
        said = Acknowledged(outbox=NAME, number=self._nowhere.next_number - 1)
        executor.on_status(ACKNOWLEDGEMENTS, encode(said))

    def _build(self) -> Executor:
        nowhere = self._nowhere = _Nowhere()
        self._stand_ins = [_StandIn(venue) for venue in self._venues.values()]
        executor = Executor(
            ExecutorSettings(tag=TAG),
            log=nowhere,
            reader=nowhere,
            venues={venue.account: venue for venue in self._stand_ins},
            reports=nowhere,
            clock=self._clock,
            timers=nowhere,
            randomness=self._randomness,
            instance=NAME,
            outbox=NAME,
            born_at=0,
            settled=lambda: None,
        )
        executor.boot(None, ())
        executor.start()
        return executor

    def _place(self, venue: "_StandIn") -> Place:
        now = self._clock.now()
        return Place(
            order_id=make_order_id(TAG, now, self._randomness.bits(62)),
            command_id=NAME,
            client_id=NAME,
            account=venue.account,
            symbol=next(iter(venue.markets)),
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            quantity=FIGURE,
            price=FIGURE,
            expires_at=now + LIFE,
        )


class _StandIn:
    """Takes requests in the place of a venue. Its one market has no step and no limit: nothing that
    an order could fail at."""

    def __init__(self, venue: RehearsedVenue) -> None:
        self._venue = venue
        self.account = venue.account
        self.profile = venue.profile
        self._markets: dict[Symbol, Market] = {}
        self._done: Callable[[VenueAnswer], None] | None = None

    @property
    def markets(self) -> Mapping[Symbol, Market]:
        """They come when the venue's session opens."""
        if not self._markets:
            for symbol, market in islice(self._venue.markets.items(), 1):
                self._markets[symbol] = Market(
                    symbol=symbol,
                    base=market.base,
                    quote=market.quote,
                    price_step=ZERO,
                    quantity_step=ZERO,
                )
        return self._markets

    @property
    def ready(self) -> bool:
        return self._venue.ready

    def start(self, request: VenueRequest, done: Callable[[VenueAnswer], None]) -> None:
        self._done = done
        if isinstance(request, PlaceOrder):
            self._venue.rehearse(request)

    def answer(self) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(NotSent(code=Code.EXPIRED, text=NAME))

    def listen(self, on_event: Callable[[StreamEvent], None]) -> None: ...


class _SteadyClock:
    """The wall time of its beginning and what has passed since: it is never set."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = clock.now() - clock.monotonic()

    def now(self) -> int:
        return self._clock.monotonic() + self._ahead

    def monotonic(self) -> int:
        return self._clock.monotonic()


class _Nowhere:
    """A journal, its reader, an outlet and timers that keep nothing."""

    # ruff: noqa: ARG002 - what is given to it is of no concern

    next_number = 1
    should_roll = False

    def append(self, payload: bytes, *, urgent: bool = False) -> int:
        self.next_number += 1
        return self.next_number - 1

    def roll(self, checkpoint: bytes) -> None: ...

    def drop_before(self, number: int) -> None: ...

    def sync(self) -> None: ...

    def read_from(self, number: int, limit: int) -> list[tuple[int, bytes]]:
        return []

    def send(self, frame: bytes) -> bool:
        return True

    def after(self, delay: int, action: Callable[[], None]) -> Timer:
        return self

    def cancel(self) -> None: ...
