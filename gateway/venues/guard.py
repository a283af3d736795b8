"""Knows of each command whether a byte of it went out, and stops it if it is too late to send.

A guard stands in the context of the task that calls ccxt. The two places where bytes leave ask it:
aiohttp's trace hook just before the head of a request is written, and our wrapper around a
websocket client's `send`. So "not sent" is something that we saw, not something that we infer from
the class of an exception.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import aiohttp

from gateway.ports import Clock
from gateway.venues.once import Once

_IDEMPOTENT = frozenset({"PUT", "DELETE"})


class NotToBeSent(Exception):
    """Raised instead of writing; the base of the three below."""


class TooLate(NotToBeSent):
    """`expires_at` passed before the first byte was written."""


class Closed(NotToBeSent):
    """The command has been answered already: what still lingers of it must not go out."""


class SentTwice(NotToBeSent):
    """The HTTP library was about to repeat a request by itself; its first copy may be executed."""


def _nothing() -> None:
    pass


class WriteGuard:
    """`expires_at` in ns UTC, 0 for never."""

    def __init__(self, clock: Clock | None = None, expires_at: int = 0) -> None:
        self._clock = clock
        self._expires_at = expires_at
        self._commands: set[tuple[str, str]] = set()
        self.written = False
        self.started_at = 0
        self.written_at = 0
        """Both monotonic ns, for metrics."""
        self.expired = False
        self.closed = False
        self.status: int | None = None
        self.body = ""
        self.rows_given = 0
        """The most rows that ccxt had in hand at once for the last page; see `hooked`."""
        self.on_socket = Once()
        """Set when it is written to an ordered websocket."""
        self.abandon: Callable[[], object] = _nothing
        """Called when it was too late for a websocket, where raising would end the session."""
        self.ws_hash = ""
        self.ws_client: Any = None

    def before_write(self, method: str, url: str) -> None:
        """Raises TooLate, SentTwice or Closed instead of letting the bytes out."""
        if self.closed:
            raise Closed("it was answered before it was sent")
        if not self._commands and self._has_expired():
            self.expired = True
            raise TooLate("expired before it was sent")
        if self._clock is not None and not self.written:
            self.written_at = self._clock.monotonic()
        self.written = True
        if method == "GET":
            return
        if method in _IDEMPOTENT and (method, url) in self._commands:
            raise SentTwice(f"{method} would be repeated")
        self._commands.add((method, url))

    def _has_expired(self) -> bool:
        return self._clock is not None and 0 < self._expires_at < self._clock.now()


_current: ContextVar[WriteGuard | None] = ContextVar("write_guard", default=None)


def current_guard() -> WriteGuard | None:
    return _current.get()


@contextmanager
def guarded_by(guard: WriteGuard) -> Iterator[WriteGuard]:
    """What is called in here, and tasks that it starts, write under this guard."""
    token = _current.set(guard)
    try:
        yield guard
    finally:
        _current.reset(token)


def trace_config() -> aiohttp.TraceConfig:
    """aiohttp calls this hook before the head is written: raising in it sends nothing."""
    config = aiohttp.TraceConfig()
    config.on_request_headers_sent.append(_before_head)
    return config


async def _before_head(
    _session: aiohttp.ClientSession,
    _context: SimpleNamespace,
    params: aiohttp.TraceRequestHeadersSentParams,
) -> None:
    guard = _current.get()
    if guard is not None:
        guard.before_write(params.method, str(params.url))
