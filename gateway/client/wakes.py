"""Waking what waits on an event loop, whenever there may be something new for it."""

import asyncio
import weakref
from collections.abc import Callable

from gateway.ports import Asker


class Wake:
    """`wait` returns after the next `fire`, or at once if there was one since it last returned."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def fire(self) -> None:
        self._event.set()

    async def wait(self) -> None:
        await self._event.wait()
        self._event.clear()


class SharedWake(Wake):
    """For several at once: each `wait` returns after the next `fire`."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: set[asyncio.Future[None]] = set()

    def fire(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def wait(self) -> None:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await waiting
        finally:
            self._waiting.discard(waiting)


class Wakes:
    """All of one client, so that closing it leaves nothing waiting."""

    def __init__(self) -> None:
        self.shared = SharedWake()
        self._own: weakref.WeakSet[Wake] = weakref.WeakSet()

    def new(self) -> Wake:
        wake = Wake()
        self._own.add(wake)
        return wake

    def all(self) -> None:
        self.shared.fire()
        for wake in tuple(self._own):
            wake.fire()


class WakingAsker:
    """A reply can make a stream whole: whoever waits for that looks again."""

    def __init__(self, asker: Asker, wake: Wake) -> None:
        self._asker = asker
        self._wake = wake

    def request(
        self, frame: bytes, timeout_s: float, on_reply: Callable[[bytes | None], None]
    ) -> None:
        def replied(reply: bytes | None) -> None:
            on_reply(reply)
            self._wake.fire()

        self._asker.request(frame, timeout_s, replied)
