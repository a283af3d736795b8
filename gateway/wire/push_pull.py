"""PUSH and PULL over libzmq: facts and commands to the one process that bound the endpoint."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import zmq

from gateway.wire.base import Counters, Limits, OnMessage, check_size
from gateway.wire.drain import Drain, Source
from gateway.wire.edge import note_malformed
from gateway.wire.links import Binding, Link
from gateway.wire.sockets import Socket, can_write


class ZmqSender:
    """PUSH. Without a loop, it is the blocking client's: it looks at its peer when it sends."""

    pattern = "push"

    def __init__(
        self,
        socket: Socket,
        link: Link,
        endpoint: str,
        limits: Limits,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.counters = Counters()
        self._socket = socket
        self._link = link
        self._limits = limits
        self._loop = loop
        if loop is not None:
            loop.add_reader(socket.fileno(), self._look)

    def send(self, frame: bytes) -> bool:
        """A bare try first: to look costs as much as to send, and a socket that has been idle for a
        millisecond looks by itself. What it has not noticed since then shows when we look."""
        check_size(frame, self._limits)
        if self._socket.closed or not self._tries(frame):
            self.counters.refused += 1
            return False
        self.counters.sent += 1
        return True

    def _tries(self, frame: bytes) -> bool:
        self._link.refresh()
        return self._try_send(frame) or (can_write(self._socket) and self._try_send(frame))

    def ready(self) -> bool:
        if self._socket.closed:
            return False
        self._link.refresh()
        return can_write(self._socket)

    def _try_send(self, frame: bytes) -> bool:
        try:
            self._socket.send(frame, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def _look(self) -> None:
        """Take in what the descriptor announces: an idle socket must not collect it."""
        can_write(self._socket)

    @property
    def closed(self) -> bool:
        return self._socket.closed

    def close(self) -> None:
        if self.closed:
            return
        self._link.close()
        if self._loop is not None:
            self._loop.remove_reader(self._socket.fileno())
        self._socket.close()


@dataclass(frozen=True, slots=True)
class BoundPull:
    """One bound input of a receiver."""

    socket: Socket
    binding: Binding
    on_message: OnMessage

    def close(self) -> None:
        self.binding.release()
        self.socket.close(linger=0)


class ZmqReceiver:
    """PULL from one endpoint, or from several of which the first comes first."""

    pattern = "pull"

    def __init__(self, loop: asyncio.AbstractEventLoop, bound: Sequence[BoundPull]) -> None:
        self.endpoints = tuple(pull.binding.endpoint for pull in bound)
        self.endpoint = ", ".join(self.endpoints)
        self.counters = Counters()
        self.closed = False
        self._bound = bound
        sources = [Source(pull.socket, pull.binding.endpoint, self._taker(pull)) for pull in bound]
        self._drain = Drain(loop, sources, self.counters)

    def _taker(self, pull: BoundPull) -> Callable[[list[bytes]], None]:
        def take(frames: list[bytes]) -> None:
            if len(frames) != 1:
                note_malformed(self.counters, pull.binding.endpoint)
                return
            pull.on_message(frames[0])

        return take

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self._drain.close()
        for pull in self._bound:
            pull.close()
