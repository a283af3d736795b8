"""The real clock, timers and randomness behind the ports."""

import asyncio
import secrets
import time
from collections.abc import Callable

from gateway.ports import Timer


class SystemClock:
    def now(self) -> int:
        return time.time_ns()

    def monotonic(self) -> int:
        return time.monotonic_ns()


class LoopTimers:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def after(self, delay: int, action: Callable[[], None]) -> Timer:
        return self._loop.call_later(delay / 1e9, action)


class SystemRandomness:
    def bits(self, count: int) -> int:
        return secrets.randbits(count)

    def uniform(self) -> float:
        return secrets.randbits(53) / (1 << 53)
