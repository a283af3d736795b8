"""The private stream of one account: dial, confirm, hear, notice the end, dial again.

Each dial uses a fresh ccxt instance, so nothing of a broken session is left in the next. The
watchers only re-enter; what they return is not used (see `tap`). Anything that may mean that
something was not heard ends the session: `StreamDown`, then `StreamUp` when it is confirmed anew.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import ccxt

from gateway.domain.identity import AccountId
from gateway.domain.venue import (
    Balance,
    BalancesHeard,
    OrderHeard,
    StreamDown,
    StreamEvent,
    StreamUp,
    TradeHeard,
)
from gateway.ports import Randomness
from gateway.venues import tap, translate
from gateway.venues.hooked import Hooks, ended, was_cancelled
from gateway.venues.profiles import Pattern, VenueRow, matches
from gateway.venues.scrub import scrub
from gateway.venues.session import VenueSession, close_exchange

logger = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
STEADY_AFTER = 5.0
"""A session that lasted so long starts the pauses anew. What is missed meanwhile is only swept, so
the longest pause is short, and long enough for a venue's limit on dials (Binance: 1 a second)."""
MISSED_PINGS = 3
CLOSE_S = 1.0
"""A half-open socket never says goodbye: nobody waits for it longer than this."""

OnEvent = Callable[[StreamEvent], None]


class StreamLost(Exception):
    """The private stream can't be trusted any more; its text says why."""


def cause_of(error: BaseException) -> BaseException:
    """What the venue said, where ccxt stumbles while it cleans up after that: Binance's refusal of
    a key comes out of it as `KeyError: 'spot'`."""
    before = error.__context__
    stumbled = not isinstance(error, ccxt.BaseError | StreamLost)
    return before if stumbled and isinstance(before, ccxt.BaseError) else error


class PrivateStream:
    """`run` until it is cancelled. Exceptions of `on_event` are logged and end the session."""

    def __init__(self, session: VenueSession, on_event: OnEvent, randomness: Randomness) -> None:
        self._session = session
        self._on_event = on_event
        self._randomness = randomness
        self._is_up: bool | None = None
        self._down_text = ""
        self._dial: _Dial | None = None

    def redial(self, reason: str) -> None:
        """Gives up the session as it stands. While there is none, one is on its way anyway."""
        if self._dial is not None:
            self._dial.on_trouble(reason)

    async def run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            began = asyncio.get_running_loop().time()
            try:
                self._dial = _Dial(self._session, self._up, self._on_event)
                await self._dial.run()
            except (Exception, asyncio.CancelledError) as error:
                if was_cancelled():
                    raise
                self._down(error)
            if asyncio.get_running_loop().time() - began > STEADY_AFTER:
                pause = FIRST_PAUSE
            await asyncio.sleep(pause * (0.5 + self._randomness.uniform()))
            pause = min(pause * 2, LONGEST_PAUSE)

    def _up(self) -> None:
        self._is_up = True
        logger.info("venue_stream_up account=%s", self._account)
        self._on_event(StreamUp(account=self._account))

    def _tell(self, event: StreamEvent) -> None:
        """The edge of the loop: it must go on, whatever the receiver makes of this."""
        try:
            self._on_event(event)
        except Exception:
            logger.exception("venue_event_failed", extra={"account": self._account})

    def _down(self, error: BaseException) -> None:
        cause = cause_of(error)
        text = scrub(f"{type(cause).__name__}: {cause}", self._session.secrets)
        is_news = self._is_up is not False or text != self._down_text
        self._down_text = text
        level = logging.WARNING if is_news else logging.INFO
        logger.log(level, "venue_stream_down account=%s error=%s", self._account, text)
        if self._is_up is not False:
            self._is_up = False
            self._tell(StreamDown(account=self._account, text=text))

    @property
    def _account(self) -> AccountId:
        return self._session.settings.account


class _Dial(Hooks):
    """One session of the stream, from dial to end. `run` always ends by raising."""

    def __init__(self, session: VenueSession, up: Callable[[], None], on_event: OnEvent) -> None:
        self._session = session
        self._row: VenueRow = session.row
        self._account = session.settings.account
        self._up = up
        self._on_event = on_event
        self._loop = asyncio.get_running_loop()
        self._awaited: list[Pattern] = list(self._row.acks)
        self._heard_at = self._loop.time()
        self._heard = False
        self._is_up = False
        self._is_over = False
        self._lost: asyncio.Future[None] = self._loop.create_future()
        self._balances: dict[str, Balance] = {}

    async def run(self) -> None:
        exchange = self._session.another(self)
        tap.seed(exchange, self._order, self._trade)
        watchers = [asyncio.create_task(watch) for watch in self._watches(exchange)]
        try:
            await self._until_lost(exchange, watchers)
        finally:
            self._is_over = True
            await asyncio.gather(*map(ended, watchers))
            await close_exchange(exchange, CLOSE_S)

    def _watches(self, exchange: Any) -> list[Coroutine[Any, Any, None]]:
        watches = [_re_enter(exchange.watch_orders)]
        if exchange.has.get("watchMyTrades"):
            watches.append(_re_enter(exchange.watch_my_trades))
        if exchange.has.get("watchBalance"):
            watches.append(_re_enter(exchange.watch_balance, self._balance))
        return watches

    async def _until_lost(self, exchange: Any, watchers: list[asyncio.Task[None]]) -> None:
        """Raises the first trouble: of a watcher, of the hooks, or silence."""
        keep_alive = self._session.settings.keep_alive
        deadline = self._loop.time() + self._session.settings.request_timeout
        while True:
            await asyncio.wait(
                {*watchers, self._lost}, timeout=keep_alive, return_when=asyncio.FIRST_COMPLETED
            )
            for over in (self._lost, *watchers):
                if over.done():
                    over.result()
            now = self._loop.time()
            if now - self._heard_at > MISSED_PINGS * keep_alive:
                raise StreamLost(f"nothing heard for {now - self._heard_at:.0f} s")
            if not tap.is_tapped(exchange):
                raise StreamLost("this exchange keeps its orders out of our reach")
            self._confirm_by_any_frame()
            if not self._is_up and now > deadline:
                raise StreamLost("the subscription was not confirmed in time")

    def _confirm_by_any_frame(self) -> None:
        """Where the venue sends no confirmation: a frame, and a while without an error."""
        if not self._row.acks and self._heard:
            self._come_up()

    def _come_up(self) -> None:
        if not (self._is_up or self._is_over or self._lost.done()):
            self._is_up = True
            self._up()

    # -- hooks

    def on_heard(self) -> None:
        self._heard = True
        self._heard_at = self._loop.time()

    def on_frame(self, message: object) -> None:
        if any(matches(message, pattern) for pattern in self._row.ends):
            self.on_trouble("the venue has ended the stream")
        if self._awaited:
            self._awaited = [each for each in self._awaited if not matches(message, each)]
            if not self._awaited:
                self._come_up()

    def on_trouble(self, text: str) -> None:
        if not self._is_over and not self._lost.done():
            self._lost.set_exception(StreamLost(text))

    # -- what is heard

    def _order(self, raw: Mapping[str, Any]) -> None:
        if not self._session.is_left_out(raw):
            order = self._session.streamed_order(raw)
            self._on_event(OrderHeard(account=self._account, order=order))

    def _trade(self, raw: Mapping[str, Any]) -> None:
        if not self._session.is_left_out(raw):
            trade = self._session.trade(raw)
            self._on_event(TradeHeard(account=self._account, trade=trade))

    def _balance(self, raw: Mapping[str, Any]) -> None:
        """A venue repeats what it has said before: only what has changed is passed on."""
        heard = {balance.currency: balance for balance in translate.balances(raw)}
        changed = [b for name, b in heard.items() if self._balances.get(name) != b]
        self._balances.update(heard)
        if changed:
            self._on_event(BalancesHeard(account=self._account, balances=tuple(changed)))


async def _re_enter(
    watch: Callable[[], Awaitable[Any]], use: Callable[[Any], None] | None = None
) -> None:
    """Nothing is awaited between two watches, so no future is ever missing for long."""
    while True:
        result = await watch()
        if use is not None:
            use(result)
