"""One open websocket: what waits to be sent, and how it is made to misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from gateway.paper.parameters import NS_PER_MS

MAX_WAITING = 20_000
"""Frames that may wait for a slow reader; then the venue cuts the connection."""


class Connection:
    """Frames leave in the order of `send`, from a task of their own."""

    def __init__(
        self, socket: web.WebSocketResponse, transport: asyncio.Transport, clock: Callable[[], int]
    ) -> None:
        self._socket = socket
        self._transport = transport
        self._clock = clock
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue()
        self._silent_until = 0

    def send(self, frame: bytes) -> None:
        """Queue a text frame; a silent connection swallows it."""
        if self._silent_until > self._clock():
            return
        if self._waiting.qsize() >= MAX_WAITING:
            self.cut()
            return
        self._waiting.put_nowait(frame)

    async def write_waiting(self) -> None:
        """Send until the socket is gone."""
        try:
            while True:
                frame = await self._waiting.get()
                await self._socket.send_frame(frame, web.WSMsgType.TEXT)
        except ConnectionError:
            return

    def silence(self, duration_ms: int) -> None:
        """Send nothing for so long, while the socket stays open and answers pings."""
        self._silent_until = self._clock() + duration_ms * NS_PER_MS

    def cut(self) -> None:
        """Gone at once, without a closing handshake."""
        self._transport.abort()
