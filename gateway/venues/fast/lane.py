"""Commands out, answers in: what is under way on the warm socket, and what became of it.

Every command that was written gets exactly one answer: the venue's, or that its outcome is
unknown, when its time is over, the socket is lost or the session closes. Nothing is sent twice.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson
from msgspec import Struct

from gateway.domain.venue import CommandAnswer, OutcomeUnknown
from gateway.ports import Clock
from gateway.venues.fast.binance_spot import BinanceSpot, Command
from gateway.venues.fast.signing import Signer
from gateway.venues.fast.warm_socket import WarmSocket
from gateway.venues.guard import NotToBeSent, WriteGuard
from gateway.venues.translate import NS_PER_MS

logger = logging.getLogger(__name__)

Answered = Callable[[CommandAnswer], None]


class _UnderWay(Struct):
    command: Command
    guard: WriteGuard
    answered: Answered
    deadline: asyncio.TimerHandle


@dataclass(slots=True)
class Counters:
    sent: int = 0
    late: int = 0
    """Answers to what was given up before."""
    unreadable: int = 0
    timed_out: int = 0
    lost: int = 0
    """Commands under way on a socket that was lost."""


class FastLane:
    """Times in seconds. `skew_ms` is asked for each command: how far our clock is ahead."""

    def __init__(
        self,
        dialect: BinanceSpot,
        signer: Signer,
        clock: Clock,
        *,
        window_ms: int | None,
        skew_ms: Callable[[], int],
        keep_alive: float,
        request_timeout: float,
    ) -> None:
        self.counters = Counters()
        self._dialect = dialect
        self._signer = signer
        self._clock = clock
        self._window: dict[str, str | int] = {} if window_ms is None else {"recvWindow": window_ms}
        self._skew_ms = skew_ms
        self._timeout = request_timeout
        self._loop = asyncio.get_running_loop()
        self._under_way: dict[str, _UnderWay] = {}
        self._last_id = 0
        self._socket = WarmSocket(
            dialect.url,
            self._on_text,
            self._on_lost,
            keep_alive=keep_alive,
            patience=request_timeout,
        )

    @property
    def under_way(self) -> int:
        """Commands that are not answered yet."""
        return len(self._under_way)

    @property
    def is_clear(self) -> bool:
        return self._socket.is_clear

    @property
    def name(self) -> str:
        """Of the connection: what goes over one of the same name arrives in order."""
        return self._socket.name

    async def open(self) -> None:
        """One dial; if it fails, others follow, and commands go ccxt's way until then."""
        await self._socket.open()

    async def close(self) -> None:
        await self._socket.close()
        self._end_all("the session was closed")

    def send(self, command: Command, guard: WriteGuard, answered: Answered) -> bool:
        """Writes it now. False: not a byte of it went out or will, and `answered` is not called;
        `guard.expired` tells if that was because it came too late."""
        if not self._socket.is_clear:
            return False
        asked = self._dialect.asked(command)
        if asked is None:
            return False
        number = str(self._last_id + 1)
        frame = self._frame(number, *asked)
        try:
            guard.before_write("WS", self._socket.url)
        except NotToBeSent:
            return False
        if not self._socket.send(frame):
            return False
        guard.on_socket.set()
        self._last_id += 1
        self.counters.sent += 1
        deadline = self._loop.call_later(self._timeout, self._on_deadline, number)
        self._under_way[number] = _UnderWay(command, guard, answered, deadline)
        return True

    def rehearse(self, command: Command, guard: WriteGuard) -> None:
        """As `send`, but not a byte goes out."""
        asked = self._dialect.asked(command) if self._socket.is_clear else None
        if asked is not None:
            frame = self._frame("0", *asked)
            with suppress(NotToBeSent):
                guard.before_write("WS", self._socket.url)
            self._socket.rehearse(frame)

    def _frame(self, number: str, method: str, params: dict[str, str | int]) -> bytes:
        params |= self._window
        params["timestamp"] = self._clock.now() // NS_PER_MS - self._skew_ms()
        signed = self._signer.signed(params)
        return orjson.dumps({"id": number, "method": method, "params": signed})

    # -- what comes back

    def _on_text(self, text: bytes) -> None:
        said = _read(text)
        if said is None:
            self.counters.unreadable += 1
            logger.warning("venue_answer_unreadable", extra={"count": self.counters.unreadable})
            return
        if said.get("id") is None:
            return  # an announcement of the venue's
        under_way = self._under_way.pop(str(said["id"]), None)
        if under_way is None:
            self.counters.late += 1
            logger.info("venue_answer_late", extra={"count": self.counters.late})
            return
        self._end(under_way, self._understood(under_way.command, said, text))

    def _understood(self, command: Command, said: dict[str, Any], text: bytes) -> CommandAnswer:
        try:
            return self._dialect.answer(command, said, text.decode(errors="replace"))
        except Exception as error:
            logger.exception("venue_answer_failed")
            return OutcomeUnknown(text=f"the answer was not understood: {type(error).__name__}")

    def _on_deadline(self, number: str) -> None:
        under_way = self._under_way.pop(number, None)
        if under_way is not None:
            self.counters.timed_out += 1
            self._end(under_way, OutcomeUnknown(text="the venue has not answered in time"))

    def _on_lost(self, why: str) -> None:
        self.counters.lost += len(self._under_way)
        self._end_all(f"the socket was lost before an answer: {why}")

    def _end_all(self, why: str) -> None:
        under_way, self._under_way = self._under_way, {}
        for each in under_way.values():
            self._end(each, OutcomeUnknown(text=why))

    def _end(self, under_way: _UnderWay, answer: CommandAnswer) -> None:
        under_way.deadline.cancel()
        under_way.guard.closed = True
        under_way.answered(answer)


def _read(text: bytes) -> dict[str, Any] | None:
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return said if isinstance(said, dict) else None
