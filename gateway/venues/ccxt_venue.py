"""The `Venue` port for every exchange that ccxt knows: one account, on asyncio."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from gateway.domain.errors import Code
from gateway.domain.identity import AccountId, OrderId, Symbol
from gateway.domain.latency import Latencies
from gateway.domain.venue import (
    AmendOrder,
    CancelOrder,
    CommandAnswer,
    FetchOrder,
    Market,
    NotSent,
    OutcomeUnknown,
    PlaceOrder,
    QueryFailed,
    StreamEvent,
    VenueAnswer,
    VenueProfile,
    VenueRequest,
)
from gateway.ports import Clock, Randomness
from gateway.venues.commands import TOO_LATE, Command, Commands, order_of
from gateway.venues.fast.build import fast_lane_of
from gateway.venues.fast.lane import FastLane
from gateway.venues.guard import WriteGuard
from gateway.venues.hooked import ended, hooked_class
from gateway.venues.lanes import Lanes, Turn
from gateway.venues.profiles import AmendBy, VenueRow, overridden, row_of
from gateway.venues.queries import Queries, lists_closed_orders
from gateway.venues.scrub import scrub
from gateway.venues.session import VenueSession
from gateway.venues.settings import VenueSettings
from gateway.venues.stream import PrivateStream

logger = logging.getLogger(__name__)

Done = Callable[[VenueAnswer], None]
_COMMANDS = (PlaceOrder, AmendOrder, CancelOrder)
_WORDS = {PlaceOrder: "place", AmendOrder: "amend", CancelOrder: "cancel"}


class CcxtVenue:
    """`open` it first; before, requests are answered `not_ready`. `close` answers what is open.

    Raises BadConfig for an exchange that is unknown, or unverified without leave.
    """

    def __init__(self, settings: VenueSettings, clock: Clock, randomness: Randomness) -> None:
        row = overridden(row_of(settings.exchange, unverified=settings.unverified), settings)
        self.profile = _profile(settings, row)
        self._settings = settings
        self._clock = clock
        self._randomness = randomness
        self._session = VenueSession(settings, row)
        self._commands = Commands(self._session)
        self._queries = Queries(self._session, clock)
        self._fast: FastLane | None = None
        self._lanes = Lanes(settings.same_order_wait)
        self._under_way: set[asyncio.Task[VenueAnswer]] = set()
        self.to_write = {word: Latencies() for word in _WORDS.values()}
        """From a command's start to the first byte of it on its way."""
        self._listening: asyncio.Task[None] | None = None
        self._stream: PrivateStream | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def account(self) -> AccountId:
        return self._settings.account

    @property
    def ready(self) -> bool:
        return self._session.is_open

    @property
    def markets(self) -> Mapping[Symbol, Market]:
        return self._session.markets

    async def open(self) -> None:
        """Returns when it is ready, however long the venue takes to answer."""
        self._loop = asyncio.get_running_loop()
        await self._session.open()
        fast = fast_lane_of(self._session, self._clock)
        if fast is not None:
            await fast.open()
            self._fast = fast

    async def close(self) -> None:
        """Commands that are still open are answered with an unknown outcome."""
        tasks: list[asyncio.Task[Any]] = [*self._under_way]
        if self._listening is not None:
            tasks.append(self._listening)
        await asyncio.gather(*map(ended, tasks))
        if self._fast is not None:
            await self._fast.close()
        await self._session.close()

    def start(self, request: VenueRequest, done: Done) -> None:
        """A command on the fast lane has left when this returns."""
        if not self.ready or self.under_way >= self._most_under_way(request):
            self._soon(done, _turned_away(request, is_ready=self.ready))
            return
        if isinstance(request, _COMMANDS) and self._goes_fast(request, done):
            return
        guard = self._guard(request)
        turn = self._turn(request, guard)
        task = self._running_loop.create_task(self._answer(request, guard, turn))
        self._under_way.add(task)
        task.add_done_callback(partial(self._finish, request, guard, turn, done))

    def rehearse(self, request: PlaceOrder) -> None:
        """Does what `start` does on the fast lane, up to the point where bytes would leave."""
        fast = self._fast
        if fast is not None and self._lanes.is_free(request.order.order_id, fast.name):
            fast.rehearse(request, self._guard(request))

    def listen(self, on_event: Callable[[StreamEvent], None]) -> None:
        """Once, after `open`. Nothing comes for a venue without a private stream."""
        if self._listening is not None:
            raise RuntimeError("it listens already")
        if not self.profile.has_private_stream:
            return
        self._stream = PrivateStream(self._session, on_event, self._randomness)
        self._listening = self._running_loop.create_task(self._stream.run())

    def redial(self, reason: str) -> None:
        """Ends the private stream's session, whatever its socket says, and begins another."""
        if self._stream is not None:
            self._stream.redial(reason)

    @property
    def _running_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop or asyncio.get_running_loop()

    def _soon(self, done: Done, answer: VenueAnswer) -> None:
        """No request is answered from inside `start`."""
        self._running_loop.call_soon(_tell, done, answer)

    def _goes_fast(self, command: Command, done: Done) -> bool:
        """False: ccxt's way is still open to it, for not a byte of it went out."""
        fast, order_id = self._fast, order_of(command)
        if fast is None or not self._lanes.is_free(order_id, fast.name):
            return False
        guard = self._guard(command)
        turn = Turn(None, guard, fast.name)
        if not fast.send(command, guard, partial(self._finish_fast, order_id, turn, done)):
            if guard.expired:
                self._soon(done, NotSent(code=Code.EXPIRED, text=TOO_LATE))
            return guard.expired
        self._lanes.enter(order_id, turn)
        self._note_written(command, guard)
        return True

    def _finish_fast(self, order_id: OrderId, turn: Turn, done: Done, answer: VenueAnswer) -> None:
        self._lanes.leave(order_id, turn)
        _tell(done, answer)

    def _guard(self, request: VenueRequest) -> WriteGuard:
        guard = WriteGuard(self._clock, _expires_at(request))
        guard.started_at = self._clock.monotonic()
        return guard

    def _turn(self, request: VenueRequest, guard: WriteGuard) -> tuple[OrderId, Turn] | None:
        if not isinstance(request, (*_COMMANDS, FetchOrder)):
            return None
        order_id = order_of(request)
        socket = self._commands.socket_for(request)
        return order_id, self._lanes.queue(order_id, guard, socket)

    async def _answer(
        self, request: VenueRequest, guard: WriteGuard, turn: tuple[OrderId, Turn] | None
    ) -> VenueAnswer:
        if turn is not None:
            await self._lanes.wait(turn[1])
        return await self._carry_out(request, guard)

    def _finish(
        self,
        request: VenueRequest,
        guard: WriteGuard,
        turn: tuple[OrderId, Turn] | None,
        done: Done,
        task: asyncio.Task[VenueAnswer],
    ) -> None:
        """Also for a task that was cancelled before it began: every request gets its answer."""
        guard.closed = True
        self._note_written(request, guard)
        self._under_way.discard(task)
        if turn is not None:
            self._lanes.leave(*turn)
        if task.cancelled():
            answer = _broken(request, guard, "the session was closed", Code.NOT_READY)
        elif (error := task.exception()) is not None:
            logger.error("venue_request_failed", extra={"account": self.account}, exc_info=error)
            answer = _broken(request, guard, scrub(repr(error), self._session.secrets))
        else:
            answer = task.result()
        _tell(done, answer)

    def _note_written(self, request: VenueRequest, guard: WriteGuard) -> None:
        word = _WORDS.get(type(request))
        if word is not None and guard.written_at:
            self.to_write[word].add(guard.written_at - guard.started_at)

    @property
    def under_way(self) -> int:
        """Requests that are not answered yet."""
        return len(self._under_way) + (0 if self._fast is None else self._fast.under_way)

    def _most_under_way(self, request: VenueRequest) -> int:
        """What places and questions take up must keep no order alive."""
        most = self._settings.max_in_flight
        return 2 * most if isinstance(request, CancelOrder) else most

    async def _carry_out(self, request: VenueRequest, guard: WriteGuard) -> VenueAnswer:
        if isinstance(request, _COMMANDS):
            return await self._commands.carry_out(request, guard)
        return await self._queries.answer(request, guard)


def _profile(settings: VenueSettings, row: VenueRow) -> VenueProfile:
    has = hooked_class(settings.exchange)({}).has
    return VenueProfile(
        venue=settings.exchange,
        visibility_lag=row.visibility_lag,
        receive_window=row.receive_window,
        can_amend=row.amend_by is not AmendBy.NOTHING,
        has_private_stream=bool(has.get("watchOrders")),
        lists_all_open_orders=row.lists_all_open_orders,
        stream_lag=row.stream_lag,
        lists_closed_orders=lists_closed_orders(has, row.closed_call),
        gives_fees=row.gives_fees,
        finds_by_venue_id=bool(has.get("fetchOrder")),
    )


def _expires_at(request: VenueRequest) -> int:
    match request:
        case PlaceOrder(order=order):
            return order.expires_at
        case AmendOrder():
            return request.expires_at
        case _:
            return 0


def _turned_away(request: VenueRequest, *, is_ready: bool) -> VenueAnswer:
    code = Code.BUSY if is_ready else Code.NOT_READY
    text = "too many requests are under way" if is_ready else "the venue session is not open"
    return _not_done(request, code, text)


def _broken(
    request: VenueRequest, guard: WriteGuard, text: str, code: Code = Code.INTERNAL
) -> VenueAnswer:
    if isinstance(request, _COMMANDS) and guard.written:
        return OutcomeUnknown(text=text)
    return _not_done(request, code, text)


def _not_done(request: VenueRequest, code: Code, text: str) -> CommandAnswer | QueryFailed:
    if isinstance(request, _COMMANDS):
        return NotSent(code=code, text=text)
    return QueryFailed(code=code, text=text)


def _tell(done: Done, answer: VenueAnswer) -> None:
    """The edge: what the receiver of an answer raises must not end the task that brought it."""
    try:
        done(answer)
    except Exception:
        logger.exception("venue_answer_failed", extra={"answer": type(answer).__name__})
