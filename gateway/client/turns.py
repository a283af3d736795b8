"""Questions of a program that has more of them than can be open at once."""

import asyncio
from collections.abc import Callable

from gateway.client.errors import Closed
from gateway.ports import Asker


class TakingTurns:
    """So many questions at once; the next ones wait, in the order in which they came.

    A question has its turn until it is answered or has timed out, also if nobody waits for it any
    more: so long does it take one of the requester's places.
    """

    def __init__(self, asker: Asker, size: int) -> None:
        self._asker = asker
        self._turns = asyncio.Semaphore(size)
        self._closed = False

    async def request(
        self, make: Callable[[], bytes], timeout_s: float, on_reply: Callable[[bytes | None], None]
    ) -> None:
        """Returns when it is asked: `make` is called then. Raises Closed."""

        def replied(reply: bytes | None) -> None:
            self._turns.release()
            on_reply(reply)

        await self._turns.acquire()
        if self._closed:
            self._turns.release()
            raise Closed
        try:
            self._asker.request(make(), timeout_s, replied)
        except BaseException:
            self._turns.release()
            raise

    def close(self) -> None:
        """Whoever waits ends with Closed: one after the other, each gives the turn on."""
        self._closed = True
        self._turns.release()
