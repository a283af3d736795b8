"""Requests about one order reach the venue in the order in which they were given."""

import asyncio

from gateway.domain.identity import OrderId
from gateway.venues.guard import WriteGuard
from gateway.venues.once import Once


class Turn:
    """One request's place behind the one before it about the same order, if that is under way.

    `guard` of a request over a websocket tells when its bytes are in the socket, which is enough
    for a follower on the same socket. REST connections keep no order among each other: there one
    waits for the answer, but no longer than `patience`, so that a venue that hangs over a place
    can't hold its cancel back. `socket` names the connection; empty: REST.
    """

    def __init__(self, before: "Turn | None", guard: WriteGuard, socket: str) -> None:
        self._before = before
        self._socket = socket
        self._guard = guard
        self._over = Once()

    def lets_pass(self, socket: str) -> bool:
        """Whether a follower over `socket` need not wait."""
        is_ahead = bool(socket) and socket == self._socket and self._guard.on_socket.is_set()
        return is_ahead or self._over.is_set()

    async def wait(self, patience: float) -> None:
        before, self._before = self._before, None
        if before is None or before.lets_pass(self._socket):
            return
        passed = [asyncio.ensure_future(before._over.wait())]
        if self._socket and self._socket == before._socket:
            passed.append(asyncio.ensure_future(before._guard.on_socket.wait()))
        try:
            await asyncio.wait(passed, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiting in passed:
                waiting.cancel()

    def end(self) -> None:
        self._over.set()


class Lanes:
    """The last turn of each order with a request under way: bounded by those in flight."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._last: dict[OrderId, Turn] = {}

    def queue(self, order_id: OrderId, guard: WriteGuard, socket: str) -> Turn:
        """Takes the place now, whenever the request then runs."""
        turn = Turn(self._last.get(order_id), guard, socket)
        self._last[order_id] = turn
        return turn

    def is_free(self, order_id: OrderId, socket: str) -> bool:
        """A request over `socket` may go at once."""
        last = self._last.get(order_id)
        return last is None or last.lets_pass(socket)

    def enter(self, order_id: OrderId, turn: Turn) -> None:
        """For a request that has gone already."""
        self._last[order_id] = turn

    async def wait(self, turn: Turn) -> None:
        await turn.wait(self._patience)

    def leave(self, order_id: OrderId, turn: Turn) -> None:
        turn.end()
        if self._last.get(order_id) is turn:
            del self._last[order_id]
