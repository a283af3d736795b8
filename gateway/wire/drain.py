"""Reading libzmq sockets on an event loop, through their file descriptors.

A socket's descriptor says only that something may have happened inside the socket since it was
last looked at: it is not readable again for a message that already waits. So each wake-up reads
until nothing is left, or, after a batch, comes back by `call_soon`; and whoever sends on a socket
that is also read looks again afterwards (`recheck`), because sending takes in what the descriptor
would have told. There is no future or task per message, as zmq.asyncio has.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import zmq

from gateway.wire.base import Counters
from gateway.wire.edge import call_guarded
from gateway.wire.pump import Pump
from gateway.wire.sockets import Socket, look


@dataclass(frozen=True, slots=True)
class Source:
    """One socket that is read, and who takes its messages (all frames of one).

    `on_writable` is for one who waits for a peer: it says whether it used the socket.
    """

    socket: Socket
    endpoint: str
    handle: Callable[[list[bytes]], None]
    on_writable: Callable[[], bool] | None = None


class Drain:
    """Reads one socket, or several of which the first comes first."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sources: Sequence[Source], counters: Counters
    ) -> None:
        self._loop = loop
        self._sources = tuple(sources)
        self._counters = counters
        self._pump = Pump(loop, self._take_one)
        for source in self._sources:
            loop.add_reader(source.socket.fileno(), self._pump.run)
        self._pump.schedule()  # what came before this makes no descriptor readable

    def recheck(self) -> None:
        """Call after using a socket that is read here: its descriptor may not tell any more."""
        for source in self._sources:
            events = look(source.socket)
            if events & zmq.POLLIN or (source.on_writable and events & zmq.POLLOUT):
                self._pump.schedule()

    def close(self) -> None:
        """Stop reading. Call it before the sockets are closed."""
        for source in self._sources:
            self._loop.remove_reader(source.socket.fileno())
        self._sources = ()
        self._pump.close()

    def _take_one(self) -> bool:
        return any(self._take_from(source) for source in self._sources)

    def _take_from(self, source: Source) -> bool:
        events = look(source.socket)
        if source.on_writable is not None and events & zmq.POLLOUT and source.on_writable():
            return True
        if not events & zmq.POLLIN:
            return False
        try:
            frames = source.socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:  # a REQ drops late replies only here; the look was used up: look again
            return True
        self._counters.received += 1
        call_guarded(self._counters, source.endpoint, source.handle, frames)
        return True
